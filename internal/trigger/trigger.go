// Package trigger handles the coordinator's invocations: it recognises what called the
// function, extracts the Request, and answers in the caller's format.
//
// # What is recognised
//
// Each event is recognised by its documented shape, none by guessing:
//
//   - A direct invoke: the payload is a Request. `serverless invoke`, the command
//     line's --function and EventBridge Scheduler send these. The answer is the Result;
//     a refused request is a function error that lists every fault.
//   - An event of an HTTP API, payload format 2.0, POST /runs: the body is a Request. A
//     Lambda function URL sends the same. The answer is 200 with the Result if the
//     request was run, whether or not the run succeeded, and application/problem+json
//     (RFC 9457) otherwise.
//   - An EventBridge event: the detail is a Request. The answer is the Result, which
//     EventBridge discards. For a schedule without an input EventBridge Scheduler sends
//     such an event too, with the text "{}" as its detail.
//
// Other events are refused; the error names their kind. So is an event with fields of a
// Request beside its own, and a Request with fields of an event. A refused request has
// invoked nothing, and its values are not logged.
package trigger

import (
	"context"
	"errors"
	"log/slog"

	"meridian/pkg/protocol"
)

// A Runner runs requests, as a Coordinator does. Faults are the ones found when the
// request was decoded. If there are any, or the Runner finds more, the error is a
// [protocol.InvalidRequestError]. The answer is a Result as JSON, of at most limit
// bytes.
type Runner interface {
	Answer(ctx context.Context, r protocol.Request, faults protocol.Faults, limit int) ([]byte, error)
}

// A Handler handles the coordinator's invocations.
type Handler struct {
	// Runner runs the requests. Required.
	Runner Runner

	// Log gets a record for each refused request and for each run whose answer is lost.
	// Nil means no log.
	Log *slog.Logger
}

// Handle handles one invocation. An error of an HTTP API event is in its answer; the
// returned error is then nil.
func (h *Handler) Handle(ctx context.Context, payload []byte) ([]byte, error) {
	e := recognise(payload)
	switch e.kind {
	case kindHTTP:
		return h.http(ctx, e.payload)
	case kindDirect, kindEventBridge:
		r, faults := protocol.DecodeRequest(e.payload)
		answer, err := h.Runner.Answer(ctx, r, faults, protocol.MaxPayloadBytes)
		if invalid, ok := errors.AsType[*protocol.InvalidRequestError](err); ok && e.kind == kindEventBridge {
			err = invalid.Faults.Within("detail").Err()
		}
		h.logFailure(ctx, err)
		return answer, err
	case kindOther:
	}
	err := &unrecognisedError{what: e.what}
	h.logFailure(ctx, err)
	return nil, err
}

// logFailure logs the error of an invocation: the request was refused, or else it was
// run and its answer is lost. The values of a refused request are not logged: only its
// caller sees them.
func (h *Handler) logFailure(ctx context.Context, err error) {
	if err == nil || h.Log == nil {
		return
	}
	if invalid, ok := errors.AsType[*protocol.InvalidRequestError](err); ok {
		h.Log.WarnContext(ctx, "request refused", "faults", invalid.Faults.WithoutValues())
		return
	}
	if other, ok := errors.AsType[*unrecognisedError](err); ok {
		h.Log.WarnContext(ctx, "request refused", "cause", other.Error())
		return
	}
	h.Log.ErrorContext(ctx, "answer lost", "cause", err.Error())
}
