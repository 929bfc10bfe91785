package invoke

import (
	"net/http"
	"slices"
	"strings"

	"meridian/pkg/protocol"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// A row is what AWS documents about one error of Invoke. Its name, the default retries,
// the bill and the hint follow from it.
type row struct {
	code   string // Lambda's, or the name of an error without one
	status int    // of HTTP; zero means none
	ran    outcome
	retry  persistence
	hint   protocol.Hint // for placement Home
	source string
}

// An outcome says whether the function has run when Invoke fails.
type outcome bool

const (
	refused    outcome = false // documented: the call was refused before a run
	mayHaveRun outcome = true  // everything else
)

// A persistence says how long an error is retried when a request has no retriers.
type persistence int

const (
	never persistence = iota

	// briefly is for an error that passes quickly: a few retries.
	briefly

	// untilReady is for a function that cannot run yet: retries until the run ends. AWS's
	// text says to wait, or names a limit whose use changes.
	untilReady

	// atOnce and tooFast are throttles of the calls in flight and of the calls per second.
	// internal/fanout adapts to them.
	atOnce
	tooFast
)

// Where the rows come from.
const (
	// apiInvoke lists the errors of Invoke and says that error codes are reserved for
	// errors that prevent the function from executing. ServiceException, an "internal
	// error", and EFSIOException, for "reading from or writing to a connected file
	// system", do not say so themselves: after these the function may have run.
	apiInvoke = "https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"

	// commonErrors lists the errors of every operation.
	commonErrors = "https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html"

	// functionStates has the errors of functions that are not active.
	functionStates = "https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html"

	// troubleshooting has the errors of file systems.
	troubleshooting = "https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html"

	// signing has the errors of signatures, and so does clockSkewCodes in the SDK's
	// aws/retry/middleware.go.
	signing = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html"

	// stepFunctions has the names of errors without an answer.
	stepFunctions = "https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html"

	// httpSemantics is RFC 9110.
	httpSemantics = "https://www.rfc-editor.org/rfc/rfc9110.html"

	ours = "meridian/pkg/protocol"
)

// table has a row for every documented error of Invoke.
//
//nolint:gochecknoglobals // a constant that Go cannot write as such
var table = []row{
	// Lambda cannot say whether the function has run.
	{"ServiceException", 500, mayHaveRun, briefly, "", apiInvoke},
	{"EFSIOException", 410, mayHaveRun, briefly, protocol.HintFixWorker, troubleshooting},

	// Too many calls.
	{throttled, 429, refused, atOnce, protocol.HintRaiseConcurrency, apiInvoke},
	{"ThrottlingException", 400, refused, tooFast, protocol.HintRaiseConcurrency, commonErrors},
	{"ServiceQuotaExceededException", 402, refused, never, protocol.HintRaiseQuota, apiInvoke},

	// The function cannot run yet.
	{"CodeArtifactUserPendingException", 409, refused, untilReady, protocol.HintAwaitWorker, apiInvoke},
	{"CodeArtifactUserDeletedException", 409, refused, untilReady, protocol.HintAwaitWorker, apiInvoke},
	{"ResourceConflictException", 409, refused, untilReady, protocol.HintAwaitWorker, functionStates},
	{"ResourceNotReadyException", 502, refused, untilReady, protocol.HintAwaitWorker, functionStates},
	{"ENINotReadyException", 502, refused, untilReady, protocol.HintAwaitWorker, apiInvoke},
	{"SnapStartNotReadyException", 409, refused, untilReady, protocol.HintAwaitWorker, apiInvoke},
	{"SnapStartRegenerationFailureException", 409, refused, untilReady, protocol.HintAwaitWorker, apiInvoke},
	{"EC2ThrottledException", 502, refused, untilReady, protocol.HintAwaitWorker, apiInvoke},
	{"ENILimitReachedException", 502, refused, untilReady, protocol.HintRaiseQuota, apiInvoke},
	{"SubnetIPAddressLimitReachedException", 502, refused, untilReady, protocol.HintRaiseQuota, apiInvoke},

	// Preparing the function failed, which may pass.
	{"EC2UnexpectedException", 502, refused, briefly, protocol.HintFixWorker, apiInvoke},
	{"EFSMountConnectivityException", 408, refused, briefly, protocol.HintFixWorker, troubleshooting},
	{"EFSMountTimeoutException", 408, refused, briefly, protocol.HintFixWorker, troubleshooting},
	{"S3FilesMountConnectivityException", 408, refused, briefly, protocol.HintFixWorker, apiInvoke},
	{"S3FilesMountTimeoutException", 408, refused, briefly, protocol.HintFixWorker, apiInvoke},
	{"SnapStartTimeoutException", 408, refused, briefly, protocol.HintFixWorker, apiInvoke},

	// The function is not set up to run.
	{"CodeArtifactUserFailedException", 409, refused, never, protocol.HintFixWorker, apiInvoke},
	{"EC2AccessDeniedException", 502, refused, never, protocol.HintFixWorker, apiInvoke},
	{"EFSMountFailureException", 403, refused, never, protocol.HintFixWorker, troubleshooting},
	{"S3FilesMountFailureException", 403, refused, never, protocol.HintFixWorker, apiInvoke},
	{"InvalidRuntimeException", 502, refused, never, protocol.HintFixWorker, apiInvoke},
	{"InvalidSecurityGroupIDException", 502, refused, never, protocol.HintFixWorker, apiInvoke},
	{"InvalidSubnetIDException", 502, refused, never, protocol.HintFixWorker, apiInvoke},
	{"InvalidZipFileException", 502, refused, never, protocol.HintFixWorker, apiInvoke},
	{"KMSAccessDeniedException", 502, refused, never, protocol.HintFixWorker, apiInvoke},
	{"KMSDisabledException", 502, refused, never, protocol.HintFixWorker, apiInvoke},
	{"KMSInvalidStateException", 502, refused, never, protocol.HintFixWorker, apiInvoke},
	{"KMSNotFoundException", 502, refused, never, protocol.HintFixWorker, apiInvoke},
	{"ModeNotSupportedException", 400, refused, never, protocol.HintFixWorker, apiInvoke},
	{"NoPublishedVersionException", 400, refused, never, protocol.HintFixWorker, apiInvoke},
	{"RecursiveInvocationException", 400, refused, never, protocol.HintFixWorker, apiInvoke},
	{"RuntimeAliasDeletedException", 409, refused, never, protocol.HintFixWorker, apiInvoke},
	{"RuntimeVersionDeletedException", 409, refused, never, protocol.HintFixWorker, apiInvoke},
	{"SnapStartException", 400, refused, never, protocol.HintFixWorker, apiInvoke},

	// The request is wrong.
	{"ResourceNotFoundException", 404, refused, never, protocol.HintSetWorker, apiInvoke},
	{tooLarge, 413, refused, never, protocol.HintShortenRequest, apiInvoke},
	{"SerializedRequestEntityTooLargeException", 413, refused, never, protocol.HintShortenRequest, apiInvoke},
	{"RequestEntityTooLargeException", 413, refused, never, protocol.HintShortenRequest, commonErrors},
	{"DurableExecutionAlreadyStartedException", 409, refused, never, "", apiInvoke},
	{"InvalidParameterValueException", 400, refused, never, "", apiInvoke},
	{"InvalidRequestContentException", 400, refused, never, "", apiInvoke},
	{"UnsupportedMediaTypeException", 415, refused, never, "", apiInvoke},
	{"MalformedHttpRequestException", 400, refused, never, "", commonErrors},
	{"UnknownOperationException", 404, refused, never, "", commonErrors},
	{"ValidationError", 400, refused, never, "", commonErrors},
	{"ValidationException", 400, refused, never, "", commonErrors},

	// The caller may not, or is not known.
	{"AccessDeniedException", 403, refused, never, protocol.HintAllowWorker, commonErrors},
	{"NotAuthorized", 401, refused, never, protocol.HintAllowWorker, commonErrors},
	{"ExpiredTokenException", 403, refused, never, protocol.HintSignIn, commonErrors},
	{"IncompleteSignature", 403, refused, never, protocol.HintSignIn, commonErrors},
	{"MissingAuthenticationTokenException", 403, refused, never, protocol.HintSignIn, signing},
	{"AuthFailure", 403, refused, never, protocol.HintEnableRegion, signing},
	{"InvalidClientTokenId", 403, refused, never, protocol.HintEnableRegion, commonErrors},
	{"OptInRequired", 403, refused, never, protocol.HintEnableRegion, commonErrors},
	{"UnrecognizedClientException", 403, refused, never, protocol.HintEnableRegion, commonErrors},
	{"InvalidSignatureException", 403, refused, never, protocol.HintSetClock, signing},
	{"RequestTimeTooSkewed", 403, refused, never, protocol.HintSetClock, signing},
	{"SignatureDoesNotMatch", 403, refused, never, protocol.HintSetClock, signing},
	{"RequestExpired", 400, refused, never, protocol.HintSetClock, commonErrors},

	// The call was not carried out, or it broke off.
	{"InternalFailure", 500, mayHaveRun, briefly, "", commonErrors},
	{"ServiceUnavailable", 503, mayHaveRun, briefly, "", commonErrors},
	{"RequestAbortedException", 400, mayHaveRun, never, "", commonErrors},
	{"RequestTimeoutException", 408, mayHaveRun, briefly, "", commonErrors},
	{notImplemented, 501, refused, never, "", httpSemantics},

	// Errors without an answer, or without a documented code. After an error without an
	// answer the function may have run if the request was sent.
	{protocol.ErrorLambdaAWS, 0, mayHaveRun, briefly, "", stepFunctions},
	{protocol.ErrorLambdaSDKClient, 0, mayHaveRun, briefly, "", stepFunctions},
	{protocol.ErrorLambdaClientTimeout, 0, mayHaveRun, briefly, "", stepFunctions},
	{"Sandbox.Timedout", 0, mayHaveRun, never, protocol.HintRaiseWorkerTimeout, stepFunctions}, // of the function itself
	{protocol.ErrorNoCredentials, 0, refused, never, protocol.HintSignIn, ours},
	{protocol.ErrorUnsupportedVersion, 0, refused, never, protocol.HintDeployBoth, ours},
	{protocol.ErrorInvalidRequest, 0, refused, never, protocol.HintDeployBoth, ours}, // the coordinator found no fault in it
}

// The rows of answers without a code that is documented.
const (
	throttled      = "TooManyRequestsException"
	tooLarge       = "RequestTooLargeException"
	notImplemented = "NotImplemented" // the server does not know what it was asked for
)

// rowOf returns the row of an answer with a status and Lambda's code, which is "" when
// the answer has none.
func rowOf(status int, code string) row {
	r, ok := find(code)
	switch {
	case ok:
	case status == http.StatusTooManyRequests:
		r, _ = find(throttled)
	case status == http.StatusRequestEntityTooLarge:
		r, _ = find(tooLarge)
	case status == http.StatusNotImplemented:
		r, _ = find(notImplemented)
	case code == "" || status >= http.StatusInternalServerError:
		r, _ = find(protocol.ErrorLambdaAWS)
	default:
		r = row{code: code, status: status, ran: mayHaveRun}
	}
	if status != r.status && (status == http.StatusRequestTimeout || status >= http.StatusInternalServerError) {
		r.ran = mayHaveRun // the refusal is documented for another status
	}
	return r
}

// find returns the row of a code.
func find(code string) (row, bool) {
	i := slices.IndexFunc(table, func(r row) bool { return r.code == code })
	if i < 0 {
		return row{}, false
	}
	return table[i], true
}

// name returns the error's name, as Step Functions gives it.
func (r row) name() string {
	switch {
	case r.retry == atOnce || r.retry == tooFast:
		return protocol.ErrorLambdaThrottled
	case r.hint == protocol.HintShortenRequest:
		return protocol.ErrorRequestTooLarge
	case r.source == commonErrors && r.status >= http.StatusInternalServerError:
		return protocol.ErrorLambdaAWS
	case strings.Contains(r.code, "."):
		return r.code
	}
	return "Lambda." + r.code
}

// persistenceOf returns which throttle Lambda's reason stands for. Without a known reason
// the calls in flight are throttled.
func persistenceOf(reason types.ThrottleReason) persistence {
	switch reason {
	case types.ThrottleReasonCallerRateLimitExceeded, types.ThrottleReasonFunctionInvocationRateLimitExceeded,
		types.ThrottleReasonReservedFunctionInvocationRateLimitExceeded:
		return tooFast
	case types.ThrottleReasonConcurrentInvocationLimitExceeded, types.ThrottleReasonConcurrentSnapshotCreateLimitExceeded,
		types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded:
	}
	return atOnce
}

// advice returns the hint for this worker: it may be a caller's function, or one in each Region.
func (l *Lambda) advice(h protocol.Hint) protocol.Hint {
	switch {
	case h == protocol.HintSetWorker && l.caller:
		return protocol.HintSetFunction
	case h == protocol.HintAllowWorker && l.caller:
		return protocol.HintAllowFunction
	case h == protocol.HintSetWorker && l.home == "":
		return protocol.HintDeployWorker
	case h == protocol.HintAllowWorker && l.home == "":
		return protocol.HintAllowRegion
	}
	return h
}

// DefaultRetry returns the retriers of a request without any. The first covers throttles
// and errors that pass quickly: 4 retries that start at 0.2 s and double up to 5 s. AWS
// recommends 6 retries that start at 2 s, over two minutes in all, but a run over Regions
// takes seconds. The second covers functions that cannot run yet. That takes 40 to 106 s
// after a deployment, so it retries until the run ends, with at most 10 s in between.
// Both have full jitter.
//
// Source: https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html
func DefaultRetry() []protocol.Retrier {
	var brief, pending []string
	for _, r := range table {
		names := &brief
		switch r.retry {
		case never:
			continue
		case untilReady:
			names = &pending
		case briefly, atOnce, tooFast:
		}
		if !slices.Contains(*names, r.name()) {
			*names = append(*names, r.name())
		}
	}
	return []protocol.Retrier{{
		ErrorEquals: brief, IntervalSeconds: 0.2, MaxAttempts: new(4), BackoffRate: 2, MaxDelaySeconds: 5,
		JitterStrategy: protocol.JitterFull,
	}, {
		ErrorEquals: pending, IntervalSeconds: 1, MaxAttempts: new(protocol.MaxAttempts), BackoffRate: 2, MaxDelaySeconds: 10,
		JitterStrategy: protocol.JitterFull,
	}}
}
