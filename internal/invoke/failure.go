package invoke

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"meridian/internal/awsapi"
	"meridian/internal/wire"
	"meridian/pkg/protocol"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/restjson"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

// excerptLength is how many characters are shown of a function error's payload that is
// no JSON.
const excerptLength = 200

// functionError returns the error of a function that failed. Payload is the function's,
// or Lambda's when the function could not write one.
func functionError(kind string, payload []byte) error {
	var failed protocol.FunctionError
	if err := json.Unmarshal(payload, &failed); err != nil {
		failed.Message = fmt.Sprintf("%.*s", excerptLength, payload)
	}
	own, _ := find(failed.Type)
	return &Error{
		Name:          cmp.Or(failed.Type, protocol.ErrorLambdaUnknown),
		Message:       cmp.Or(failed.Message, failed.Type, "the function failed and did not say why"),
		FunctionError: kind,
		Advice:        own.hint,
	}
}

// failure returns the error of a call under ctx that ended with err: Lambda's if it
// answered, else the end of ctx, else that of the network.
func failure(ctx context.Context, err error) error {
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok && r.HTTPStatusCode() >= http.StatusMultipleChoices {
		return refusal(r, err)
	}
	own, ok := errors.AsType[*Error](err)
	if ok && own.FunctionError != "" {
		return own
	}
	if end := ended(ctx, !mayHaveRunAfter(err)); end != nil {
		return end
	}
	if ok {
		return own
	}
	if unsigned, ok := errors.AsType[*awsapi.CredentialsError](err); ok {
		return noCredentials(unsigned)
	}
	e := &Error{Name: protocol.ErrorLambdaSDKClient, Message: err.Error(), Sent: mayHaveRunAfter(err), Err: notTimeout(err)}
	if _, ok := errors.AsType[*wire.ConnectError](err); ok {
		return e
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // without the URL
	}
	if e.Sent {
		e.Message = fmt.Sprintf("connection lost before the whole answer came, and the function may have run: %v", err)
	} else {
		e.Message = fmt.Sprintf("connection lost before anything was sent: %v", err)
	}
	return e
}

// mayHaveRunAfter reports whether the function may have run when a call ended with err,
// which is nil when it was answered. Lambda runs what was sent even when its caller no
// longer waits; what it refuses has not run and costs nothing.
func mayHaveRunAfter(err error) bool {
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		code, _ := lambdaError(r, err)
		return bool(rowOf(r.HTTPStatusCode(), code).ran)
	}
	if _, ok := errors.AsType[*wire.ConnectError](err); ok {
		return false
	}
	if _, ok := errors.AsType[*awsapi.CredentialsError](err); ok {
		return false
	}
	lost, ok := errors.AsType[*wire.LostError](err)
	return !ok || lost.Sent
}

// refusal returns the error of a call that Lambda, or a gateway before it, answered
// with an HTTP status of 300 or more.
func refusal(r *awshttp.ResponseError, err error) error {
	status := r.HTTPStatusCode()
	code, message := lambdaError(r, err)
	known := rowOf(status, code)
	e := &Error{
		Name: known.name(), Message: message, Sent: bool(known.ran), Rate: known.retry == tooFast,
		Retry: awsapi.RetryAfter(r.Response.Response), Advice: known.hint, Err: notTimeout(err),
	}
	if throttle, ok := errors.AsType[*types.TooManyRequestsException](err); ok && throttle.Reason != "" {
		e.Message = strings.TrimSpace(fmt.Sprintf("%s (%s)", e.Message, throttle.Reason))
		e.Rate = persistenceOf(throttle.Reason) == tooFast
	}
	if _, unmodeled := errors.AsType[*smithy.GenericAPIError](err); e.Message == "" || unmodeled {
		e.Message = strings.TrimSpace(fmt.Sprintf("HTTP %d %s: %s", status, cmp.Or(code, http.StatusText(status)), e.Message))
		e.Message = strings.TrimSuffix(e.Message, ":")
	}
	if e.Sent {
		e.Message += "; the function may have run"
	}
	return e
}

// lambdaError returns the code and the message of Lambda's error. Both are empty when
// the answer is not in Lambda's format. A body that broke off, or is too long, leaves
// the code in the header.
func lambdaError(r *awshttp.ResponseError, err error) (code, message string) {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() == "UnknownError" { // smithy-go's code for no code
		return restjson.SanitizeErrorCode(r.Response.Header.Get("X-Amzn-Errortype")), ""
	}
	return api.ErrorCode(), api.ErrorMessage()
}

// noCredentials returns the error of a call without credentials. An error with a name says that a
// role could not be assumed. If it is transient, it gets the name of a call that could not be
// sent, so that it is retried.
func noCredentials(err *awsapi.CredentialsError) error {
	type named interface {
		error
		ErrorName() string
		Transient() bool
	}
	if role, ok := errors.AsType[named](err.Err); ok {
		name := role.ErrorName()
		if role.Transient() {
			name = protocol.ErrorLambdaSDKClient
		}
		return &Error{Name: name, Message: role.Error(), Err: notTimeout(err.Err)}
	}
	return &Error{
		Name: protocol.ErrorNoCredentials,
		Message: fmt.Sprintf("no AWS credentials to call Lambda with; "+
			"sign in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: %v", err.Err),
		Advice: protocol.HintSignIn,
		Err:    notTimeout(err.Err),
	}
}
