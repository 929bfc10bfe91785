package main

import (
	"fmt"
	"io"
	"sync"
)

// notes are lines for standard error that wait while a view is drawn there.
type notes struct {
	mu      sync.Mutex
	drawn   bool
	waiting string
}

// note writes a line to standard error, or has it wait. There is nowhere to report an error of it.
func (c *cli) note(format string, args ...any) {
	c.notes.mu.Lock()
	defer c.notes.mu.Unlock()
	c.notes.waiting += printable("note: " + fmt.Sprintf(format, args...) + "\n")
	c.writeNotes()
}

// draw has notes wait from now on, or no longer.
func (c *cli) draw(drawn bool) {
	c.notes.mu.Lock()
	defer c.notes.mu.Unlock()
	c.notes.drawn = drawn
	c.writeNotes()
}

func (c *cli) writeNotes() {
	if !c.notes.drawn && c.notes.waiting != "" {
		_, _ = io.WriteString(c.stderr, c.notes.waiting)
		c.notes.waiting = ""
	}
}
