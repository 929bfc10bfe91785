package protocol

import (
	"strings"
	"unicode/utf8"
)

// Cause returns the text of err as it crosses the wire: valid UTF-8, cut to
// MaxCauseBytes. Nil gives "".
func Cause(err error) string {
	if err == nil {
		return ""
	}
	return CutCause(err.Error())
}

// CutCause returns text as a cause crosses the wire: valid UTF-8, cut to
// MaxCauseBytes at the end of a character.
func CutCause(text string) string { return cut(text, MaxCauseBytes) }

// CutErrorName returns an error's name as a result has it: valid UTF-8, cut to
// MaxErrorNameBytes at the end of a character.
func CutErrorName(name string) string { return cut(name, MaxErrorNameBytes) }

// cut makes a text valid UTF-8 and cuts it to so many bytes, which are at least
// those of an ellipsis.
func cut(text string, most int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= most {
		return text
	}
	const ellipsis = "…"
	text = text[:most-len(ellipsis)]
	for !utf8.ValidString(text) {
		text = text[:len(text)-1]
	}
	return text + ellipsis
}
