package runs

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"time"

	"meridian/pkg/protocol"
)

// Show returns what is known of a run, with its result in at most limit bytes if it has ended; 0
// means no limit. It waits for the end up to most, but leaves ctx a reserve for the answer and as
// much time as reading the run has taken.
func (k *Keeper) Show(ctx context.Context, runID string, most time.Duration, limit int) (protocol.RunState, error) {
	reserve, end := reserve(ctx), time.Now().Add(most)
	v, err := k.look(ctx, runID)
	for err == nil && !v.ended() && time.Now().Before(end) {
		if !wait(ctx, min(pollEvery, time.Until(end)), reserve+v.reading) {
			break
		}
		err = k.update(ctx, v)
	}
	if err != nil {
		return protocol.RunState{}, err
	}
	v.stopped, err = k.records().Stopped(ctx, runID, v.redrives())
	s := v.state(k)
	if s.Result != nil && limit > 0 {
		result := *s.Result
		_, tooLarge := fit(&result, limit)
		err = errors.Join(err, tooLarge)
		s.Result = &result
	}
	return s, err
}

// Result returns the result of a run with every output that the store has. It is RUNNING if the run
// has not ended.
func (k *Keeper) Result(ctx context.Context, runID string) (protocol.Result, error) {
	v, err := k.look(ctx, runID)
	switch {
	case err != nil:
		return protocol.Result{}, err
	case v.ended() && !v.result.Truncated:
		return *v.result, nil
	case v.ready == nil:
		return protocol.Result{}, &StateError{runID, "has not begun yet"}
	}
	v.ready.Plan.MaxAnswerBytes = 0 // keep every output
	whole := k.newView(v.run)
	if err := whole.planned(ctx, v.ready); err != nil {
		return protocol.Result{}, err
	}
	if err := k.update(ctx, whole); err != nil {
		return protocol.Result{}, err
	}
	result := k.Coordinator.Rebuild(*whole.ready, v.run.StartedAt, whole.history)
	if v.ended() {
		result.Hint, result.Notices = v.result.Hint, v.result.Notices
	}
	return result, nil
}

// Events returns the events of a run after a sequence, as many as fit into limit bytes; 0 means no
// limit. At least one is returned if there is any.
func (k *Keeper) Events(ctx context.Context, runID string, after, limit int) (protocol.EventPage, error) {
	page := protocol.EventPage{Events: []json.RawMessage{}, After: after}
	if _, err := k.records().Request(ctx, runID); err != nil {
		return page, missing(runID, err)
	}
	begin, err := k.records().Before(ctx, runID, after)
	if err != nil {
		return page, err //nolint:wrapcheck // it names the file
	}
	bytes, last := 0, protocol.EventType("")
	for file, err := range k.records().Log(ctx, runID, begin) {
		if err != nil {
			return page, err //nolint:wrapcheck // it names the file
		}
		for _, line := range file.Events {
			e, err := protocol.DecodeEvent(line)
			if err != nil {
				return page, err //nolint:wrapcheck // it says what it is about
			}
			if last = e.Type; e.Sequence <= after {
				continue
			}
			if bytes += len(line) + 1; limit > 0 && bytes > limit && len(page.Events) > 0 {
				return page, nil
			}
			page.Events, page.After = append(page.Events, line), e.Sequence
		}
	}
	page.Ended = last == protocol.EventRunEnded
	return page, nil
}

// Stop stops a run. It takes effect within five seconds. One that has ended stays as it is.
func (k *Keeper) Stop(ctx context.Context, runID string) (protocol.RunState, error) {
	redrive, open, err := k.records().Opened(ctx, runID)
	if err == nil && open { // before the log is read, which may take long
		err = k.records().Stop(ctx, runID, redrive)
	}
	if err != nil {
		return protocol.RunState{}, missing(runID, err)
	}
	v, err := k.look(ctx, runID)
	if err != nil {
		return protocol.RunState{}, err
	}
	v.stopped = open
	if open && v.interrupted(time.Now()) { // it is carried on to its end
		return k.proceed(ctx, v)
	}
	return v.state(k), nil
}

// Resume has an interrupted run carried on.
func (k *Keeper) Resume(ctx context.Context, runID string) (protocol.RunState, error) {
	v, err := k.look(ctx, runID)
	switch {
	case err != nil:
		return protocol.RunState{}, err
	case v.ended():
		return protocol.RunState{}, &StateError{runID, "has ended; redrive it to do again what failed"}
	case !v.free(time.Now()):
		return protocol.RunState{}, &StateError{runID, "is being carried on; if its coordinator has died, wait a minute"}
	}
	return k.proceed(ctx, v)
}

// proceed has a run carried on: by another invocation, or in this process to its end.
func (k *Keeper) proceed(ctx context.Context, v *view) (protocol.RunState, error) {
	var err error
	if k.Next != nil {
		err = k.Next(ctx, v.run.RunID)
	} else {
		_, err = k.attach(ctx, v)
	}
	return v.state(k), err
}

// Redrive does again what did not succeed in a run that has ended. The selection is in the log
// before it returns. Without a Next the run has ended again when it returns.
func (k *Keeper) Redrive(ctx context.Context, runID string, d protocol.Redrive) (protocol.RunState, error) {
	if err := d.Validate().Err(); err != nil {
		return protocol.RunState{}, err //nolint:wrapcheck // it lists the faults
	}
	v, err := k.look(ctx, runID)
	switch {
	case err != nil:
		return protocol.RunState{}, err
	case !v.ended():
		return protocol.RunState{}, &StateError{runID, "has not ended; stop it first, or resume it if it is interrupted"}
	}
	if err := v.history.Unknown(&d).Err(); err != nil {
		return protocol.RunState{}, err //nolint:wrapcheck // it lists the faults
	}
	if v.history.Selects(&d) == 0 {
		return protocol.RunState{}, &StateError{runID, "has nothing to redrive: no outcome that did not succeed matches"}
	}
	if err := v.records.Reopen(ctx, runID, v.redrives()+1); err != nil {
		return protocol.RunState{}, err //nolint:wrapcheck // it names the key
	}
	if k.Next == nil {
		_, err := k.carry(ctx, v, &d)
		if errors.Is(err, errHeld) {
			err = &StateError{runID, "is carried on by another process"}
		}
		return v.state(k), err
	}
	g := protocol.Generation{Number: v.generations() + 1, Redrive: &d}
	holder, err := k.hold(ctx, v, g)
	if errors.Is(err, errHeld) {
		return protocol.RunState{}, &StateError{runID, "is being redriven already"}
	}
	if err == nil {
		err = k.handOver(ctx, v, holder, g)
	}
	return v.state(k), err
}

// Continue carries a run on in this invocation. If another holder does, Continue waits until that
// one has ended or died. An error means that the run has not ended: Lambda tries again.
func (k *Keeper) Continue(ctx context.Context, runID string) error {
	v, err := k.look(ctx, runID)
	if err != nil {
		return err
	}
	result, err := k.attach(ctx, v)
	if err == nil && result.Status == protocol.StatusRunning && (v.history == nil || !v.history.HandedOver()) {
		return &StateError{runID, "is carried on by another coordinator, which has not ended in time"}
	}
	return ofRun(runID, err)
}

// Sweep has every interrupted run carried on. It continues after an error, and returns all errors.
func (k *Keeper) Sweep(ctx context.Context) error {
	var errs []error
	for id, err := range k.records().Open(ctx) {
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		if err := k.sweep(ctx, id); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// sweep has a run carried on if it is interrupted.
func (k *Keeper) sweep(ctx context.Context, id string) error {
	v, err := k.look(ctx, id)
	if _, gone := errors.AsType[*NotFoundError](err); gone || errors.Is(err, fs.ErrNotExist) {
		return nil // it is being deleted, or has just been marked
	}
	switch {
	case err != nil:
		return err
	case v.ended():
		return k.records().Shut(ctx, id, v.redrives()) //nolint:wrapcheck // it names the key
	case v.interrupted(time.Now()):
		return k.Next(ctx, id)
	}
	return nil
}
