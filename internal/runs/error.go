package runs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
)

// A ConflictError means that another request has started a run with the key.
type ConflictError struct{ Key, RunID string }

// Error names the run.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("key %s belongs to run %s, which another request has started; use a new key, or send the same request", e.Key, e.RunID)
}

// ErrorName returns "Meridian.Conflict".
func (*ConflictError) ErrorName() string { return "Meridian.Conflict" }

// HTTPStatus returns the status of an HTTP API's answer.
func (*ConflictError) HTTPStatus() int { return http.StatusConflict }

// Run returns the id of the run.
func (e *ConflictError) Run() string { return e.RunID }

// A NotFoundError means that there is no such run.
type NotFoundError struct{ RunID string }

// Error names the run.
func (e *NotFoundError) Error() string { return "there is no run " + e.RunID }

// ErrorName returns "Meridian.NotFound".
func (*NotFoundError) ErrorName() string { return "Meridian.NotFound" }

// HTTPStatus returns the status of an HTTP API's answer.
func (*NotFoundError) HTTPStatus() int { return http.StatusNotFound }

// Run returns the id of the run.
func (e *NotFoundError) Run() string { return e.RunID }

// A StateError means that the state of a run does not allow what was asked.
type StateError struct{ RunID, Cause string }

// Error says why.
func (e *StateError) Error() string { return fmt.Sprintf("run %s %s", e.RunID, e.Cause) }

// ErrorName returns "Meridian.WrongState".
func (*StateError) ErrorName() string { return "Meridian.WrongState" }

// HTTPStatus returns the status of an HTTP API's answer.
func (*StateError) HTTPStatus() int { return http.StatusConflict }

// Run returns the id of the run.
func (e *StateError) Run() string { return e.RunID }

// A StoreError is an error of the store before a run has begun: nothing has been invoked.
type StoreError struct{ err error }

// Error says what the store could not do.
func (e *StoreError) Error() string {
	return "the run cannot be kept, and nothing has been invoked: " + e.err.Error()
}

// ErrorName returns "Meridian.StoreUnavailable".
func (*StoreError) ErrorName() string { return "Meridian.StoreUnavailable" }

// HTTPStatus returns the status of an HTTP API's answer.
func (*StoreError) HTTPStatus() int { return http.StatusServiceUnavailable }

// Run returns "": there is none.
func (*StoreError) Run() string { return "" }

// Unwrap returns the store's error.
func (e *StoreError) Unwrap() error { return e.err }

// A StoppedError is the cause of the end of a run that was stopped.
type StoppedError struct{}

// Error says so.
func (*StoppedError) Error() string { return "the run was stopped" }

// A lostError says that a run has begun and that its answer is lost.
type lostError struct {
	runID string
	err   error
}

// Error says what failed.
func (e *lostError) Error() string { return e.err.Error() }

// Run returns the id of the run.
func (e *lostError) Run() string { return e.runID }

// Unwrap returns what failed.
func (e *lostError) Unwrap() error { return e.err }

// ofRun returns err as the error of a run that has begun, or nil for nil.
func ofRun(runID string, err error) error {
	if err == nil {
		return nil
	}
	return &lostError{runID, err}
}

// missing returns a NotFoundError for an object that does not exist, and other errors as they are.
func missing(runID string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &NotFoundError{runID}
	}
	return err
}

// within returns a context for calls of the store that take no longer than the run's own time.
func within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, storeTime, errors.New("the store did not answer in time"))
}

// A handOverError is why no other generation carries a run on. A sweep will have it carried on.
type handOverError struct {
	runID string
	err   error
}

// Error says what failed.
func (e *handOverError) Error() string { return fmt.Sprintf("hand over run %s: %v", e.runID, e.err) }

// Unwrap returns it.
func (e *handOverError) Unwrap() error { return e.err }
