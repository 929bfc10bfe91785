package runs

import (
	"context"
	"time"

	"meridian/internal/coordinator"
	"meridian/pkg/protocol"
)

// Execute carries out a request without a key that was planned, and keeps the run as far as the
// store can: a store that fails costs the record of the run, but not the run. The first writes of
// the store overlap the work, which does not wait for them unless it may not be done twice.
func (k *Keeper) Execute(ctx context.Context, r protocol.Request, plan coordinator.Plan) (protocol.Result, error) {
	if k.Store == nil {
		return k.Coordinator.Execute(ctx, plan), nil
	}
	v := k.newView(protocol.RunRecord{Version: protocol.RecordVersion, RunID: plan.RunID, StartedAt: time.Now().UTC(), Request: r})
	v.plan, v.optional = &plan, true
	ready := k.Coordinator.Complete(ctx, plan, v.run.StartedAt)
	data, err := ready.Encode()
	if err != nil {
		return protocol.Result{}, err //nolint:wrapcheck // it says what it is about
	}
	g := protocol.Generation{Number: 1}
	holder := v.records.HoldLater(context.WithoutCancel(ctx), plan.RunID, g, func(ctx context.Context) error {
		if err := v.records.Create(ctx, v.run); err != nil {
			return &StoreError{err}
		}
		if _, err := v.records.CreatePlan(ctx, plan.RunID, data); err != nil {
			return &StoreError{err}
		}
		return nil
	})
	if err := v.planned(ctx, &ready); err != nil {
		return protocol.Result{}, err
	}
	started := protocol.Event{Type: protocol.EventGenerationStarted, Sequence: 1, Time: v.run.StartedAt, Generation: &g}
	k.tell(v, started)
	if err := v.add(started); err != nil {
		return protocol.Result{}, err
	}
	return k.generation(ctx, v, holder, g)
}
