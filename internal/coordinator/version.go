package coordinator

import (
	"fmt"
	"strings"

	"meridian/pkg/protocol"
)

// isOlder reports whether a worker's answer says that it is older than this program.
func isOlder(workerVersion int) bool { return 0 < workerVersion && workerVersion < protocol.Version }

// versionNotice returns a notice about the workers of the run that are older than this
// coordinator, or "".
func (r *run) versionNotice() string {
	var regions []string
	for i := range r.regions {
		if r.regions[i].older {
			regions = union(regions, []string{r.plan.Regions[i].Region})
		}
	}
	if len(regions) == 0 {
		return ""
	}
	return olderWorkers(r.plan.Regional, regions)
}

// olderWorkers returns the notice that the workers for some Regions are older than this
// coordinator, with the command that deploys them again.
func olderWorkers(regional bool, regions []string) string {
	command := "make deploy"
	if regional {
		command = fmt.Sprintf("make deploy-workers REGIONS=%q", strings.Join(regions, " "))
	}
	return fmt.Sprintf("workers are older than the coordinator in %s: run `%s`, with the STAGE of this deployment",
		strings.Join(regions, ", "), command)
}
