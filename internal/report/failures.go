package report

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"meridian/pkg/protocol"
)

// maxFailures is the number of failures printed below the table: more than a person reads,
// and few enough to scroll back over.
const maxFailures = 100

// A failure is one target that did not succeed, or several that failed together.
type failure struct {
	region, target string
	status         protocol.Status
	why            string
}

// Failed reports whether work with this status was started and did not succeed.
func Failed(s protocol.Status) bool {
	return s.IsFailure() || s == protocol.StatusAborted
}

// ownFailures returns the targets of a Region that failed with a cause of their own.
func ownFailures(r protocol.RegionOutcome) []protocol.TargetOutcome {
	var own []protocol.TargetOutcome
	for _, t := range r.Targets {
		if Failed(t.Status) && t.Cause != "" {
			own = append(own, t)
		}
	}
	return own
}

// failures returns the failures of a Region: one for each target with a cause of its own,
// and one for all others, which have the Region's.
func failures(r protocol.RegionOutcome) []failure {
	var all []failure
	for _, t := range ownFailures(r) {
		all = append(all, failure{r.Region, t.Target, t.Status, reason(t.Error, t.Cause)})
	}
	others := slices.DeleteFunc(slices.Clone(r.Targets), func(t protocol.TargetOutcome) bool {
		return !Failed(t.Status) || t.Cause != ""
	})
	switch len(others) {
	case 0:
	case 1:
		all = append(all, failure{r.Region, others[0].Target, others[0].Status, reason(r.Error, r.Cause)})
	default:
		all = append(all, failure{r.Region, fmt.Sprintf("%d targets", len(others)), others[0].Status, reason(r.Error, r.Cause)})
	}
	return all
}

// writeFailures writes the failures that the table does not show whole, a line each and
// wrapped at the width: those of Regions with several, and those that were cut.
func writeFailures(b *strings.Builder, r protocol.Result, cut []bool, o Options, p palette) {
	var all []failure
	several := len(accountsOf(r)) > 1
	for i, region := range r.Regions {
		if Failed(region.Status) && (cut[i] || len(failures(region)) > 1) {
			for _, f := range failures(region) {
				if several {
					f.region = where(region)
				}
				all = append(all, f)
			}
		}
	}
	if len(all) == 0 {
		return
	}
	more := 0
	if !o.All && len(all) > maxFailures {
		more, all = len(all)-maxFailures, all[:maxFailures]
	}
	for _, f := range all {
		b.WriteString(indented(fmt.Sprintf("%s  %s  %s  %s", clean(f.region), clean(f.target),
			p.status[f.status].Render(clean(string(f.status))), clean(f.why)), o.width()))
	}
	if more > 0 {
		b.WriteString(paragraph(fmt.Sprintf("… and %d more failures (-o wide has them all)", more), o.width(), lipgloss.NewStyle()))
	}
	b.WriteString("\n")
}
