package coordinator

import (
	"fmt"

	"meridian/pkg/protocol"
)

// hint says what a person can do about a Region's error, or "". With regional each
// Region has its own worker.
func hint(region, errorName string, regional bool) string {
	switch errorName {
	case "Lambda.ResourceNotFoundException":
		if !regional {
			return "WORKER_FUNCTION names no function that is there: make deploy puts the regionworker beside the coordinator"
		}
		return fmt.Sprintf("no regionworker stands in %s: make deploy-workers REGIONS=%s puts it there, excludeRegions leaves it out",
			region, region)
	case "Lambda.AccessDeniedException":
		if !regional {
			return "the coordinator's role does not name the regionworker that WORKER_FUNCTION names"
		}
		return fmt.Sprintf("the coordinator's role does not name the regionworker of %s: deploy with it in REGIONS", region)
	case protocol.ErrorUnsupportedVersion:
		return fmt.Sprintf("the regionworker of %s is of another version than the coordinator: deploy both", region)
	case protocol.ErrorNoCredentials:
		return "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	}
	return ""
}
