package fanout

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The error names of the Amazon States Language that mean something here.
//
// Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
const (
	NameAll                             = "States.ALL"
	NameTaskFailed                      = "States.TaskFailed"
	NameTimeout                         = "States.Timeout"
	NameExceedToleratedFailureThreshold = "States.ExceedToleratedFailureThreshold"
	NameDataLimitExceeded               = "States.DataLimitExceeded" // no wildcard matches it
	NameRuntime                         = "States.Runtime"           // never retried
)

// ErrorName returns the name of err, for a retrier to match: the name of a
// [NamedError] if there is one and its name is not empty, else "States.Timeout" for
// context.DeadlineExceeded, else "States.TaskFailed". It is "" for nil.
func ErrorName(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[NamedError](err); ok && e.ErrorName() != "" {
		return e.ErrorName()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return NameTimeout
	}
	return NameTaskFailed
}

// A PanicError is the failure of an item when its function panicked, or a method of
// the error that it returned. Its name is "States.Runtime"; no retrier applies to it.
type PanicError struct {
	// Value is what was passed to panic.
	Value any

	// Stack is the goroutine's stack. It is for the log: Error leaves it out.
	Stack []byte
}

// Error returns the panic's value.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// ErrorName returns NameRuntime.
func (*PanicError) ErrorName() string { return NameRuntime }

// Unwrap returns the panic's value when it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// A TimeoutError says what timed out and after how long. It wraps
// context.DeadlineExceeded, and its name is "States.Timeout".
type TimeoutError struct {
	// What names what timed out, as in "attempt" or "run".
	What string

	// After is the time that it had.
	After time.Duration
}

// Error says what timed out and after how long.
func (e *TimeoutError) Error() string {
	after := e.After
	if after > time.Millisecond { // nanoseconds are only noise
		after = after.Round(time.Millisecond)
	}
	return fmt.Sprintf("%s timed out after %v", e.What, after)
}

// ErrorName returns NameTimeout.
func (*TimeoutError) ErrorName() string { return NameTimeout }

// Unwrap returns context.DeadlineExceeded.
func (*TimeoutError) Unwrap() error { return context.DeadlineExceeded }

// A lateError says why something was not started: too little time was left.
type lateError struct{ useful time.Duration }

func (e *lateError) Error() string {
	return fmt.Sprintf("less than %v was left, too little to start anything", e.useful.Round(time.Microsecond))
}

// Unwrap returns context.DeadlineExceeded.
func (*lateError) Unwrap() error { return context.DeadlineExceeded }

// A ToleranceError says that more groups failed than is tolerated. Its name is
// "States.ExceedToleratedFailureThreshold".
type ToleranceError struct {
	// Failed is how many groups failed, of Total, and Skipped how many had
	// nothing to do.
	Failed, Skipped, Total int

	// Tolerated is how many were allowed to fail.
	Tolerated int

	// MinSuccessful is how many had to succeed; 0 means no minimum.
	MinSuccessful int
}

// Error says how many failed and how many were tolerated.
func (e *ToleranceError) Error() string {
	text := fmt.Sprintf("%d of %d failed, %d tolerated", e.Failed, e.Total, e.Tolerated)
	if e.MinSuccessful > 0 {
		text += fmt.Sprintf(", %d had to succeed", e.MinSuccessful)
	}
	return text
}

// ErrorName returns NameExceedToleratedFailureThreshold.
func (*ToleranceError) ErrorName() string { return NameExceedToleratedFailureThreshold }
