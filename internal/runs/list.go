package runs

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"sync"

	"meridian/internal/record"
	"meridian/pkg/protocol"
)

// listed is how many runs of a page are read at once.
const listed = 8

// List returns runs, the newest first, each as the last events of its log say. A page may have
// fewer runs than the limit, also none, if its query has a status.
func (k *Keeper) List(ctx context.Context, q protocol.RunQuery) (protocol.RunPage, error) {
	page := protocol.RunPage{Runs: []protocol.RunState{}}
	ids, next, err := k.records().List(ctx, q)
	if err != nil {
		return page, err //nolint:wrapcheck // it says what it is about
	}
	states, errs := make([]*protocol.RunState, len(ids)), make([]error, len(ids))
	slots := make(chan struct{}, listed)
	var looking sync.WaitGroup
	for i, id := range ids {
		slots <- struct{}{}
		looking.Go(func() {
			defer func() { <-slots }()
			if states[i], errs[i] = k.glance(ctx, id); errs[i] != nil {
				states[i] = &protocol.RunState{RunID: id, Status: protocol.StatusFailed, Error: "Meridian.BadRecord", Cause: protocol.Cause(errs[i])}
			}
		})
	}
	looking.Wait()
	for _, s := range states {
		if s != nil && (q.Status == "" || s.Status == q.Status) {
			page.Runs = append(page.Runs, *s)
		}
	}
	page.Next = next
	if slices.ContainsFunc(errs, func(err error) bool { return err == nil }) {
		return page, nil // one run that cannot be read does not hide the others
	}
	return page, errors.Join(errs...)
}

// glance returns what the record and the end of the log say of a run, or nil if it is being
// deleted.
func (k *Keeper) glance(ctx context.Context, id string) (*protocol.RunState, error) {
	run, err := k.records().Request(ctx, id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the key
	}
	last, err := k.records().Last(ctx, id)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err //nolint:wrapcheck // it names the key
	}
	return new(k.stateAt(run, last)), nil
}

// stateAt returns what a run's record and the last file of its log say; the zero File means that
// there is none.
func (k *Keeper) stateAt(run protocol.RunRecord, last record.File) protocol.RunState {
	v := &view{run: run, written: last.Header.Time, process: last.Header.Process, gone: k.Gone}
	s := v.state(k)
	s.Generations = last.Header.Generation
	if len(last.Events) == 0 {
		return s
	}
	e, err := protocol.DecodeEvent(last.Events[len(last.Events)-1])
	if err != nil {
		return s
	}
	if s.Events = e.Sequence; e.Ended != nil {
		s.Status, s.Error, s.Cause, s.ElapsedMs = e.Ended.Status, e.Ended.Error, e.Ended.Cause, e.Ended.ElapsedMs
		s.Regions, s.Targets, s.Interrupted = e.Ended.Summary.Regions, e.Ended.Summary.Targets, false
	}
	return s
}
