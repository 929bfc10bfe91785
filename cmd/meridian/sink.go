package main

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"sync"
	"time"

	"meridian/pkg/protocol"
)

// A sink gets the events of a run in this process: the live view, or JSON lines on
// standard output.
type sink struct {
	// event gets each event. It does not wait for a terminal or a pipe.
	event func(protocol.Event)

	// stop ends the sink and returns the error of its output. Call it once.
	stop func() error
}

// sink returns what the output format asks for. The run has a timeout.
func (c *cli) sink(ctx context.Context, f *runFlags, doing string, timeout time.Duration) sink {
	if f.observe != nil {
		return sink{f.observe, func() error { return nil }}
	}
	if f.output == formatEvents {
		lines := newEventLines(escapedWriter{c.stdout})
		return sink{lines.event, lines.stop}
	}
	watch := c.watch(ctx, doing, timeout, f.verbose)
	return sink{watch.event, func() error { watch.stop(); return nil }}
}

// eventLines writes events as JSON lines, each as soon as the writer takes it.
type eventLines struct {
	wake chan struct{} // has the writer look again
	done chan struct{} // closed when the writer has ended

	mu     sync.Mutex
	lines  []byte // that are not written yet
	closed bool
	err    error // the first one
}

func newEventLines(w io.Writer) *eventLines {
	l := &eventLines{wake: make(chan struct{}, 1), done: make(chan struct{})}
	go l.write(w)
	return l
}

// event adds an event. What it points to is read before event returns.
func (l *eventLines) event(e protocol.Event) {
	line, err := json.Marshal(e)
	l.mu.Lock()
	if l.err = cmp.Or(l.err, err); l.err == nil {
		l.lines = append(append(l.lines, line...), '\n')
	}
	l.mu.Unlock()
	l.look()
}

// look has the writer look again.
func (l *eventLines) look() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// write writes lines until stop is called. It drops them after an error.
func (l *eventLines) write(w io.Writer) {
	defer close(l.done)
	for {
		l.mu.Lock()
		lines, closed := l.lines, l.closed
		l.lines = nil
		l.mu.Unlock()
		if len(lines) > 0 {
			if _, err := w.Write(lines); err != nil {
				l.mu.Lock()
				l.err = err
				l.mu.Unlock()
			}
			continue
		}
		if closed {
			return
		}
		<-l.wake
	}
}

// stop writes what is left, and returns the error of the output.
func (l *eventLines) stop() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.look()
	<-l.done
	if l.err != nil {
		return failure("write output: %v", l.err)
	}
	return nil
}

// printLines writes JSON lines to standard output.
func (c *cli) printLines(lines []json.RawMessage) error {
	for _, line := range lines {
		if _, err := (escapedWriter{c.stdout}).Write(append(line, '\n')); err != nil {
			return failure("write output: %v", err)
		}
	}
	return nil
}

// printValues prints each value as a JSON line.
func printValues[T any](c *cli, values []T) error {
	lines := make([]json.RawMessage, len(values))
	for i, value := range values {
		var err error
		if lines[i], err = json.Marshal(value); err != nil {
			return failure("write output: %v", err)
		}
	}
	return c.printLines(lines)
}
