package protocol

import (
	"context"
	"strings"
	"unicode/utf8"
)

// Cause returns the text of err as a message carries it: valid UTF-8 of at most
// MaxCauseBytes. Nil gives "".
func Cause(err error) string {
	if err == nil {
		return ""
	}
	return CutCause(err.Error())
}

// CutCause returns text as a message carries a cause: valid UTF-8 of at most
// MaxCauseBytes, cut at the end of a character. What package context says of an ended
// context is replaced with words for people.
func CutCause(text string) string {
	text = strings.ReplaceAll(text, context.DeadlineExceeded.Error(), "timed out")
	return cut(strings.ReplaceAll(text, context.Canceled.Error(), "cancelled"), MaxCauseBytes)
}

// CutErrorName returns an error name as a message carries it: valid UTF-8 of at most
// MaxErrorNameBytes, cut at the end of a character.
func CutErrorName(name string) string { return cut(name, MaxErrorNameBytes) }

// cut makes text valid UTF-8 and cuts it to limit bytes, which must be enough for an
// ellipsis.
func cut(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= limit {
		return text
	}
	const ellipsis = "…"
	text = text[:limit-len(ellipsis)]
	for !utf8.ValidString(text) {
		text = text[:len(text)-1]
	}
	return text + ellipsis
}
