package coordinator

import "meridian/pkg/protocol"

// hint returns what a person can do about a Region's error, or "". With regional each
// Region has its own worker. This is the one place that knows which error calls for
// which advice; the words are where it is shown.
func hint(errorName string, regional bool) protocol.Hint {
	advice := map[string]struct{ home, regional protocol.Hint }{
		"Lambda.ResourceNotFoundException": {protocol.HintSetWorker, protocol.HintDeployWorker},
		"Lambda.AccessDeniedException":     {protocol.HintAllowWorker, protocol.HintAllowRegion},
		protocol.ErrorUnsupportedVersion:   {protocol.HintDeployBoth, protocol.HintDeployBoth},
		protocol.ErrorNoCredentials:        {protocol.HintSignIn, protocol.HintSignIn},
	}[errorName]
	if regional {
		return advice.regional
	}
	return advice.home
}
