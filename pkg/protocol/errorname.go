package protocol

// Error names classify errors; retriers match them. The names of the Amazon States
// Language, and the names that Step Functions gives to Lambda's errors, keep their
// meaning. Meridian's own names begin with "Meridian.". Tasks and functions can
// return names of their own, so the set is open.
//
// Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
const (
	// ErrorAll, in a retrier, matches every error except ErrorDataLimitExceeded and
	// ErrorRuntime.
	ErrorAll = "States.ALL"

	// ErrorTaskFailed is a failure without a name of its own. In a retrier it
	// matches what ErrorAll does, except ErrorTimeout.
	ErrorTaskFailed = "States.TaskFailed"

	// ErrorTimeout means that an attempt, or the run, ran out of time.
	ErrorTimeout = "States.Timeout"

	// ErrorExceedToleratedFailureThreshold means that more items failed than
	// the policy tolerates.
	ErrorExceedToleratedFailureThreshold = "States.ExceedToleratedFailureThreshold"

	// ErrorDataLimitExceeded means that a payload exceeded a limit. In a retrier it
	// has to be named: ErrorAll and ErrorTaskFailed leave it out.
	ErrorDataLimitExceeded = "States.DataLimitExceeded"

	// ErrorRuntime means that the code panicked. It is never retried, and a retrier
	// that names it is refused.
	ErrorRuntime = "States.Runtime"

	// ErrorLambdaThrottled is HTTP status 429 from Lambda.
	ErrorLambdaThrottled = "Lambda.TooManyRequestsException"

	// ErrorLambdaService is HTTP status 500 from Lambda.
	ErrorLambdaService = "Lambda.ServiceException"

	// ErrorLambdaAWS is any other server-side failure of Lambda.
	ErrorLambdaAWS = "Lambda.AWSLambdaException"

	// ErrorLambdaSDKClient means that Lambda did not answer: the connection could
	// not be opened, or it broke.
	ErrorLambdaSDKClient = "Lambda.SdkClientException"

	// ErrorLambdaClientTimeout means that the client timed out waiting for Lambda.
	ErrorLambdaClientTimeout = "Lambda.ClientExecutionTimeoutException"

	// ErrorLambdaUnknown is a function error without a type.
	ErrorLambdaUnknown = "Lambda.Unknown"

	// ErrorResponseSizeTooLarge means that the response of a function exceeded
	// MaxPayloadBytes.
	ErrorResponseSizeTooLarge = "Function.ResponseSizeTooLarge"

	// ErrorRequestTooLarge is HTTP status 413 from Lambda: the payload exceeded
	// MaxInvocationBytes.
	ErrorRequestTooLarge = "Lambda.RequestTooLargeException"

	// ErrorNoCredentials means that there were no credentials to sign an invocation
	// with. AWS's SDKs say Lambda.SdkClientException instead. Most retriers list
	// that name, and a retry does not bring missing credentials.
	ErrorNoCredentials = "Meridian.NoCredentials"

	// ErrorInvalidRequest means that a request was refused before any work was
	// done. The cause lists every fault.
	ErrorInvalidRequest = "Meridian.InvalidRequest"

	// ErrorUnsupportedVersion means that a worker does not support the version of
	// the message: deploy coordinator and worker together.
	ErrorUnsupportedVersion = "Meridian.UnsupportedVersion"

	// ErrorAllSkipped means that there was nothing to do for any target of the run. The
	// cause has the first target's reason.
	ErrorAllSkipped = "Meridian.AllSkipped"

	// ErrorBadAnswer means that a worker's answer was not JSON of the expected
	// shape, or did not match the request.
	ErrorBadAnswer = "Meridian.BadAnswer"

	// ErrorInterrupted means that the coordinator ended while an invocation was in flight,
	// so that its answer was lost: the work may have been done. Work that may be done twice
	// is then done again; other work has failed.
	ErrorInterrupted = "Meridian.Interrupted"
)
