package protocol

// A Hint is a code for what a person can do about the error of a Region or a run. The set is open:
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

	// HintSetFunction: the request's worker names no function there. Set worker.function to
	// its name, deploy it in each Region of worker.placement, or leave the Region out.
	HintSetFunction Hint = "setFunction"

	// HintAllowFunction: the credentials may not invoke the request's worker. Allow them
	// lambda:InvokeFunction on it; for a deployed coordinator, with the parameter
	// workerFunctions, and with accounts in the role that it assumes there.
	HintAllowFunction Hint = "allowFunction"

	// HintDeployBoth: coordinator and regionworker are of different versions: the
	// regionworker does not know what the coordinator sent. Deploy both from the same one.
	HintDeployBoth Hint = "deployBoth"

	// HintSignIn: there are no credentials, or they have expired. Sign in, or set
	// AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
	HintSignIn Hint = "signIn"

	// HintEnableRegion: the account's credentials are not known in the Region. Enable
	// the Region in the account, or leave it out with excludeRegions.
	HintEnableRegion Hint = "enableRegion"

	// HintSetClock: AWS does not accept the signature. Set the clock of the machine
	// that signs, or check its secret access key.
	HintSetClock Hint = "setClock"

	// HintAwaitWorker: the regionworker cannot run yet. Wait until its state is Active.
	HintAwaitWorker Hint = "awaitWorker"

	// HintFixWorker: the regionworker cannot run with its configuration. The cause names
	// the setting.
	HintFixWorker Hint = "fixWorker"

	// HintRaiseConcurrency: Lambda throttles. Raise the concurrency of the account or of
	// the regionworker, or lower maxConcurrency.
	HintRaiseConcurrency Hint = "raiseConcurrency"

	// HintRaiseQuota: a quota of the account is used up. Raise it, or use less of it.
	HintRaiseQuota Hint = "raiseQuota"

	// HintShortenRequest: an invocation is too long. Lower maxTargetsPerInvocation, or
	// shorten parameters.
	HintShortenRequest Hint = "shortenRequest"

	// HintRaiseTimeout: the timeout of the coordinator's own function ended the run.
	// Raise it. Only a Result has this hint.
	HintRaiseTimeout Hint = "raiseTimeout"

	// HintRaiseWorkerTimeout: the timeout of the regionworker's own function ended its
	// work. Raise it.
	HintRaiseWorkerTimeout Hint = "raiseWorkerTimeout"
)

// Hints returns every hint there is.
func Hints() []Hint {
	return []Hint{
		HintDeployWorker, HintSetWorker, HintAllowRegion, HintAllowWorker, HintSetFunction, HintAllowFunction, HintDeployBoth, HintSignIn, HintEnableRegion,
		HintSetClock, HintAwaitWorker, HintFixWorker, HintRaiseConcurrency, HintRaiseQuota, HintShortenRequest,
		HintRaiseTimeout, HintRaiseWorkerTimeout,
	}
}
