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
//   - A direct invoke with a member "command": the payload is a Command, which is about
//     kept runs.
//   - An event of an HTTP API, payload format 2.0. POST /runs has a Request for its body;
//     the answer is 200 with the Result if the request was run, whether or not the run
//     succeeded. The other routes are those of kept runs, as the OpenAPI document says. A
//     problem is answered as application/problem+json (RFC 9457). A Lambda function URL
//     sends the same events.
//   - An EventBridge event: the detail is a Request. The answer is the Result, which
//     EventBridge discards. For a schedule without an input EventBridge Scheduler sends
//     such an event too, with the text "{}" as its detail.
//
// Other events are refused; the error names their kind. So is an event with fields of a
// Request beside its own, and a Request with fields of an event. A refused request has
// invoked nothing, and its values are not logged.
//
// # Invocations that are repeated
//
// Lambda repeats an asynchronous invocation that failed, with the same request id. If there
// is a store, an EventBridge event is kept, and so is run once: without a key of its own it
// has "event-" and the event's id, and for a replay the replay's name. A direct invoke
// with keep, or one that starts a run, has "request-" and the request id. The Runtime API
// does not tell whether a direct invoke is asynchronous. So one without keep is not kept,
// and its run begins again if Lambda repeats it.
//
// With FailedRunIsError each direct invoke is kept, if there is a store: Lambda repeats the
// asynchronous ones that end as function errors. A repetition attaches to the run, does nothing
// again, and ends with the same error. Without a store the run begins again, unless the function's
// MaximumRetryAttempts is 0.
package trigger

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

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
	// Runner runs the requests, kept ones too. Required.
	Runner Runner

	// Keeper keeps runs. Nil means that there is no store: what needs one is refused.
	Keeper Keeper

	// FailedRunIsError has a direct invoke, or an EventBridge event, end as a function error if
	// its run ended without success, so that Lambda's own metric Errors counts it. The answer is
	// then lost; with a Keeper each such run is kept, and its result can be looked up. A continue
	// command that ends such a run ends as a function error, too. Other commands, and HTTP API
	// events, are answered as usual.
	FailedRunIsError bool

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
	case kindCommand:
		answer, err := h.command(ctx, e.payload)
		h.logFailure(ctx, err)
		return answer, err
	case kindDirect, kindEventBridge:
		r, faults := protocol.DecodeRequest(e.payload)
		faults = faults.And(h.storeFaults(&r))
		h.setKey(ctx, e, &r)
		answer, err := h.Runner.Answer(ctx, r, faults, protocol.MaxPayloadBytes)
		if invalid, ok := errors.AsType[*protocol.InvalidRequestError](err); ok && e.kind == kindEventBridge {
			err = invalid.Faults.Within("detail").Err()
		}
		h.logFailure(ctx, err)
		if failed := h.failed(answer); err == nil && failed != nil {
			return nil, failed
		}
		return answer, err
	case kindOther:
	}
	err := &unrecognisedError{what: e.what}
	h.logFailure(ctx, err)
	return nil, err
}

// logFailure logs the error of an invocation: the request was refused, or else it was
// run and its answer is lost. The values of a refused request are not logged: only its
// caller sees them. The log already has the end of a run without success.
func (h *Handler) logFailure(ctx context.Context, err error) {
	if _, ended := errors.AsType[*failedRunError](err); ended || err == nil || h.Log == nil {
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
	if refused, ok := errors.AsType[Refusal](err); ok {
		h.Log.WarnContext(ctx, "request refused", "cause", http.StatusText(refused.HTTPStatus()))
		return
	}
	logOf(h.Log, runOf(err)).ErrorContext(ctx, "answer lost", "cause", err.Error())
}

// runOf returns the id of the run that an error is about, or "" if it does not say.
func runOf(err error) string {
	if about, ok := errors.AsType[interface {
		error
		Run() string
	}](err); ok {
		return about.Run()
	}
	return ""
}

// logOf returns the log for lines about a run; empty means that it is not known.
func logOf(log *slog.Logger, runID string) *slog.Logger {
	if runID == "" {
		return log
	}
	return log.With("runId", runID)
}
