package main

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/charmbracelet/colorprofile"

	"meridian/internal/live"
	"meridian/pkg/protocol"
)

// patienceWithoutView is how long a command may wait before it says for what. Tests set it.
var patienceWithoutView = 500 * time.Millisecond //nolint:gochecknoglobals // see above

// A watch shows the progress of a run on standard error: as a view that moves if that is a
// terminal, and else as a line every ten seconds.
type watch struct {
	event func(protocol.Event) // follows a run; it does not wait for the terminal
	stop  func()               // erases the view; call it once
}

// watch starts to show the progress of a run with a timeout, or with 0 if that is not known. It
// shows nothing when standard error gets the log.
func (c *cli) watch(ctx context.Context, doing string, timeout time.Duration, logged bool) watch {
	if logged {
		return watch{func(protocol.Event) {}, func() {}}
	}
	settings := live.Settings{Doing: doing, Timeout: timeout}
	if !c.live(c.stderr) {
		state := live.New(settings)
		return watch{state.Event, live.Print(ctx, state, c.stderr)}
	}
	settings.Rows = rowCounter
	state := live.New(settings)
	profile := colorprofile.ASCII
	if c.colorful(c.stderr) {
		profile = colorprofile.ANSI
	}
	c.draw(true)
	erase := live.Draw(ctx, state, live.Terminal{Output: c.stderr, Env: c.env, Profile: profile})
	return watch{state.Event, func() { erase(); c.draw(false) }}
}

// rowCounter returns a function that counts the rows in an output of a task, or nil if the
// task has no rows. An empty task stands for a function of the caller's own.
func rowCounter(task string) func(json.RawMessage) int {
	request := protocol.Request{Task: task}
	if task == "" {
		request.Worker = &protocol.Worker{}
	}
	list, _ := rowsOf(request)
	if list == nil {
		return nil
	}
	return func(output json.RawMessage) int {
		_, rows := list(output)
		return len(rows)
	}
}

// limit returns the timeout of a request that runs in this process.
func limit(request protocol.Request) time.Duration {
	return time.Duration(cmp.Or(request.TimeoutSeconds, localTimeoutSeconds) * float64(time.Second))
}

// await shows what the command waits for while it is not a run: without a terminal as a line,
// after half a second.
func (c *cli) await(ctx context.Context, what string, logged bool) watch {
	if logged || c.live(c.stderr) {
		return c.watch(ctx, what, 0, logged)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-ctx.Done():
		case <-time.After(patienceWithoutView):
			_, _ = io.WriteString(c.stderr, what+"\n")
		}
	}()
	return watch{stop: func() { cancel(); <-ended }}
}
