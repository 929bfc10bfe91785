package runs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"time"

	"meridian/internal/coordinator"
	"meridian/pkg/protocol"
)

// begin keeps a new run of a request, or finds the run that has its key.
func (k *Keeper) begin(ctx context.Context, r protocol.Request, faults protocol.Faults, limit int) (*view, error) {
	plan, err := k.Coordinator.PlanDecoded(r, faults, limit)
	if err != nil {
		return nil, err //nolint:wrapcheck // it lists the faults
	}
	v := k.newView(protocol.RunRecord{Version: protocol.RecordVersion, RunID: plan.RunID, StartedAt: time.Now().UTC(), Request: r})
	v.isNew, v.plan = true, &plan
	storing, cancel := within(ctx)
	defer cancel()
	if r.Key != "" {
		owner, won, err := v.records.Claim(storing, r.Key, v.run)
		if err != nil {
			return nil, &StoreError{err}
		}
		if !won {
			return k.found(storing, r, owner)
		}
	}
	if err := v.records.Create(storing, v.run); err != nil {
		return nil, &StoreError{err}
	}
	return v, nil
}

// found returns the run that has the key of a request.
func (k *Keeper) found(ctx context.Context, r protocol.Request, owner protocol.RunRecord) (*view, error) {
	if !same(owner.Request, r) {
		return nil, &ConflictError{r.Key, owner.RunID}
	}
	_, err := k.records().Request(ctx, owner.RunID)
	if errors.Is(err, fs.ErrNotExist) { // its start died after it had the key
		err = k.records().Create(ctx, owner)
	}
	if err != nil {
		return nil, &StoreError{err}
	}
	return k.view(ctx, owner)
}

// same reports whether two requests with a key are the same. Both are kept, whatever their keep
// says.
func same(a, b protocol.Request) bool {
	a.Keep, b.Keep = false, false
	one, err := json.Marshal(a)
	if err != nil {
		return false
	}
	other, err := json.Marshal(b)
	return err == nil && bytes.Equal(one, other)
}

// ready returns what the run does: as an earlier generation has planned it, or with look-ups
// that are done now.
func (k *Keeper) ready(ctx context.Context, v *view) (coordinator.Ready, error) {
	if v.ready != nil {
		return *v.ready, nil
	}
	if v.plan == nil { // the generation that has planned it has died before it kept the plan
		plan, err := k.Coordinator.Plan(v.run.Request, protocol.MaxPayloadBytes)
		if err != nil {
			return coordinator.Ready{}, err //nolint:wrapcheck // it lists the faults
		}
		plan.RunID = v.run.RunID
		v.plan = &plan
	}
	ready := k.Coordinator.Complete(ctx, *v.plan, v.run.StartedAt)
	data, err := ready.Encode()
	if err == nil {
		data, err = v.records.CreatePlan(ctx, v.run.RunID, data)
	}
	if err != nil {
		return coordinator.Ready{}, &StoreError{err}
	}
	return coordinator.DecodeReady(data) //nolint:wrapcheck // it says what it is about
}
