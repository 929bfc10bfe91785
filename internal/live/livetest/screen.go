//go:build linux || darwin

// Package livetest has a pseudo-terminal for tests, and what a person sees on it.
package livetest

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// patience is how long a test waits for the screen, on a machine that is busy.
const patience = 30 * time.Second

// A Screen is what a person sees on a pseudo-terminal.
type Screen struct {
	// Terminal is the side of a program. Other is that of the person: what is written to it is
	// typed.
	Terminal, Other *os.File

	changed chan struct{}
	closed  chan struct{}

	mu       sync.Mutex
	emulator *vt.Emulator
	written  bytes.Buffer
}

// Open opens a pseudo-terminal. The test is skipped where there is none.
func Open(t *testing.T, width, height int) *Screen {
	t.Helper()
	other, terminal, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	s := &Screen{
		Terminal: terminal, Other: other, changed: make(chan struct{}, 1), closed: make(chan struct{}),
		emulator: vt.NewEmulator(width, height),
	}
	s.Resize(t, width, height)
	go s.read()
	return s
}

// read draws what is written to the terminal, until that is closed.
func (s *Screen) read() {
	defer close(s.closed)
	buffer := make([]byte, 1<<16)
	for {
		n, err := s.Other.Read(buffer)
		s.mu.Lock()
		_, _ = s.emulator.Write(buffer[:n])
		_, _ = s.written.Write(buffer[:n])
		s.mu.Unlock()
		select {
		case s.changed <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// Resize changes the size. The kernel sends SIGWINCH to the processes on the terminal.
func (s *Screen) Resize(t *testing.T, width, height int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emulator.Resize(width, height)
	if err := pty.Setsize(s.Terminal, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		t.Fatal(err)
	}
}

// Text returns the lines of the screen, without the blanks at their ends, and the empty lines at
// its end.
func (s *Screen) Text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for line := range strings.SplitSeq(s.emulator.String(), "\n") {
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// Scrolled returns the first line that has left the screen at its top, or "" if none has.
func (s *Screen) Scrolled() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.emulator.ScrollbackLen() == 0 {
		return ""
	}
	return strings.TrimRight(s.emulator.Scrollback().Line(0).String(), " ")
}

// Wait waits until fault finds nothing wrong with the text of the screen. fault returns what is
// wrong with it, or "".
func (s *Screen) Wait(t *testing.T, fault func(text string) string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		text := s.Text()
		wrong := fault(text)
		if wrong == "" {
			return
		}
		select {
		case <-s.changed:
		case <-deadline:
			t.Fatalf("the screen is not as wanted after %v: %s\n%s", patience, wrong, text)
		}
	}
}

// Close closes the terminal. It returns all that was written to it, and whether the cursor is
// hidden and in which line it is, from 0.
func (s *Screen) Close(t *testing.T) (written string, hidden bool, line int) {
	t.Helper()
	_ = s.Terminal.Close() // a test may have done it
	select {
	case <-s.closed:
	case <-time.After(patience):
		t.Fatal("a process still has the terminal")
	}
	_ = s.Other.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written.String(), s.emulator.CursorHidden(), s.emulator.CursorPosition().Y
}
