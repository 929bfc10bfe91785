package task

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"meridian/internal/account"
	"meridian/internal/awsapi"
	"meridian/internal/endpoints"
	"meridian/internal/wire"
	"meridian/pkg/protocol"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// The names of errors of the task "call". An error of AWS has AWS's code as its name.
const (
	// ErrorCallNotAllowed means that the worker's operator does not allow the operation.
	ErrorCallNotAllowed = "Call.NotAllowed"

	// ErrorCallConnect means that there was no connection, so nothing was sent.
	ErrorCallConnect = "Call.Connect"

	// ErrorCallLost means that the connection ended before the whole answer came.
	ErrorCallLost = "Call.Lost"

	// ErrorCallAnswer means that the answer could not be read, or is not AWS's.
	ErrorCallAnswer = "Call.BadAnswer"

	// ErrorCallTooLarge means that the first page alone is longer than maxBytes.
	ErrorCallTooLarge = "Call.TooLarge"

	// ErrorCallQuery means that the query does not fit the answer.
	ErrorCallQuery = "Call.Query"

	// ErrorCallConfiguration means that the SDK's configuration could not be read.
	ErrorCallConfiguration = "Call.Configuration"
)

// A CallError is a call without an answer.
type CallError struct {
	// Name is the error's name: AWS's code, or one of the names above.
	Name string

	// Err says what happened.
	Err error

	ofAccount  bool // whether there are no credentials of the account
	transient  bool
	final      bool
	retryAfter time.Duration
}

// Error returns the message.
func (e *CallError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *CallError) Unwrap() error { return e.Err }

// ErrorName returns Name.
func (e *CallError) ErrorName() string { return e.Name }

// Transient reports whether trying again may help and does no harm.
func (e *CallError) Transient() bool { return e.transient }

// Final reports whether trying again is of no use.
func (e *CallError) Final() bool { return e.final }

// RetryAfter returns the wait that AWS asks for, or 0.
func (e *CallError) RetryAfter() time.Duration { return e.retryAfter }

// transient reports whether trying again may help.
func transient(err error) bool {
	failed, ok := errors.AsType[*CallError](err)
	return ok && failed.transient
}

// callError returns the error of a call. twice says that the call may be made twice.
//
// Without retriers of the request, the same errors are retried as in the SDKs' standard
// mode: throttles, after which AWS has done nothing, and connections that could not be
// opened; other transient errors only if the operation may be called twice.
func callError(ctx context.Context, err error, twice bool) error {
	if failed, ok := errors.AsType[*account.Error](err); ok {
		return &CallError{Name: failed.Name, Err: plain(failed), ofAccount: true, transient: failed.Transient(), retryAfter: failed.RetryAfter()}
	}
	_, undecoded := errors.AsType[*smithy.DeserializationError](err)
	if ctx.Err() != nil {
		if undecoded {
			return context.Cause(ctx) //nolint:wrapcheck // the answer was not wrong, it was cut off
		}
		return err // the engine knows what ended
	}
	if _, ok := errors.AsType[*awsapi.CredentialsError](err); ok { // which may have the refusal of another call
		return &CallError{Name: protocol.ErrorNoCredentials, Err: fmt.Errorf(
			"%w; sign in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", plain(err))}
	}
	if refusal, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return refused(refusal, err, twice)
	}
	if dead, ok := errors.AsType[*deadHostError](err); ok {
		return &CallError{Name: ErrorCallConnect, Err: plain(dead), final: true}
	}
	if _, ok := errors.AsType[*wire.ConnectError](err); ok {
		return &CallError{Name: ErrorCallConnect, Err: plain(err), transient: true}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &CallError{Name: ErrorCallTooLarge, Err: plain(err)} // call says how large
	}
	if _, ok := errors.AsType[awsapi.EndpointError](err); ok {
		return &CallError{Name: ErrorCallConfiguration, Err: err, final: true}
	}
	if lost, ok := errors.AsType[*wire.LostError](err); ok {
		return &CallError{Name: ErrorCallLost, Err: plain(err), transient: !lost.Sent || twice}
	}
	if _, ok := errors.AsType[endpoints.NoEndpointError](err); ok {
		return Skip("%v", err)
	}
	if undecoded {
		return &CallError{Name: ErrorCallAnswer, Err: plain(err)}
	}
	return err
}

// refused returns the error of a call that AWS, or something before it, refused.
func refused(r *awshttp.ResponseError, err error, twice bool) error {
	e := &CallError{Name: ErrorCallAnswer, Err: plain(err), retryAfter: awsapi.RetryAfter(r.Response.Response)}
	status := r.HTTPStatusCode()
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		if _, err := strconv.Atoi(api.ErrorCode()); err != nil { // else it is only the status
			e.Name = api.ErrorCode()
		}
		message := api.ErrorMessage()
		if region := r.Response.Header.Get("X-Amz-Bucket-Region"); region != "" && status == http.StatusMovedPermanently {
			message += "; the bucket is in " + region + ": ask that Region"
		}
		e.Err = fmt.Errorf("%s (HTTP %d)", message, status)
		if id := awsapi.RequestID(r.Response.Response); id != "" {
			e.Err = fmt.Errorf("%s (HTTP %d, request %s)", message, status, id)
		}
	}
	_, throttled := retry.DefaultThrottleErrorCodes[e.Name]
	_, transient := retry.DefaultRetryableErrorCodes[e.Name]
	_, broken := retry.DefaultRetryableHTTPStatusCodes[status]
	e.transient = throttled || status == http.StatusTooManyRequests || twice && (transient || broken)
	return e
}

// plain returns an error of the network without its types: the caller's own context has
// not ended, and a timeout of the network is no States.Timeout.
func plain(err error) error { return errors.New(err.Error()) }

// notEnabledCodes are what services answer to credentials that are wrong or have expired,
// and most of them also in a Region that is not enabled in the account.
func notEnabledCodes() []string {
	return []string{
		"AuthFailure", "ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidToken", "OptInRequired",
		"RegionDisabledException", "UnrecognizedClientException",
	}
}

// explain returns the error of a call in a Region: a skip when AWS says that the Region is
// not enabled in the account. It asks AWS, because bad credentials give the same error.
func (a *AWS) explain(ctx context.Context, region string, err error) error {
	failed, ok := errors.AsType[*CallError](err)
	if !ok || failed.ofAccount || failed.transient || !slices.Contains(notEnabledCodes(), failed.Name) {
		return err
	}
	if needsOptIn(region) {
		enabled, listErr := a.enabledIn(ctx, region)
		if listErr == nil && !slices.Contains(enabled.Regions, region) {
			return Skip("%s is not enabled in the account, says %s", region, enabled.Source)
		}
	}
	explained := *failed // which others may have, too
	hint := "the credentials may be wrong or have expired: sign in again"
	if a.own != nil && a.access.Role != "" {
		hint = "the Region may not be enabled in the account"
	}
	explained.Err = fmt.Errorf("%w; %s", failed.Err, hint)
	return &explained
}

// needsOptIn reports whether a Region has to be enabled before it can be used.
func needsOptIn(region string) bool {
	partition, _ := endpoints.PartitionOf(region)
	all := endpoints.Regions(partition.ID)
	at := slices.IndexFunc(all, func(r endpoints.Region) bool { return r.Name == region })
	return at < 0 || all[at].OptIn // an announced Region is in no list
}
