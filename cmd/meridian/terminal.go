package main

import (
	"io"
	"strings"
	"unicode"

	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/term"
)

// lookup returns a variable of the environment, or "". Of several it is the
// last, as for a process.
func (c *cli) lookup(name string) string {
	value := ""
	for _, entry := range c.env {
		if rest, ok := strings.CutPrefix(entry, name+"="); ok {
			value = rest
		}
	}
	return value
}

// isTerminal says whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(term.File)
	return ok && term.IsTerminal(f.Fd())
}

// width returns how many cells a line of w has, or 0 when w is no terminal or
// does not tell.
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

// colorful says whether to write colors to w: to a terminal that has them,
// unless NO_COLOR asks for none (https://no-color.org).
func (c *cli) colorful(w io.Writer) bool {
	return isTerminal(w) && c.lookup("NO_COLOR") == "" && colorprofile.Env(c.env) >= colorprofile.ANSI
}

// live says whether w is a terminal that can be drawn on again and again.
func (c *cli) live(w io.Writer) bool {
	return isTerminal(w) && c.lookup("TERM") != "" && c.lookup("TERM") != "dumb"
}

// printable makes what a terminal would act on visible, but for line ends.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsGraphic(r) {
			return r
		}
		return '·'
	}, text)
}
