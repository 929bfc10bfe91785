package runs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"meridian/internal/coordinator"
	"meridian/internal/record"
	"meridian/pkg/protocol"
)

// errHeld means that another holder carries the run on.
var errHeld = errors.New("another coordinator carries the run on")

// attach carries a run on if no other holder does, and else waits for its end. The result is
// RUNNING if the time of ctx ends first.
func (k *Keeper) attach(ctx context.Context, v *view) (protocol.Result, error) {
	reserve := reserve(ctx)
	for {
		if v.ended() {
			return *v.result, nil
		}
		if v.free(time.Now()) {
			result, err := k.carry(ctx, v, nil)
			if !errors.Is(err, errHeld) {
				return result, err
			}
		}
		if !wait(ctx, pollEvery, reserve+v.reading) {
			return v.soFar(k), nil
		}
		v.isNew = false
		if err := k.update(ctx, v); err != nil {
			return protocol.Result{}, err
		}
	}
}

// reserve returns how much of ctx's time is kept for the answer, besides the time to read the run.
func reserve(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return protocol.Reserve(time.Until(deadline))
	}
	return 0
}

// wait waits for d, and reports whether it did. It does not wait if less than left would remain of
// ctx's time.
func wait(ctx context.Context, d, left time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d+left {
		return false
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// insist tries something until it succeeds, with waits in between, as long as ctx has the time.
func insist(ctx context.Context, every time.Duration, try func() error) error {
	err := try()
	for err != nil && wait(ctx, every, 0) {
		err = try()
	}
	return err
}

// carry carries a run on in one generation. The error is errHeld if another holder was faster, or
// takes the run over.
func (k *Keeper) carry(ctx context.Context, v *view, redrive *protocol.Redrive) (protocol.Result, error) {
	generation := protocol.Generation{Number: v.generations() + 1, Redrive: redrive}
	holder, err := k.hold(ctx, v, generation)
	if err != nil {
		return protocol.Result{}, err
	}
	ready, err := k.ready(ctx, v)
	if err != nil {
		_ = holder.Close(context.WithoutCancel(ctx))
		return protocol.Result{}, err
	}
	if v.history == nil {
		if err := v.planned(ctx, &ready); err != nil {
			return protocol.Result{}, err
		}
	}
	return k.generation(ctx, v, holder, generation)
}

// generation carries a run on as its holder.
func (k *Keeper) generation(ctx context.Context, v *view, holder *record.Holder, g protocol.Generation) (protocol.Result, error) {
	defer func() { _ = holder.Close(context.WithoutCancel(ctx)) }() // for a panic, or an error
	ctx, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	defer func() {
		cancel(nil)
		watching.Wait()
	}()
	redrives := v.redrives()
	if g.Number > 1 { // it may have been stopped before
		if stopped, err := v.records.Stopped(ctx, v.run.RunID, redrives); err == nil && stopped {
			cancel(&StoppedError{})
		}
	}
	watching.Go(func() { watch(ctx, v.records, holder, v.run.RunID, redrives, cancel) })
	log := &held{Holder: holder, records: v.records, run: v.run, once: v.ready.Plan.AtMostOnce, gaveUp: make(chan struct{}), optional: v.optional}
	result, ended := k.Coordinator.Carry(ctx, *v.ready, coordinator.Generation{
		Log: log, History: v.history, Begin: v.run.StartedAt, Longest: k.longest(),
		Last: k.Next == nil || v.history.SinceRedrive() >= cmp.Or(k.MaxGenerations, DefaultMaxGenerations),
	})
	if _, lost := errors.AsType[*record.LostError](context.Cause(ctx)); lost {
		return protocol.Result{}, errHeld
	}
	closing, stop := closingTime(ctx, v.optional)
	defer stop()
	if !ended {
		return result, k.handOver(closing, v, holder, g)
	}
	result, err := k.end(closing, v, holder, result)
	if err != nil && v.optional && !errors.Is(err, errHeld) {
		if k.Warn != nil {
			k.Warn(err)
		}
		_ = log.giveUp(context.WithoutCancel(ctx)) // it has ended, and must not look as if it were interrupted
		err = nil
	}
	return result, err
}

// closingTime returns the context for what a generation does at its end: at most closeTime, and no
// longer than half of what is left before the function's deadline.
func closingTime(ctx context.Context, optional bool) (context.Context, context.CancelFunc) {
	limit := closeTime
	if optional {
		limit = patience
	}
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, max(time.Until(deadline)/2, shortestClose))
	}
	return context.WithTimeout(context.WithoutCancel(ctx), limit)
}

// hold begins a generation.
func (k *Keeper) hold(ctx context.Context, v *view, g protocol.Generation) (*record.Holder, error) {
	holding, cancel := context.WithCancelCause(context.WithoutCancel(ctx)) // the holder outlives the run
	slow := time.AfterFunc(storeTime, func() { cancel(errors.New("the store did not answer in time")) })
	holder, err := v.records.Hold(holding, v.run.RunID, v.at, g)
	slow.Stop()
	if _, lost := errors.AsType[*record.LostError](err); lost {
		cancel(nil)
		return nil, errHeld
	}
	if err != nil {
		cancel(nil)
		return nil, &StoreError{err}
	}
	v.at, v.isNew = holder.Position(), false
	started := protocol.Event{Type: protocol.EventGenerationStarted, Sequence: v.at.Sequence, Time: time.Now().UTC(), Generation: &g}
	k.logger(v.run.RunID).InfoContext(ctx, "generation started", "generation", g.Number)
	k.tell(v, started)
	return holder, v.add(started)
}

// watch ends a generation when another holder has its run, or when the run is stopped.
func watch(ctx context.Context, records *record.Runs, holder *record.Holder, runID string, redrives int, end context.CancelCauseFunc) {
	for {
		select {
		case <-time.After(stopEvery):
		case <-holder.Lost():
			end(holder.Err())
			return
		case <-ctx.Done():
			return
		}
		if stopped, err := records.Stopped(ctx, runID, redrives); err == nil && stopped {
			end(&StoppedError{})
			return
		}
	}
}

// handOver has the next generation invoked, and then lets the run go.
func (k *Keeper) handOver(ctx context.Context, v *view, holder *record.Holder, g protocol.Generation) error {
	if err := holder.Sync(ctx); err != nil {
		return &handOverError{v.run.RunID, err}
	}
	// If Lambda has several, the log decides which one carries on.
	if err := insist(ctx, nextEvery, func() error { return k.Next(ctx, v.run.RunID) }); err != nil {
		return &handOverError{v.run.RunID, err}
	}
	used := v.requests.usage()
	used.Writes++ // with this one
	g.Redrive, g.Store = nil, &used
	ended := protocol.Event{
		Version: protocol.EventVersion, RunID: v.run.RunID, Sequence: holder.Position().Sequence + 1, Time: time.Now().UTC(),
		Type: protocol.EventGenerationEnded, Generation: &g,
	}
	holder.Append(ended)
	if err := v.add(ended); err != nil {
		return err
	}
	if err := holder.Close(ctx); err != nil {
		k.logger(v.run.RunID).WarnContext(ctx, "generation not closed", "cause", err.Error())
	}
	return nil
}

// end keeps the result of a run that has ended.
func (k *Keeper) end(ctx context.Context, v *view, holder *record.Holder, result protocol.Result) (protocol.Result, error) {
	if err := holder.Close(ctx); err != nil {
		if _, lost := errors.AsType[*record.LostError](err); lost {
			return protocol.Result{}, errHeld
		}
		return result, fmt.Errorf("keep the events of run %s: %w", v.run.RunID, err)
	}
	charge(v, &result)
	if k.Next != nil { // a function has to read it again in its own memory
		if _, err := fit(&result, protocol.MaxPayloadBytes); err != nil {
			return result, fmt.Errorf("keep the result of run %s: %w", v.run.RunID, err)
		}
	}
	kept := k.Coordinator.WithoutSecrets(&v.ready.Plan, result)
	created := false
	err := insist(ctx, pollEvery, func() (err error) {
		created, err = v.records.CreateResult(ctx, v.run.RunID, v.redrives(), kept)
		return err
	})
	if err != nil {
		return result, fmt.Errorf("keep the result of run %s: %w", v.run.RunID, err)
	}
	v.result = &result
	if created && v.redrives() == 0 {
		k.runEnded(ctx, result, true)
	}
	return result, nil
}

// fit makes the result of a kept run fit into an answer, and says where the rest is. A limit of 0
// means none.
func fit(result *protocol.Result, limit int) ([]byte, error) {
	data, err := protocol.Fit(result, limit)
	notice := fmt.Sprintf("what does not fit into this answer is in the store: read it with `meridian show %s --store s3://BUCKET`", result.RunID)
	if err == nil && result.Truncated && limit > 0 && !slices.Contains(result.Notices, notice) {
		result.Notices = append(slices.Clip(result.Notices), notice)
		data, err = protocol.Fit(result, limit)
	}
	return data, err //nolint:wrapcheck // its caller does
}

// tell gives an event of a generation to those who watch the run.
func (k *Keeper) tell(v *view, e protocol.Event) {
	if k.Coordinator.Events != nil {
		e.Version, e.RunID = protocol.EventVersion, v.run.RunID
		k.Coordinator.Events(e)
	}
}
