package protocol

// A Hint is a code for what a person can do about a Region's error. The set is open:
// show a value that is not in [Hints] as it is.
type Hint string

// The hints.
const (
	// HintDeployWorker: the Region has no regionworker. Deploy it there, or leave
	// the Region out with excludeRegions.
	HintDeployWorker Hint = "deployWorker"

	// HintSetWorker: WORKER_FUNCTION names no function. Deploy the regionworker, or
	// set WORKER_FUNCTION to its name.
	HintSetWorker Hint = "setWorker"

	// HintAllowRegion: the coordinator's role does not name the Region's regionworker.
	// Deploy the coordinator again, with the Region among its own.
	HintAllowRegion Hint = "allowRegion"

	// HintAllowWorker: the coordinator's role does not name the function that
	// WORKER_FUNCTION names. Allow it to invoke that function.
	HintAllowWorker Hint = "allowWorker"

	// HintDeployBoth: coordinator and regionworker are of different versions. Deploy
	// both from the same one.
	HintDeployBoth Hint = "deployBoth"

	// HintSignIn: there are no credentials. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and
	// AWS_SECRET_ACCESS_KEY.
	HintSignIn Hint = "signIn"
)

// Hints returns every hint there is.
func Hints() []Hint {
	return []Hint{HintDeployWorker, HintSetWorker, HintAllowRegion, HintAllowWorker, HintDeployBoth, HintSignIn}
}
