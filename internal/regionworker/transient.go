package regionworker

import (
	"context"
	"encoding/json"
	"errors"

	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// transientRetry returns the retriers of targets when the request has none: for the
// transient errors of onlyTransient, two retries as in the standard mode of AWS's SDKs, up
// to 1 and 2 s later.
//
// Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
func transientRetry() []protocol.Retrier {
	return []protocol.Retrier{{
		ErrorEquals: []string{protocol.ErrorTaskFailed}, MaxAttempts: new(2), JitterStrategy: protocol.JitterFull,
	}}
}

// onlyTransient returns work that is tried again only after a transient error: one with a
// method Transient that returns true. Errors after the end of the context are left to the
// engine.
func onlyTransient(work task.Work) task.Work {
	return func(ctx context.Context, region string, target protocol.Target) (json.RawMessage, error) {
		out, err := work(ctx, region, target)
		var transient interface{ Transient() bool }
		if err != nil && ctx.Err() == nil && (!errors.As(err, &transient) || !transient.Transient()) {
			err = &finalError{err}
		}
		return out, err
	}
}

// A finalError is an error that is not tried again.
type finalError struct{ err error }

// Error returns the error's text.
func (e *finalError) Error() string { return e.err.Error() }

// Unwrap returns the error.
func (e *finalError) Unwrap() error { return e.err }

// Final implements [fanout.FinalError].
func (*finalError) Final() bool { return true }
