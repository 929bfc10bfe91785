//go:build linux || darwin

package live_test

import (
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/colorprofile"
	"github.com/google/go-cmp/cmp"

	"meridian/internal/live"
	"meridian/internal/live/livetest"
)

// shows waits until the screen shows a text, which may change with the time.
func shows(t *testing.T, s *livetest.Screen, want func() string) {
	t.Helper()
	s.Wait(t, func(text string) string { return cmp.Diff(want(), text) })
}

// On a terminal of each size, and resized in between, the screen has the frame of that size,
// which TestFrames compares with a golden file, and nothing of the one before. At the end the
// view is gone: what was there before it is still there, and what comes next takes its place.
// A frame of the old size may be drawn on a screen that has just become lower: the terminal then
// keeps what was there before above the screen.
func TestDrawOnATerminal(t *testing.T) {
	t.Parallel()
	screen := livetest.Open(t, 80, 24)
	s := many(time.Now())
	_, _ = io.WriteString(screen.Terminal, "before\r\n")
	stop := live.Draw(t.Context(), s.State, live.Terminal{Output: screen.Terminal, Env: []string{"TERM=xterm-256color"}, Profile: colorprofile.ANSI})
	before := func() string {
		if screen.Scrolled() == "before" {
			return ""
		}
		return "before\n"
	}
	for _, size := range append(sizes(), sizes()[0], sizes()[2], sizes()[1]) {
		screen.Resize(t, size.width, size.height)
		if err := syscall.Kill(os.Getpid(), syscall.SIGWINCH); err != nil { // it is not the terminal of this process
			t.Fatal(err)
		}
		shows(t, screen, func() string { return before() + live.Frame(s.State, time.Now(), size.width, size.height) })
	}
	stop()
	_, _ = io.WriteString(screen.Terminal, "after\r\n")
	shows(t, screen, func() string { return before() + "after" })
	last := 1 + strings.Count(before(), "\n")
	written, hidden, line := screen.Close(t)
	if hidden || line != last || strings.LastIndex(written, "\x1b[?25l") > strings.LastIndex(written, "\x1b[?25h") {
		t.Errorf("after the end the cursor is in line %d, hidden: %v", line, hidden)
	}
	for _, sequence := range []string{"\x1b[?1049", "\x1b[?2004", "\x1b[?u", "\x1b[c", "\x1b[6n", "$p", " q", "\x1b]"} {
		if strings.Contains(written, sequence) {
			t.Errorf("%q is written: it changes the terminal, or asks it for an answer that is never read", sequence)
		}
	}
}

// A terminal that becomes narrower may get frames of the old width before the view knows the new one.
// They leave nothing behind either.
func TestDrawOnATerminalThatBecomesNarrower(t *testing.T) {
	t.Parallel()
	screen := livetest.Open(t, 200, 24)
	s := &script{State: live.New(live.Settings{}), at: time.Since(begin())}
	s.run(2, 0)
	s.start(1, "", "eu-west-1")
	stop := live.Draw(t.Context(), s.State, live.Terminal{Output: screen.Terminal, Env: []string{"TERM=xterm", "NO_COLOR=1"}, Profile: colorprofile.ASCII})
	running := func(text string) string {
		if strings.Contains(text, "eu-west-1") {
			return ""
		}
		return "want the Region that runs"
	}
	screen.Wait(t, running)
	screen.Resize(t, 40, 24) // without its signal: it is not the terminal of this process
	for range 3 {
		last := screen.Text()
		screen.Wait(t, func(text string) string {
			if text == last {
				return "want another frame"
			}
			return ""
		})
	}
	stop()
	_, _ = io.WriteString(screen.Terminal, "after\r\n")
	shows(t, screen, func() string { return "after" })
	if written, _, _ := screen.Close(t); strings.LastIndex(written, "\x1b[?7h") < strings.LastIndex(written, "\x1b[?7l") {
		t.Errorf("the terminal does not wrap lines at the end: %q", written)
	}
}

// Without colors, nothing is written that sets one.
func TestDrawWithoutColors(t *testing.T) {
	t.Parallel()
	screen := livetest.Open(t, 80, 24)
	s := many(time.Now())
	stop := live.Draw(t.Context(), s.State, live.Terminal{Output: screen.Terminal, Env: []string{"TERM=xterm", "NO_COLOR=1"}, Profile: colorprofile.ASCII})
	shows(t, screen, func() string { return live.Frame(s.State, time.Now(), 80, 24) })
	stop()
	if written, _, _ := screen.Close(t); strings.Contains(written, "\x1b[3") || strings.Contains(written, "\x1b[9") || strings.Contains(written, ";3") {
		t.Errorf("a color is written: %q", written)
	}
}
