package record

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"meridian/pkg/protocol"
)

const (
	// maxPending is how many bytes of events may wait for the log before Room blocks: a few
	// seconds' writes to S3.
	maxPending = 8 << 20

	// maxEvent bounds an event, so that every file can be read.
	maxEvent = MaxLogFile - 4<<10
)

// A LostError means that another holder carries a run on.
type LostError struct {
	// RunID names the run, and Generation the generation of the other holder. Zero means that
	// it is not known.
	RunID      string
	Generation int
}

// Error names the run.
func (e *LostError) Error() string {
	if e.Generation == 0 {
		return "run " + e.RunID + " was lost to another writer of its log"
	}
	return fmt.Sprintf("run %s was lost to generation %d, which another coordinator has begun", e.RunID, e.Generation)
}

// errClosed is the error of a holder that is used after its Close.
var errClosed = errors.New("the log of the run is closed")

// A Holder carries a run on: it is the only writer of the run's log, until another one begins
// a generation. Its methods can be called concurrently, except for Append.
type Holder struct {
	runs       *Runs
	runID      string
	generation int
	id         string                  // random
	stop       context.CancelCauseFunc // ends the writer
	wake       chan struct{}           // has the writer look again
	lost       chan struct{}           // closed after a loss
	done       chan struct{}           // closed when the writer has ended

	mu       sync.Mutex
	at       Position  // what is in the log
	wrote    time.Time // when the last file was written
	appended int       // the sequence of the last event
	wanted   int       // the sequence of the last event that a Sync waits for
	pending  []line    // the events that are in no file yet
	bytes    int       // of the events that are not in the log yet
	closing  bool
	ended    bool          // no file is written any more
	err      error         // why
	changed  chan struct{} // closed and replaced after every file, and at the end
}

// Hold begins a generation of a run after the position up to which the caller has read the
// log. It creates the next file, which has one event, GENERATION_STARTED. If there is such
// a file already, the error is a [*LostError]: another holder was faster.
//
// Other errors of the store are tried again until ctx ends. The end of ctx also ends the
// holder, without writing what is left; the caller ends it with Close.
func (r *Runs) Hold(ctx context.Context, id string, next Position, g protocol.Generation) (*Holder, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	if g.Number < 1 {
		panic(fmt.Sprintf("record: generation %d", g.Number))
	}
	h := r.holder(id, next, g)
	if h.err != nil { // a value of the redrive that JSON cannot have
		return nil, h.err
	}
	ctx, h.stop = context.WithCancelCause(ctx)
	if err := h.write(ctx, h.take(time.Now())); err != nil {
		h.stop(nil)
		return nil, err
	}
	go h.run(ctx)
	return h, nil
}

// HoldLater begins the first generation of a new run, and returns at once. The holder writes when
// before, which creates the run's other objects, has returned nil. An error of before is the
// holder's.
func (r *Runs) HoldLater(ctx context.Context, id string, g protocol.Generation, before func(context.Context) error) *Holder {
	h := r.holder(id, Position{}, g)
	ctx, h.stop = context.WithCancelCause(ctx)
	go func() {
		if err := before(ctx); err != nil {
			defer close(h.done)
			h.end(err)
			return
		}
		h.run(ctx)
	}()
	return h
}

// holder returns a holder that has the start of its generation to write.
func (r *Runs) holder(id string, next Position, g protocol.Generation) *Holder {
	h := &Holder{
		runs: r, runID: id, generation: g.Number, id: rand.Text(), at: next, appended: next.Sequence,
		wake: make(chan struct{}, 1), lost: make(chan struct{}), done: make(chan struct{}), changed: make(chan struct{}),
	}
	h.Append(protocol.Event{
		Version: protocol.EventVersion, RunID: id, Sequence: next.Sequence + 1, Time: time.Now().UTC(),
		Type: protocol.EventGenerationStarted, Generation: &g,
	})
	return h
}

// Append adds an event to the log. It never waits, keeps the order of its calls, and encodes the
// event before it returns. Sequences must have no gaps, and begin after the one in Position; else
// Append panics. After a loss, an error or Close the event is dropped, and Sync returns an error.
func (h *Holder) Append(e protocol.Event) {
	data, err := json.Marshal(e)
	if err == nil && len(data) > maxEvent {
		err = fmt.Errorf("it has %d bytes; a log takes at most %d", len(data), maxEvent)
	}
	h.mu.Lock()
	if e.Sequence != h.appended+1 {
		h.mu.Unlock()
		panic(fmt.Sprintf("record: event %d after event %d", e.Sequence, h.appended))
	}
	h.appended++
	if err != nil {
		h.fail(fmt.Errorf("event %d of run %s: %w", e.Sequence, h.runID, err))
	} else if !h.ended {
		h.pending = append(h.pending, line{data, time.Now()})
		h.bytes += len(data)
	}
	full := h.bytes >= flushBytes || len(h.pending) == 1 || err != nil
	h.mu.Unlock()
	if full {
		h.nudge()
	}
}

// Sync returns nil when every event that was appended before the call is in the log. It has
// them written at once; calls that wait at the same time share a file. After a loss it
// returns the [*LostError].
func (h *Holder) Sync(ctx context.Context) error {
	h.mu.Lock()
	target := h.appended
	h.wanted = max(h.wanted, target)
	h.mu.Unlock()
	h.nudge()
	return h.await(ctx, func() bool { return h.at.Sequence >= target })
}

// Room waits while more than 8 MiB of events are not in the log yet. After a loss it returns the
// [*LostError].
func (h *Holder) Room(ctx context.Context) error {
	return h.await(ctx, func() bool { return h.bytes <= maxPending })
}

// await waits until something has been reached. It calls reached with the lock.
func (h *Holder) await(ctx context.Context, reached func() bool) error {
	for {
		h.mu.Lock()
		ok, ended, err, changed := reached(), h.ended, h.err, h.changed
		h.mu.Unlock()
		switch {
		case err != nil:
			return err
		case ok:
			return nil
		case ended:
			return errClosed
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Lost returns a channel that is closed when the holder finds that another one has taken the
// run over: at its next file, and so within the 20 seconds of a heartbeat.
func (h *Holder) Lost() <-chan struct{} { return h.lost }

// Err returns why the holder writes no more: a [*LostError], the end of its context with the last
// error of the store, or an event that cannot be written. Nil means that it writes, or was closed.
func (h *Holder) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// Position returns the last file and the last event that are in the log. After Hold, the
// event is GENERATION_STARTED.
func (h *Holder) Position() Position {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

// Abandon ends the holder without writing what is left, and returns when nothing is written any
// more, or with the cause of the end of ctx.
func (h *Holder) Abandon(ctx context.Context) error {
	h.stop(errClosed)
	select {
	case <-h.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Wrote returns when the last file was written, by the wall clock, or the zero time.
func (h *Holder) Wrote() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.wrote.Round(0)
}

// Close writes what is left, and ends the holder. When it returns, nothing is written any more.
// It returns Err: nil means that every event is in the log. The end of ctx ends it early. After a
// loss it writes nothing.
func (h *Holder) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closing = true
	h.mu.Unlock()
	h.nudge()
	release := context.AfterFunc(ctx, func() { h.stop(context.Cause(ctx)) })
	<-h.done
	release()
	h.stop(nil)
	return h.Err()
}
