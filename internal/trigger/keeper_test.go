package trigger_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/runs"
	"meridian/internal/trigger"
	"meridian/pkg/protocol"
)

// The Keeper there is, and its refusals.
var (
	_ trigger.Keeper  = (*runs.Keeper)(nil)
	_ trigger.Refusal = (*runs.ConflictError)(nil)
	_ trigger.Refusal = (*runs.NotFoundError)(nil)
	_ trigger.Refusal = (*runs.StateError)(nil)
)

const runID = "01JDVMR4N8TQ3W7Y2E5ZC0HXKB"

// A keeper records its calls and returns fixed answers. Like the real one it refuses a
// request with faults.
type keeper struct {
	calls   []string
	limit   int
	started protocol.Request
	state   protocol.RunState
	list    protocol.RunPage
	page    protocol.EventPage
	err     error
}

// state returns the state of a run.
func state(status protocol.Status) protocol.RunState {
	return protocol.RunState{
		RunID: runID, Status: status, StartedAt: time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC), ElapsedMs: 1500,
		Regions: protocol.Counts{Total: 1}, Events: 7,
	}
}

func (k *keeper) called(format string, args ...any) {
	k.calls = append(k.calls, fmt.Sprintf(format, args...))
}

func (k *keeper) Start(_ context.Context, r protocol.Request, faults protocol.Faults) (protocol.RunState, error) {
	if err := faults.Err(); err != nil {
		return protocol.RunState{}, err
	}
	k.called("start")
	k.started = r
	return k.state, k.err
}

func (k *keeper) Show(_ context.Context, id string, wait time.Duration, limit int) (protocol.RunState, error) {
	k.called("show %s %v", id, wait)
	k.limit = limit
	return k.state, k.err
}

func (k *keeper) Events(_ context.Context, id string, after, limit int) (protocol.EventPage, error) {
	k.called("events %s %d", id, after)
	k.limit = limit
	return k.page, k.err
}

func (k *keeper) List(_ context.Context, q protocol.RunQuery) (protocol.RunPage, error) {
	k.called("list name=%s status=%s since=%s limit=%d next=%s", q.Name, q.Status, q.Since.Format(time.RFC3339), q.Limit, q.Next)
	return protocol.RunPage{Runs: append([]protocol.RunState{}, k.list.Runs...), Next: k.list.Next}, k.err
}

func (k *keeper) Stop(_ context.Context, id string) (protocol.RunState, error) {
	k.called("stop %s", id)
	return k.state, k.err
}

func (k *keeper) Resume(_ context.Context, id string) (protocol.RunState, error) {
	k.called("resume %s", id)
	return k.state, k.err
}

func (k *keeper) Redrive(_ context.Context, id string, d protocol.Redrive) (protocol.RunState, error) {
	what, err := json.Marshal(d)
	if err != nil {
		return protocol.RunState{}, err
	}
	k.called("redrive %s %s", id, what)
	return k.state, k.err
}

func (k *keeper) Continue(_ context.Context, id string) error {
	k.called("continue %s", id)
	return k.err
}

func (k *keeper) Sweep(context.Context) error {
	k.called("sweep")
	return k.err
}

// checkCalls checks what a keeper was asked.
func checkCalls(t *testing.T, k *keeper, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, k.calls); diff != "" {
		t.Errorf("calls of the keeper (-want +got):\n%s", diff)
	}
}
