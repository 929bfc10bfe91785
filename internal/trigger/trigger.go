// Package trigger is the coordinator's door: it tells what called the function,
// takes the Request out of it, and answers in the caller's form.
//
// # What is recognised
//
// Each by its documented shape, and nothing by guessing:
//
//   - A direct invoke, whose payload is a Request. `serverless invoke`, the
//     command line's --function and EventBridge Scheduler do that. The answer is
//     the Result; a refused request is a function error that lists every fault.
//   - An event of an HTTP API, payload format 2.0 (a Lambda function URL sends
//     the same), whose body is a Request: POST /runs. The answer is 200 with the
//     Result for a run that was carried out, whatever became of it, and
//     application/problem+json (RFC 9457) for everything else.
//   - An EventBridge event, whose detail is a Request. The answer is the Result;
//     nobody reads it. So is what EventBridge Scheduler sends for a schedule
//     without an input, whose detail is the text "{}".
//
// Anything else is refused by the name of what it is. A refused request has
// invoked nothing.
package trigger

import (
	"context"
	"errors"
	"log/slog"

	"meridian/pkg/protocol"
)

// A Runner carries out requests: a Coordinator. Faults are those found while the
// request was read; with any, or any more, the error is a
// [protocol.InvalidRequestError]. The answer is a Result as JSON, of at most
// limit bytes.
type Runner interface {
	Answer(ctx context.Context, r protocol.Request, faults protocol.Faults, limit int) ([]byte, error)
}

// A Handler answers the coordinator's invocations.
type Handler struct {
	// Runner carries out the requests. Required.
	Runner Runner

	// Log gets a line for each request that is refused, and for a run whose answer
	// is lost. Nil means no log.
	Log *slog.Logger
}

// Handle answers one invocation. The error is nil for an HTTP API event, whose
// answer says what went wrong.
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

// logFailure writes a line for an invocation that comes to an error: unless the
// request was refused, a run was carried out and its answer is lost.
func (h *Handler) logFailure(ctx context.Context, err error) {
	if err == nil || h.Log == nil {
		return
	}
	var named interface{ ErrorName() string }
	if errors.As(err, &named) && named.ErrorName() == protocol.ErrorInvalidRequest {
		h.Log.WarnContext(ctx, "request refused", "cause", err.Error())
		return
	}
	h.Log.ErrorContext(ctx, "answer lost", "cause", err.Error())
}
