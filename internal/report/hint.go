package report

import (
	"cmp"
	"fmt"
	"slices"

	"meridian/pkg/protocol"
)

// mostHints is how many Regions' hints are worth reading: the others' are alike.
const mostHints = 3

// hints returns what to do about the errors of the run and the Regions, each once, after what to
// do next about a run that has not ended.
func hints(result protocol.Result, next string) []string {
	var found []string
	if line := lookUp(result); line != "" {
		found = append(found, cmp.Or(next, line))
	}
	if result.Hint != "" {
		found = append(found, instruction(result.Hint, ""))
	}
	for _, r := range result.Regions {
		if line := instruction(r.Hint, r.Region); line != "" && len(found) < mostHints && !slices.Contains(found, line) {
			found = append(found, line)
		}
	}
	return found
}

// instruction tells a Region's hint in words. One that is not known is shown as it is:
// it may be a newer coordinator's.
func instruction(h protocol.Hint, region string) string {
	switch h {
	case protocol.HintDeployWorker:
		return fmt.Sprintf("deploy the regionworker in %s, or leave the Region out with excludeRegions", region)
	case protocol.HintSetWorker:
		return "deploy the regionworker, or set WORKER_FUNCTION to its name"
	case protocol.HintAllowRegion:
		return fmt.Sprintf("deploy the coordinator with %s among its Regions, so that its role may invoke the regionworker there", region)
	case protocol.HintAllowWorker:
		return "allow the coordinator's role to invoke the function that WORKER_FUNCTION names"
	case protocol.HintSetFunction:
		return fmt.Sprintf("set worker.function to the name of a function that is in %s, deploy the function there, or leave the Region out with excludeRegions", region)
	case protocol.HintAllowFunction:
		return "allow the credentials lambda:InvokeFunction on the function that worker.function names: in the role of the coordinator, with --param workerFunctions, or in the role that it assumes in the account"
	case protocol.HintDeployBoth:
		return "deploy the coordinator and the regionworkers from the same version"
	case protocol.HintSignIn:
		return "run `aws sso login`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	case protocol.HintEnableRegion:
		return fmt.Sprintf("enable %s in the account, or leave it out with excludeRegions; if every Region fails like this, sign in again", region)
	case protocol.HintSetClock:
		return "set the clock of the machine that calls AWS, or check its secret access key"
	case protocol.HintAwaitWorker:
		return fmt.Sprintf("wait until the state of the regionworker in %s is Active; `aws lambda get-function` shows it", region)
	case protocol.HintFixWorker:
		return fmt.Sprintf("fix the configuration of the regionworker in %s; the cause names the setting", region)
	case protocol.HintRaiseConcurrency:
		return fmt.Sprintf("raise the concurrency of the account or of the regionworker in %s, or set maxConcurrency lower", region)
	case protocol.HintRaiseQuota:
		return fmt.Sprintf("raise the quota in %s that the cause names, or use less of it", region)
	case protocol.HintShortenRequest:
		return "set maxTargetsPerInvocation lower, or shorten parameters"
	case protocol.HintRaiseTimeout:
		return "the timeout of the coordinator's own function ended the run: raise it with --param coordinatorTimeout=900; over the HTTP API a run has at most 28 s"
	case protocol.HintRaiseWorkerTimeout:
		return fmt.Sprintf("the timeout of the regionworker's own function ended its work in %s: raise it with --param workerTimeout=900", region)
	}
	return string(h)
}
