package invoke

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"meridian/internal/awsapi"
	"meridian/internal/wire"
	"meridian/pkg/protocol"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

// excerptLength is how many characters are shown of what should have been an
// error's JSON and is not.
const excerptLength = 200

// functionError returns the error of a function that failed, from what Lambda
// says of it and what the function, or Lambda in its place, left as payload.
func functionError(kind string, payload []byte) error {
	var told struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}
	if err := json.Unmarshal(payload, &told); err != nil {
		told.Message = fmt.Sprintf("%.*s", excerptLength, payload)
	}
	return &Error{
		Name:          cmp.Or(told.Type, protocol.ErrorLambdaUnknown),
		Message:       cmp.Or(told.Message, told.Type, "the function failed and did not say why"),
		FunctionError: kind,
	}
}

// failure returns what became of a call under ctx that ended with err: what
// Lambda answered if it did, else the end of ctx, else what the network met.
func failure(ctx context.Context, err error) error {
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok && r.HTTPStatusCode() >= http.StatusMultipleChoices {
		return refusal(r, err)
	}
	own, ok := errors.AsType[*Error](err)
	if ok && own.FunctionError != "" {
		return own
	}
	if end := ended(ctx); end != nil {
		return end
	}
	if ok {
		return own
	}
	if unsigned, ok := errors.AsType[*awsapi.CredentialsError](err); ok {
		return noCredentials(unsigned)
	}
	e := &Error{Name: protocol.ErrorLambdaSDKClient, Message: err.Error(), Err: apart(err)}
	if _, ok := errors.AsType[*wire.ConnectError](err); ok {
		return e
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // of which the rest is the URL
	}
	if lost, ok := errors.AsType[*wire.LostError](err); ok && !lost.Sent {
		e.Message = fmt.Sprintf("connection lost before anything was sent: %v", err)
		return e
	}
	e.Sent = true
	e.Message = fmt.Sprintf("connection lost before the whole answer came, and the function may have run: %v", err)
	return e
}

// refusal returns the error of a call that Lambda, or something before it,
// answered with an HTTP status of 300 or more.
func refusal(r *awshttp.ResponseError, err error) error {
	status := r.HTTPStatusCode()
	e := &Error{Sent: passedOn(r, err), Retry: retryAfter(r.Response.Header), Err: apart(err)}
	var code string
	code, e.Message = told(err)
	_, unmodeled := errors.AsType[*smithy.GenericAPIError](err)
	switch {
	case status == http.StatusTooManyRequests:
		e.Name = protocol.ErrorLambdaThrottled
	case status == http.StatusRequestEntityTooLarge:
		e.Name = protocol.ErrorRequestTooLarge // Lambda also calls it RequestEntityTooLargeException
	case code == "" || unmodeled && status >= http.StatusInternalServerError:
		e.Name = protocol.ErrorLambdaAWS
	default:
		e.Name = "Lambda." + code
	}
	if throttle, ok := errors.AsType[*types.TooManyRequestsException](err); ok && throttle.Reason != "" {
		e.Message = strings.TrimSpace(fmt.Sprintf("%s (%s)", e.Message, throttle.Reason))
	}
	if e.Message == "" || unmodeled {
		e.Message = strings.TrimSpace(fmt.Sprintf("HTTP %d %s: %s", status, cmp.Or(code, http.StatusText(status)), e.Message))
		e.Message = strings.TrimSuffix(e.Message, ":")
	}
	return e
}

// told returns what an answer says in Lambda's words: a code, and a message. Both
// are empty when it says nothing that Lambda would.
func told(err error) (code, message string) {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() == "UnknownError" { // the SDK's word for that
		return "", ""
	}
	return api.ErrorCode(), api.ErrorMessage()
}

// passedOn reports whether a refusal is that of a gateway on the way which got no
// answer from Lambda, or no good one: it had passed the call on.
func passedOn(r *awshttp.ResponseError, err error) bool {
	status := r.HTTPStatusCode()
	code, _ := told(err)
	return code == "" && (status == http.StatusBadGateway || status == http.StatusGatewayTimeout)
}

// retryAfter returns the wait that an answer asks for: a standard header's
// seconds, or the milliseconds of AWS's own. Zero when it asks for none, or for
// something that is not a number.
func retryAfter(h http.Header) time.Duration {
	for _, header := range []struct {
		name string
		unit time.Duration
	}{
		{"Retry-After", time.Second},
		{"X-Amz-Retry-After", time.Millisecond},
	} {
		n, err := strconv.ParseUint(h.Get(header.name), 10, 31)
		if err == nil && n > 0 {
			return time.Duration(n) * header.unit
		}
	}
	return 0
}

// noCredentials returns the error of a call that there are no credentials for.
func noCredentials(err *awsapi.CredentialsError) error {
	return &Error{
		Name: protocol.ErrorNoCredentials,
		Message: fmt.Sprintf("no AWS credentials to call Lambda with; "+
			"sign in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: %v", err.Err),
		Err: apart(err.Err),
	}
}
