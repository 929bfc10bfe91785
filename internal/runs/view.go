package runs

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"meridian/internal/coordinator"
	"meridian/internal/record"
	"meridian/pkg/protocol"
)

// A view is what the store has of a run, as far as it has been read.
type view struct {
	run   protocol.RunRecord
	isNew bool              // whether the run was created just now
	plan  *coordinator.Plan // without its look-ups; nil if only the store has it
	ready *coordinator.Ready

	result  *protocol.Result // of a run that has ended
	history *coordinator.History
	early   []protocol.Event // events that were read before there was a plan
	at      record.Position
	written time.Time // when the last file of the log was
	process string    // that has written it
	stopped bool

	optional bool          // whether a store that fails costs the record of the run, but not the run
	reading  time.Duration // how long reading has taken

	records  *record.Runs // which count the requests
	requests *counted
	gone     func(process string) bool // the Keeper's
}

// newView returns the view of a run before anything of it is read.
func (k *Keeper) newView(run protocol.RunRecord) *view {
	requests := &counted{Store: k.Store}
	return &view{run: run, requests: requests, records: &record.Runs{Store: requests, Process: k.Process}, gone: k.Gone}
}

// view reads a run.
func (k *Keeper) view(ctx context.Context, run protocol.RunRecord) (*view, error) {
	v := k.newView(run)
	return v, k.update(ctx, v)
}

// readPlan reads the plan of a run, if there is one and it was not read yet.
func (k *Keeper) readPlan(ctx context.Context, v *view) error {
	if v.ready != nil {
		return nil
	}
	data, err := v.records.Plan(ctx, v.run.RunID)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err //nolint:wrapcheck // it names the key
	}
	ready, err := coordinator.DecodeReady(data)
	if err != nil {
		return err //nolint:wrapcheck // it says what it is about
	}
	return v.planned(ctx, &ready)
}

// look reads the run with an id.
func (k *Keeper) look(ctx context.Context, runID string) (*view, error) {
	run, err := k.records().Request(ctx, runID)
	if err != nil {
		return nil, missing(runID, err)
	}
	return k.view(ctx, run)
}

// planned gives the view the run's plan, and the history what has been read.
func (v *view) planned(ctx context.Context, ready *coordinator.Ready) error {
	v.ready = ready
	v.history = coordinator.NewHistory(ready, func(key string) ([]byte, error) {
		return v.records.Targets(ctx, v.run.RunID, key)
	})
	early := v.early
	v.early = nil
	for _, e := range early {
		if err := v.add(e); err != nil {
			return err
		}
	}
	return nil
}

// update reads what the store has beyond the position of the view.
func (k *Keeper) update(ctx context.Context, v *view) error {
	begin := time.Now()
	defer func() { v.reading += time.Since(begin) }()
	if err := k.readPlan(ctx, v); err != nil {
		return err
	}
	for file, err := range v.records.Log(ctx, v.run.RunID, v.at.File) {
		if err != nil {
			return err //nolint:wrapcheck // it names the file
		}
		for _, line := range file.Events {
			e, err := protocol.DecodeEvent(line)
			if err == nil {
				err = v.add(e)
			}
			if err != nil {
				return err
			}
			v.at.Sequence = e.Sequence
		}
		v.at.File, v.written, v.process = file.Header.Number, file.Header.Time, file.Header.Process
	}
	if v.history == nil || !v.history.Ended() || v.result != nil {
		return nil
	}
	kept, redrive, err := v.records.Result(ctx, v.run.RunID)
	if err == nil && redrive == v.history.Redrives() {
		v.result = &kept.Result
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it died before the result was kept
	}
	return err //nolint:wrapcheck // it names the key
}

// add adds an event of the log.
func (v *view) add(e protocol.Event) error {
	if v.history == nil {
		v.early = append(v.early, e)
		return nil
	}
	if e.Type == protocol.EventGenerationStarted {
		v.result = nil
	}
	return v.history.Add(e)
}

// ended reports whether the run has ended and its result is known.
func (v *view) ended() bool { return v.result != nil }

// generations returns how many generations have begun.
func (v *view) generations() int {
	if v.history == nil { // then the log has nothing but their starts
		return len(v.early)
	}
	return v.history.Generations()
}

// redrives returns how many redrives have begun.
func (v *view) redrives() int {
	if v.history == nil {
		return 0
	}
	return v.history.Redrives()
}

// free reports whether the run may be taken over now: it has no holder, or its holder is silent.
func (v *view) free(now time.Time) bool {
	switch {
	case v.isNew, v.history != nil && v.history.HandedOver():
		return true
	case v.history != nil && v.history.Ended() && now.Sub(v.written) >= closeTime:
		return true // its result is missing
	case v.at.File == 0:
		return true // of two that begin at once, the log decides
	}
	return v.silent(now)
}

// silent reports whether the last holder has written nothing for a minute, or its process has
// ended.
func (v *view) silent(now time.Time) bool {
	return now.Sub(v.written) >= record.TakeOverAfter || v.process != "" && v.gone != nil && v.gone(v.process)
}

// interrupted reports whether nothing carries on a run that has not ended. One that was handed
// over, or started, less than a minute ago is on its way.
func (v *view) interrupted(now time.Time) bool {
	if v.at.File == 0 && v.written.IsZero() {
		return now.Sub(v.run.StartedAt) >= record.TakeOverAfter
	}
	return !v.ended() && v.silent(now)
}

// soFar returns the result of a run that has not ended.
func (v *view) soFar(k *Keeper) protocol.Result {
	if v.ready != nil {
		return k.Coordinator.Rebuild(*v.ready, v.run.StartedAt, v.history)
	}
	return protocol.Result{ // before it was planned
		RunID: v.run.RunID, Name: v.run.Request.Name, Status: protocol.StatusRunning, StartedAt: v.run.StartedAt,
		ElapsedMs: protocol.Milliseconds(time.Since(v.run.StartedAt)), Generations: v.generations(),
		Message: "the run has not been planned yet", Regions: []protocol.RegionOutcome{},
	}
}

// state returns what is known of the run.
func (v *view) state(k *Keeper) protocol.RunState {
	now, r := time.Now(), &v.run.Request
	s := protocol.RunState{
		RunID: v.run.RunID, Name: r.Name, Key: r.Key, Task: r.Task, Status: protocol.StatusRunning, StartedAt: v.run.StartedAt,
		ElapsedMs: protocol.Milliseconds(now.Sub(v.run.StartedAt)), Generations: v.generations(), Redrives: v.redrives(),
		Interrupted: v.interrupted(now), Stopping: v.stopped && !v.ended(), Events: v.at.Sequence,
	}
	if s.Interrupted && !v.written.IsZero() { // it stands still
		s.ElapsedMs = protocol.Milliseconds(v.written.Sub(v.run.StartedAt))
	}
	result := v.result
	if result == nil && v.history != nil {
		result = new(k.Coordinator.Rebuild(*v.ready, v.run.StartedAt, v.history))
	}
	if result != nil {
		s.Regions, s.Targets = result.Summary.Regions, result.Summary.Targets
	}
	if v.ended() {
		s.Status, s.Error, s.Cause, s.ElapsedMs, s.Result = result.Status, result.Error, result.Cause, result.ElapsedMs, result
	}
	return s
}
