package coordinator_test

import (
	"context"
	"maps"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"meridian/internal/coordinator"
	"meridian/pkg/protocol"
)

// A preparedInvoker records the calls that it is prepared for.
type preparedInvoker struct {
	coordinator.Invoker
	calls   map[string]int
	invoked atomic.Bool
}

func (p *preparedInvoker) Prepare(_ context.Context, calls map[string]int) {
	if p.invoked.Load() {
		panic("prepared too late")
	}
	p.calls = calls
}

func (p *preparedInvoker) Invoke(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
	p.invoked.Store(true)
	return p.Invoker.Invoke(ctx, region, payload)
}

func TestAPreparerIsToldBeforeTheFirstInvocation(t *testing.T) {
	t.Parallel()
	c := inProcess(world{}.tasks())
	p := &preparedInvoker{Invoker: c.Invoker}
	c.Invoker = p
	r := protocol.Request{
		Task: "act", Regions: []string{"us-east-1", "eu-west-1"},
		Targets: protocol.Targets("a", "b", "c", "d"), MaxTargetsPerInvocation: 1, MaxConcurrency: 5,
	}
	synctest.Test(t, func(t *testing.T) {
		if _, err := c.Run(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	})
	if want := map[string]int{"us-east-1": 3, "eu-west-1": 2}; !maps.Equal(p.calls, want) {
		t.Errorf("prepared for %v, want %v", p.calls, want)
	}
}
