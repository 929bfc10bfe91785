package trigger

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"meridian/pkg/protocol"
)

// stateBytes bounds what a RunState has besides its result: the cause is the longest text,
// with up to six bytes in JSON for each of its own.
const stateBytes = 6*protocol.MaxCauseBytes + 4096

// maxResult bounds the result in a RunState.
const maxResult = protocol.MaxPayloadBytes - stateBytes

// pageBytes is more than what an EventPage has besides its events.
const pageBytes = 1024

// command carries out a Command and returns the answer as JSON.
func (h *Handler) command(ctx context.Context, payload []byte) ([]byte, error) {
	c, faults := protocol.DecodeCommand(payload)
	if h.Keeper == nil {
		faults = faults.And(protocol.Faults{protocol.NewFault("command", c.Command, noStore)})
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	answer, err := h.carryOut(ctx, c)
	if err != nil {
		return nil, err
	}
	return encodeWithin(answer, protocol.MaxPayloadBytes)
}

// carryOut returns the answer to a valid Command. Those without one are answered {}.
func (h *Handler) carryOut(ctx context.Context, c protocol.Command) (any, error) {
	switch c.Command {
	case protocol.CommandStart:
		return h.start(ctx, c.Request)
	case protocol.CommandShow:
		wait := time.Duration(c.WaitSeconds * float64(time.Second))
		return h.Keeper.Show(ctx, c.RunID, shortened(ctx, wait), maxResult)
	case protocol.CommandEvents:
		return h.Keeper.Events(ctx, c.RunID, c.After, protocol.MaxPayloadBytes-pageBytes)
	case protocol.CommandList:
		return h.Keeper.List(ctx, c.RunQuery)
	case protocol.CommandStop:
		return h.Keeper.Stop(ctx, c.RunID)
	case protocol.CommandResume:
		return h.Keeper.Resume(ctx, c.RunID)
	case protocol.CommandRedrive:
		return h.Keeper.Redrive(ctx, c.RunID, *cmp.Or(c.Redrive, new(protocol.Redrive)))
	case protocol.CommandContinue:
		return struct{}{}, h.carryOn(ctx, c.RunID)
	case protocol.CommandSweep:
		return struct{}{}, h.Keeper.Sweep(ctx)
	}
	return nil, fmt.Errorf("command %s is not known", c.Command)
}

// carryOn carries a run on. The invocation that ends it without success ends as a function error,
// if the deployment says so. Lambda repeats it, which does nothing to a run that has ended.
func (h *Handler) carryOn(ctx context.Context, runID string) error {
	if err := h.Keeper.Continue(ctx, runID); err != nil || !h.FailedRunIsError {
		return err
	}
	state, err := h.Keeper.Show(ctx, runID, 0, maxResult)
	if err != nil {
		return err
	}
	return h.failedRun(resultHead{runID, state.Status, state.Error, state.Cause})
}

// start starts the request of a Command. The paths of its faults begin at the Command.
func (h *Handler) start(ctx context.Context, request []byte) (protocol.RunState, error) {
	r, faults := protocol.DecodeRequest(request)
	r.Keep = true
	h.setKey(ctx, event{kind: kindDirect}, &r)
	state, err := h.Keeper.Start(ctx, r, faults)
	if invalid, ok := errors.AsType[*protocol.InvalidRequestError](err); ok {
		err = invalid.Faults.Within("request").Err()
	}
	return state, err
}

// shortened returns a wait, or as much of it as leaves time for an answer.
func shortened(ctx context.Context, wait time.Duration) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		left := max(0, time.Until(deadline))
		wait = min(wait, left-protocol.Reserve(left))
	}
	return wait
}

// encodeWithin returns v as JSON of at most limit bytes.
func encodeWithin(v any, limit int) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return data, within(data, limit)
}

// within returns an error if an answer is longer than limit bytes.
func within(data []byte, limit int) error {
	if len(data) > limit {
		return fmt.Errorf("the answer has %d bytes; at most %d fit", len(data), limit)
	}
	return nil
}
