package coordinator

import (
	"fmt"

	"meridian/pkg/protocol"
)

// hint says what a person can do about a Region's error, or "".
func hint(region, errorName string) string {
	switch errorName {
	case "Lambda.ResourceNotFoundException":
		return fmt.Sprintf("no regionworker stands in %s: make deploy-workers REGIONS=%s puts it there, excludeRegions leaves it out",
			region, region)
	case "Lambda.AccessDeniedException":
		return fmt.Sprintf("the coordinator's role does not name the regionworker of %s: deploy with it in REGIONS", region)
	case protocol.ErrorUnsupportedVersion:
		return fmt.Sprintf("the regionworker of %s is of another version than the coordinator: deploy both", region)
	case protocol.ErrorNoCredentials:
		return "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	}
	return ""
}
