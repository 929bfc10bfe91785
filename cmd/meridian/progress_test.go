package main

import (
	"errors"
	"io"
	"testing"
	"time"

	"charm.land/bubbles/v2/spinner"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"meridian/pkg/protocol"
)

// What the line says, step by step, without its colors.
func TestProgressView(t *testing.T) {
	t.Parallel()
	w := &watch{}
	v := newProgressView(w, "waiting for my-coordinator")
	v.start = time.Unix(0, 0)
	tick := func(after time.Duration) {
		// Whatever its tag, the view takes the time from it.
		_, _ = v.Update(spinner.TickMsg{ID: v.spinner.ID(), Time: v.start.Add(after)})
	}

	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"nothing known", func() { tick(400 * time.Millisecond) }, "⠙ waiting for my-coordinator  0.4 s"},
		{"one settled", func() {
			w.event(protocol.Event{Type: protocol.EventRunStarted, Started: &protocol.RunStarted{Regions: 3}})
			settle(w, protocol.StatusSucceeded)
			tick(1250 * time.Millisecond)
		}, "⠹ 1 of 3 Regions  ━━━━━━━━────────────────  1.2 s"},
		{"one failed", func() {
			settle(w, protocol.StatusTimedOut)
		}, "⠹ 2 of 3 Regions  ━━━━━━━━━━━━━━━━────────  1.2 s  1 failed"},
		{"all settled", func() {
			settle(w, protocol.StatusSkipped)
		}, "⠹ 3 of 3 Regions  ━━━━━━━━━━━━━━━━━━━━━━━━  1.2 s  1 failed"},
		{"narrow", func() { _, _ = v.Update(tea.WindowSizeMsg{Width: 20}) }, "⠹ 3 of 3 Regions  …"},
		{"over", func() { _, _ = v.Update(endedMsg{}) }, ""},
	} {
		step.do()
		if got := ansi.Strip(v.View().Content); got != step.want {
			t.Errorf("%s: View() = %q, want %q", step.name, got, step.want)
		}
	}
}

// settle sends w the event of a Region that has settled.
func settle(w *watch, s protocol.Status) {
	w.event(protocol.Event{Type: protocol.EventRegionSettled, Outcome: &protocol.RegionOutcome{Status: s}})
}

// Without a terminal a watch writes nothing, but takes events and can be stopped.
func TestWatchWithoutTerminal(t *testing.T) {
	t.Parallel()
	c := &cli{stderr: brokenWriter{t}, env: []string{"TERM=xterm"}}
	w := c.watch(t.Context(), "running", false)
	settle(w, protocol.StatusSucceeded)
	w.stop()
}

// A brokenWriter is one that nothing should be written to.
type brokenWriter struct{ t *testing.T }

func (w brokenWriter) Write(p []byte) (int, error) {
	w.t.Errorf("something was written: %q", p)
	return 0, errors.ErrUnsupported
}

var _ io.Writer = brokenWriter{}
