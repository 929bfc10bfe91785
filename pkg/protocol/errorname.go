package protocol

// Error names say what went wrong in one word that a retrier can match. The
// names of the Amazon States Language and those that Step Functions gives to
// Lambda's errors keep their meaning; Meridian's own begin with "Meridian.". A
// task or a function may bring names of its own, so the set is open.
//
// Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
const (
	// ErrorAll matches every error in a retrier, but for the two terminal ones:
	// ErrorDataLimitExceeded and ErrorRuntime.
	ErrorAll = "States.ALL"

	// ErrorTaskFailed is a failure without a name of its own. In a retrier it
	// matches every error but ErrorTimeout and the terminal ones.
	ErrorTaskFailed = "States.TaskFailed"

	// ErrorTimeout means that an attempt, or the run, ran out of time.
	ErrorTimeout = "States.Timeout"

	// ErrorExceedToleratedFailureThreshold means that more items failed than
	// the policy tolerates.
	ErrorExceedToleratedFailureThreshold = "States.ExceedToleratedFailureThreshold"

	// ErrorDataLimitExceeded means that a payload passed a limit. Terminal: no
	// retrier applies to it.
	ErrorDataLimitExceeded = "States.DataLimitExceeded"

	// ErrorRuntime means that the code itself broke: a panic. Terminal: no
	// retrier applies to it.
	ErrorRuntime = "States.Runtime"

	// ErrorLambdaThrottled is Lambda's answer 429.
	ErrorLambdaThrottled = "Lambda.TooManyRequestsException"

	// ErrorLambdaService is Lambda's answer 500.
	ErrorLambdaService = "Lambda.ServiceException"

	// ErrorLambdaAWS is any other server-side failure of Lambda.
	ErrorLambdaAWS = "Lambda.AWSLambdaException"

	// ErrorLambdaSDKClient means that no answer came from Lambda: no connection,
	// or a connection that broke.
	ErrorLambdaSDKClient = "Lambda.SdkClientException"

	// ErrorLambdaClientTimeout means that the client gave up waiting for Lambda.
	ErrorLambdaClientTimeout = "Lambda.ClientExecutionTimeoutException"

	// ErrorLambdaUnknown is a function error that does not give its type.
	ErrorLambdaUnknown = "Lambda.Unknown"

	// ErrorResponseSizeTooLarge is what Lambda answers when a function's
	// response passes MaxPayloadBytes.
	ErrorResponseSizeTooLarge = "Function.ResponseSizeTooLarge"

	// ErrorRequestTooLarge is Lambda's answer 413: the payload passes
	// MaxInvocationBytes.
	ErrorRequestTooLarge = "Lambda.RequestTooLargeException"

	// ErrorNoCredentials means that there was nothing to sign an invocation
	// with. AWS's own SDKs would say Lambda.SdkClientException, which is in
	// everybody's list of errors to retry, and credentials that are missing are
	// missing the next time as well.
	ErrorNoCredentials = "Meridian.NoCredentials"

	// ErrorInvalidRequest means that a request was refused at the door; the
	// cause lists every fault.
	ErrorInvalidRequest = "Meridian.InvalidRequest"

	// ErrorUnsupportedVersion means that a worker does not know the version of
	// the message it was sent: deploy coordinator and worker together.
	ErrorUnsupportedVersion = "Meridian.UnsupportedVersion"

	// ErrorBadAnswer means that a worker's answer was not JSON of the expected
	// shape, or did not belong to what was asked.
	ErrorBadAnswer = "Meridian.BadAnswer"
)
