package report

import (
	"strings"
	"unicode"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// clean makes text that came from outside fit for one line of a terminal: white
// space becomes a blank, and what is not shown, escape sequences first of all,
// becomes a dot.
func clean(text string) string {
	const zeroWidthJoiner = '\u200d' // holds an emoji together
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsGraphic(r), r == zeroWidthJoiner:
			return r
		}
		return '·'
	}, strings.ToValidUTF8(strings.TrimSpace(text), "\uFFFD"))
}

// cut shortens text to width cells, with an ellipsis where it stops. A width of
// 0 means any.
func cut(text string, width int) string {
	if width <= 0 {
		return text
	}
	return ansi.Truncate(text, width, "…")
}

// paragraph breaks text into lines of at most width cells, between words where
// it can, and gives each the style. A width of 0 means any.
func paragraph(text string, width int, style lipgloss.Style) string {
	if width > 0 {
		text = ansi.Wrap(text, width, " ")
	}
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") { // Render would fill up all lines to the longest
		b.WriteString(style.Render(line) + "\n")
	}
	return b.String()
}
