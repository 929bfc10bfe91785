package main

import (
	"context"
	"encoding/json"

	"meridian/pkg/protocol"
)

// A deployed coordinator is a keep: it answers commands.

// ask sends a command and reads the answer. The request is the command's, or nil.
func ask[T any](
	ctx context.Context, d *deployed, command protocol.Command, request *protocol.Request, decode func([]byte) (T, error), want string,
) (T, error) {
	var none T
	answer, err := d.invoke(ctx, command, request)
	if err != nil {
		return none, err
	}
	v, err := decode(answer)
	if err != nil {
		return none, d.unanswered(err, request, want)
	}
	return v, nil
}

// state sends a command that is answered with the state of a run.
func (d *deployed) state(ctx context.Context, command protocol.Command) (protocol.RunState, error) {
	return ask(ctx, d, command, nil, protocol.DecodeRunState, "the state of a run")
}

func (d *deployed) list(ctx context.Context, q protocol.RunQuery) (protocol.RunPage, error) {
	return ask(ctx, d, protocol.Command{Command: protocol.CommandList, RunQuery: q}, nil, protocol.DecodeRunPage, "a list of runs")
}

func (d *deployed) show(ctx context.Context, runID string) (protocol.RunState, error) {
	return d.state(ctx, protocol.Command{Command: protocol.CommandShow, RunID: runID})
}

func (d *deployed) events(ctx context.Context, runID string, after int) (protocol.EventPage, error) {
	command := protocol.Command{Command: protocol.CommandEvents, RunID: runID, After: after}
	return ask(ctx, d, command, nil, protocol.DecodeEventPage, "events")
}

func (d *deployed) stop(ctx context.Context, runID string) (protocol.RunState, error) {
	return d.state(ctx, protocol.Command{Command: protocol.CommandStop, RunID: runID})
}

// start has the coordinator start a run.
func (d *deployed) start(ctx context.Context, request protocol.Request) (protocol.RunState, error) {
	data, err := json.Marshal(request)
	if err != nil {
		return protocol.RunState{}, failure("encode request: %v", err)
	}
	command := protocol.Command{Command: protocol.CommandStart, Request: data}
	return ask(ctx, d, command, &request, protocol.DecodeRunState, "the state of a run")
}

// result returns the result of a run. What does not fit into an answer of Lambda is taken from
// the events, and so are the outcomes of a run that has not ended.
func (d *deployed) result(ctx context.Context, runID string) (keptRun, error) {
	state, err := d.show(ctx, runID)
	if err != nil {
		return keptRun{}, err
	}
	r := keptRun{state: state}
	var events partial
	for after := 0; ; {
		page, err := d.events(ctx, runID, after)
		if err != nil {
			return r, err
		}
		eachEvent(page.Events, events.add)
		if after = page.After; len(page.Events) == 0 || state.Result != nil && !state.Result.Truncated && events.started {
			break
		}
	}
	r.request = protocol.Request{Task: events.task}
	if events.started && events.task == "" {
		r.request.Worker = &protocol.Worker{}
	}
	if state.Result == nil {
		r.result = events.result(state)
	} else if r.result = *state.Result; r.result.Truncated {
		events.fill(&r.result)
	}
	return r, nil
}
