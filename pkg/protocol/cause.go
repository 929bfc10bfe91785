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
func CutCause(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= MaxCauseBytes {
		return text
	}
	const ellipsis = "…"
	text = text[:MaxCauseBytes-len(ellipsis)]
	for !utf8.ValidString(text) {
		text = text[:len(text)-1]
	}
	return text + ellipsis
}
