package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
)

// safe reports whether a terminal shows r as it is. Others are control characters, of C0
// and C1, and characters without a shape, such as those that reverse the direction of text.
func safe(r rune) bool { return r == '\n' || r == '\t' || unicode.IsGraphic(r) }

// printable replaces every character that a terminal would interpret by a dot, except
// line ends and tabs.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if safe(r) {
			return r
		}
		return '·'
	}, text)
}

// A printableWriter writes printable text.
type printableWriter struct{ w io.Writer }

// Write implements io.Writer.
func (p printableWriter) Write(text []byte) (int, error) {
	if _, err := io.WriteString(p.w, printable(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}

// An escapedWriter writes JSON of the same value, in which the characters that a terminal
// would interpret are escaped. encoding/json escapes only those below U+0020. Each write
// must end at the end of a character.
type escapedWriter struct{ w io.Writer }

// Write implements io.Writer.
func (e escapedWriter) Write(text []byte) (int, error) {
	var b strings.Builder
	b.Grow(len(text))
	for _, r := range string(text) { // a character that is not safe can only be inside a string
		switch high, low := utf16.EncodeRune(r); {
		case safe(r) && r != unicode.ReplacementChar:
			b.WriteRune(r)
		case high != unicode.ReplacementChar:
			_, _ = fmt.Fprintf(&b, `\u%04x\u%04x`, high, low) // a strings.Builder has no errors
		default:
			_, _ = fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	if _, err := io.WriteString(e.w, b.String()); err != nil {
		return 0, err
	}
	return len(text), nil
}
