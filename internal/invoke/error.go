package invoke

import (
	"cmp"
	"context"
	"errors"
	"time"

	"meridian/pkg/protocol"
)

// The values of X-Amz-Function-Error, the header of an answer of a function that
// failed. A function in Go always fails Unhandled.
const (
	Handled   = "Handled"
	Unhandled = "Unhandled"
)

// An Error is a call without an answer. One that Invoke returns always has a name and a
// message.
type Error struct {
	// Name is the error's name, as Step Functions gives it: the function's own for a
	// function error, else "Lambda." and Lambda's error code. Package protocol has
	// constants for the names that are used here; the set is open.
	Name string

	// Message is the function's message, Lambda's, or that of the network's error. It
	// may have several lines and any length.
	Message string

	// FunctionError is Handled or Unhandled when the function ran and failed; then
	// Name and Message are its own. Empty means that the call failed; Sent says whether
	// the function may have run.
	FunctionError string

	// Sent means that the function may have run without an answer: the call was lost
	// after it had been sent, or it was answered with an error that AWS does not document
	// as a refusal before a run.
	Sent bool

	// Rate means that Lambda throttled the call because of the rate of calls. Any other
	// throttle is because of the number of calls in flight.
	Rate bool

	// Retry is the wait before a retry that Lambda asks for. Zero means none.
	Retry time.Duration

	// Advice says what a person can do about the error. Empty means no advice.
	Advice protocol.Hint

	// Err is the underlying error, for errors.Is and errors.As. Nil when there is
	// none, as for every function error.
	Err error
}

// Error returns the message.
func (e *Error) Error() string { return cmp.Or(e.Message, e.Name) }

// ErrorName returns Name.
func (e *Error) ErrorName() string { return e.Name }

// RetryAfter returns Retry.
func (e *Error) RetryAfter() time.Duration { return e.Retry }

// MayHaveRun reports whether trying again may do the work twice: whether the function
// failed, or Sent.
func (e *Error) MayHaveRun() bool { return e.Sent || e.FunctionError != "" }

// RateLimited returns Rate: whether the throttle limits calls per second.
func (e *Error) RateLimited() bool { return e.Rate }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// notTimeout returns err, or only its text when it wraps a context's error. The caller's
// own context has not ended then: a timeout of the network has, and a retrier must not
// take that for States.Timeout.
func notTimeout(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return errors.New(err.Error())
	}
	return err
}
