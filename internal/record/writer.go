package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"meridian/pkg/protocol"
)

const (
	// flushAfter is how long an event waits for others. A live view of a kept run lags by it.
	flushAfter = time.Second

	// flushBytes is how many bytes of events are written without that wait.
	flushBytes = 256 << 10

	// fileBytes is how many bytes of events one file has at most, if it has more than one.
	fileBytes = 1 << 20

	// heartbeatAfter is the longest time without a new file while the holder lives.
	heartbeatAfter = 20 * time.Second

	// TakeOverAfter is how long a holder may write nothing before another one takes the run over:
	// three heartbeats. It is for liveness alone: a holder that is only slow finds that it has
	// lost the run.
	TakeOverAfter = 3 * heartbeatAfter

	// firstRetry and lastRetry are the shortest and the longest wait before a file is
	// written again. Each wait is twice the one before.
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// A batch is a file that is to be written.
type batch struct {
	number int
	data   []byte
	events int // how many
	bytes  int // of the events
}

// run writes files, one at a time, until the holder is closed, ctx ends or the run is lost.
// While one is being written, events gather for the next.
func (h *Holder) run(ctx context.Context) {
	defer close(h.done)
	for {
		b, wait := h.next(time.Now())
		if b != nil {
			if err := h.write(ctx, *b); err != nil {
				h.end(err)
				return
			}
			continue
		}
		if wait < 0 {
			return
		}
		select {
		case <-time.After(wait):
		case <-h.wake:
		case <-ctx.Done():
			h.end(context.Cause(ctx))
			return
		}
	}
}

// next returns the file to write now, or how long nothing is due. A negative wait means that
// the holder has ended.
func (h *Holder) next(now time.Time) (b *batch, wait time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil && h.closing && len(h.pending) == 0 {
		h.fail(nil)
	}
	if h.ended {
		return nil, -1
	}
	due := h.wrote.Add(heartbeatAfter)
	if len(h.pending) > 0 {
		due = h.pending[0].at.Add(flushAfter)
		if h.closing || h.bytes >= flushBytes || h.wanted > h.at.Sequence {
			due = now
		}
	}
	if wait = due.Sub(now); wait > 0 {
		return nil, wait
	}
	return new(h.batch(now)), 0
}

// take returns the file to write now, even if none is due.
func (h *Holder) take(now time.Time) batch {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.batch(now)
}

// batch takes the events of one file from those that are pending. The caller has the lock.
func (h *Holder) batch(now time.Time) batch {
	b := batch{number: h.at.File + 1}
	for _, l := range h.pending {
		if b.events > 0 && b.bytes+len(l.data) > fileBytes {
			break
		}
		b.events++
		b.bytes += len(l.data)
	}
	b.data = encodeFile(protocol.LogHeader{
		Version: protocol.RecordVersion, RunID: h.runID, Number: b.number, After: h.at.Sequence, Generation: h.generation, Holder: h.id,
		Process: h.runs.Process, Time: now.UTC(),
	}, h.pending[:b.events])
	clear(h.pending[:b.events]) // or their memory would stay as long as the others'
	h.pending = h.pending[b.events:]
	return b
}

// write writes a file, and tries again until it is in the log, ctx ends or the run is lost.
func (h *Holder) write(ctx context.Context, b batch) error {
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		err := h.put(ctx, b)
		if err == nil {
			h.written(b)
			return nil
		}
		if _, lost := errors.AsType[*LostError](err); lost {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("write file %d of the log of run %s: %w; the last error: %w", b.number, h.runID, context.Cause(ctx), err)
		}
	}
}

// put makes one attempt to write a file. It succeeds if an earlier attempt has written it.
func (h *Holder) put(ctx context.Context, b batch) error {
	key := logKey(h.runID, b.number)
	err := h.runs.Store.Create(ctx, key, b.data)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	kept, err := h.runs.Store.Read(ctx, key, MaxLogFile)
	switch {
	case errors.Is(err, fs.ErrNotExist): // the run is being deleted
		return &LostError{RunID: h.runID}
	case err != nil:
		return err
	case bytes.Equal(kept, b.data): // they have our random id
		return nil
	}
	header, _, _ := protocol.DecodeLogFile(kept) // whatever it is, it is not ours
	return &LostError{RunID: h.runID, Generation: header.Generation}
}

// written notes that a file is in the log.
func (h *Holder) written(b batch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = Position{File: b.number, Sequence: h.at.Sequence + b.events}
	h.bytes -= b.bytes
	h.wrote = time.Now()
	h.notify()
}

// end notes that nothing is written any more.
func (h *Holder) end(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fail(err)
}

// fail is end for a caller that has the lock. The first error stays.
func (h *Holder) fail(err error) {
	if _, lost := errors.AsType[*LostError](err); lost {
		close(h.lost) // only the writer finds a loss, and then ends
	}
	if h.err == nil {
		h.err = err
	}
	h.ended, h.pending = true, nil
	h.notify()
}

// notify wakes those that wait for something to change. The caller has the lock.
func (h *Holder) notify() {
	close(h.changed)
	h.changed = make(chan struct{})
}

// nudge has the writer look whether a file is due.
func (h *Holder) nudge() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}
