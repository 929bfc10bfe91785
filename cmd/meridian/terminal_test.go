//go:build linux || darwin

package main

import (
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/live/livetest"
	"meridian/pkg/protocol"
)

// The program draws a run on its terminal, redraws it when that is resized, and leaves only the
// result after Ctrl-C.
func TestRunOnATerminal(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("meridian") // TestMain puts it there
	if err != nil {
		t.Fatal(err)
	}
	screen := livetest.Open(t, 80, 24)
	command := exec.CommandContext(t.Context(), program, "run", "--region", "eu-*", "--task", "sleep", "-p", "seconds=600", "--max-concurrency", "2",
		"--timeout", "1h", "-o", "regions")
	command.Env = []string{"MERIDIAN_STORE=none", "TERM=xterm-256color", "HOME=" + t.TempDir(), "GORACE=atexit_sleep_ms=0"}
	command.Stdin, command.Stdout, command.Stderr = screen.Terminal, screen.Terminal, screen.Terminal
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		width, height int
		row           string
	}{
		{80, 24, "\n▸ running     eu-central-1  "},
		{40, 15, "\n▸ eu-central-1  "},
		{200, 50, "\n▸ running     eu-central-1  "},
		{80, 24, "\n▸ running     eu-central-1  "},
	} {
		screen.Resize(t, tt.width, tt.height)
		screen.Wait(t, func(text string) string {
			if strings.HasPrefix(text, "0 of ") && strings.Contains(text, tt.row) {
				return ""
			}
			return fmt.Sprintf("want the totals, and %q", tt.row)
		})
	}
	if _, err := screen.Other.WriteString("\x03"); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err == nil {
		t.Error("the program that was interrupted succeeds")
	}
	screen.Wait(t, func(text string) string {
		if strings.HasPrefix(text, "That took ") && strings.Contains(text, "\nABORTED  ") && !strings.Contains(text, "▸") {
			return ""
		}
		return "want the result, and only that"
	})
	if _, hidden, _ := screen.Close(t); hidden {
		t.Error("the cursor is hidden at the end")
	}
}

// A note that comes while a run is drawn is written when the view is erased.
func TestNotesWaitForTheView(t *testing.T) {
	t.Parallel()
	screen := livetest.Open(t, 80, 24)
	c := &cli{stderr: screen.Terminal, env: []string{"TERM=xterm", "NO_COLOR=1"}}
	w := c.watch(t.Context(), "running", 0, false)
	contains := func(what string) func(string) string {
		return func(text string) string {
			if strings.HasPrefix(text, what) {
				return ""
			}
			return "want " + what
		}
	}
	screen.Wait(t, contains("running  "))
	c.note("the store is %s", "broken")
	w.event(protocol.Event{Type: protocol.EventRunStarted, Time: time.Now(), Started: &protocol.RunStarted{Regions: 3}})
	screen.Wait(t, contains("0 of 3 Regions"))
	w.stop()
	screen.Wait(t, contains("note: the store is broken"))
	if written, _, _ := screen.Close(t); !strings.HasSuffix(written, "\x1b[Jnote: the store is broken\r\n") {
		t.Errorf("the note is not the last of %q", written)
	}
}

// A terminal that cannot be redrawn gets lines, as a file does.
func TestProgressOnADumbTerminal(t *testing.T) {
	t.Parallel()
	for _, env := range [][]string{{"TERM=dumb"}, {"TERM="}, nil} {
		screen := livetest.Open(t, 80, 24)
		synctest.Test(t, func(t *testing.T) {
			w := (&cli{stderr: screen.Terminal, env: env}).watch(t.Context(), "running", 0, false)
			w.event(protocol.Event{Type: protocol.EventRunStarted, Time: time.Now(), Started: &protocol.RunStarted{Regions: 3}})
			<-time.After(11 * time.Second)
			w.stop()
		})
		_, _ = io.WriteString(screen.Terminal, "end")
		screen.Wait(t, func(text string) string {
			if strings.HasSuffix(text, "end") {
				return ""
			}
			return "want the end"
		})
		written, _, _ := screen.Close(t)
		if want := "10.0 s: 0 of 3 Regions done, 3 still out\r\nend"; written != want {
			t.Errorf("%v: the terminal gets %q, want %q", env, written, want)
		}
	}
}
