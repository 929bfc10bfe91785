package invoke

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// What Lambda says of a function that failed, in the header
// X-Amz-Function-Error. Functions in Go fail Unhandled, whatever happened.
const (
	Handled   = "Handled"
	Unhandled = "Unhandled"
)

// An Error is a call that brought no answer. The zero value says nothing; one
// that Invoke returns always has a name and a message.
type Error struct {
	// Name is the error's name, as Step Functions gives it: the function's own
	// for a function error, else "Lambda." and Lambda's name for it. The
	// constants of package protocol have those that mean something here; the
	// set is open.
	Name string

	// Message says what happened: in the function's words, in Lambda's, or in
	// those of the network. It may have several lines and any length.
	Message string

	// FunctionError is Handled or Unhandled when the function was reached and
	// failed; then Name and Message are its own. Empty means that the call
	// failed, and the function may or may not have run.
	FunctionError string

	// Sent means that the call was lost after it had been sent, by the connection
	// or by a gateway that answered 502 or 504 for Lambda: the function may have
	// run all the same.
	Sent bool

	// Retry is how long the other side asked to be left alone. Zero means that
	// it did not ask.
	Retry time.Duration

	// Err is what the call met, for errors.Is and errors.As. Nil when the
	// failure was told in bytes, as every function error is.
	Err error
}

// Error returns the message.
func (e *Error) Error() string { return cmp.Or(e.Message, e.Name) }

// ErrorName returns Name.
func (e *Error) ErrorName() string { return e.Name }

// RetryAfter returns Retry.
func (e *Error) RetryAfter() time.Duration { return e.Retry }

// MayHaveRun returns Sent: whether trying again may do the work twice.
func (e *Error) MayHaveRun() bool { return e.Sent }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// apart returns err, or only its text when it is the end of some context. The
// caller's own context has been looked at by then, so what ended is a budget of
// the network's, and a retrier must not take that for States.Timeout.
func apart(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return errors.New(err.Error())
	}
	return err
}
