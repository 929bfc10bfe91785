package main

import (
	"io"
	"strings"

	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/term"
)

// lookup returns a variable of the environment, or "". The last of several entries
// counts, as for a process.
func (c *cli) lookup(name string) string {
	value := ""
	for _, entry := range c.env {
		if rest, ok := strings.CutPrefix(entry, name+"="); ok {
			value = rest
		}
	}
	return value
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(term.File)
	return ok && term.IsTerminal(f.Fd())
}

// width returns the number of cells of a line of w, or 0 when w is not a terminal
// or its size is unknown.
func width(w io.Writer) int {
	if !isTerminal(w) {
		return 0
	}
	width, _, err := term.GetSize(w.(term.File).Fd())
	if err != nil {
		return 0
	}
	return width
}

// colorful reports whether to write colors to w: it is a terminal that supports
// them, and NO_COLOR (https://no-color.org) is not set.
func (c *cli) colorful(w io.Writer) bool {
	return isTerminal(w) && c.lookup("NO_COLOR") == "" && colorprofile.Env(c.env) >= colorprofile.ANSI
}

// live reports whether w is a terminal that can be redrawn.
func (c *cli) live(w io.Writer) bool {
	return isTerminal(w) && c.lookup("TERM") != "" && c.lookup("TERM") != "dumb"
}
