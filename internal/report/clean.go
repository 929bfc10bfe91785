package report

import (
	"strings"
	"unicode"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// clean makes text from outside safe for one line of a terminal: white space becomes
// a blank and a character that is not graphic, such as the one that starts an escape
// sequence, becomes a dot.
func clean(text string) string {
	return graphic(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, strings.TrimSpace(text)))
}

// Clean makes text from outside safe to show on one line: white space becomes a blank, and a
// character that is not graphic a dot.
func Clean(text string) string { return clean(text) }

// graphic makes text from outside safe for a terminal, and keeps its blanks, tabs and
// line ends.
func graphic(text string) string {
	const zeroWidthJoiner = '\u200d' // joins the parts of an emoji
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) || r == '\n' || r == '\t' || r == zeroWidthJoiner {
			return r
		}
		return '·'
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// cut shortens text to width cells, with an ellipsis at the end. A width of 0 means
// no limit.
func cut(text string, width int) string {
	if width <= 0 || len(text) <= width { // no character has more cells than bytes
		return text
	}
	return ansi.Truncate(text, width, "…")
}

// paragraph wraps text at width cells, between words where possible, and styles each
// line. A width of 0 means no limit.
func paragraph(text string, width int, style lipgloss.Style) string {
	if width > 0 {
		text = ansi.Wrap(text, width, " ")
	}
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") { // Render would pad all lines to the longest
		b.WriteString(style.Render(line) + "\n")
	}
	return b.String()
}
