package protocol_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"meridian/pkg/protocol"

	"pgregory.net/rapid"
)

// A cause is cut at the end of a character, and says so.
func TestCutCause(t *testing.T) {
	t.Parallel()
	const most = protocol.MaxCauseBytes
	tests := []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"short", "dial: refused\nagain", "dial: refused\nagain"},
		{"not UTF-8", "a\xff\xfeb", "a\ufffdb"},
		{"just as long", strings.Repeat("x", most), strings.Repeat("x", most)},
		{"a byte longer", strings.Repeat("x", most+1), strings.Repeat("x", most-3) + "…"},
		{"cut at the end of a character", strings.Repeat("é", most), strings.Repeat("é", (most-3)/2) + "…"},
		{"characters of four bytes", "x" + strings.Repeat("😀", most), "x" + strings.Repeat("😀", (most-4)/4) + "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := protocol.CutCause(tt.text); got != tt.want {
				t.Errorf("CutCause(%.40q…) = %d bytes %.40q…, want %d bytes", tt.text, len(got), got, len(tt.want))
			}
			if got := protocol.Cause(errors.New(tt.text)); got != tt.want {
				t.Errorf("Cause(%.40q…) = %.40q…, want the same as CutCause", tt.text, got)
			}
		})
	}
	if got := protocol.Cause(nil); got != "" {
		t.Errorf("Cause(nil) = %q, want nothing", got)
	}
}

// What package context says of an ended context is replaced with words for people.
func TestACauseHasNoWordsOfPackageContext(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want string
	}{
		{context.Canceled, "cancelled"},
		{context.DeadlineExceeded, "timed out"},
		{fmt.Errorf("dial: %w", context.Canceled), "dial: cancelled"},
		{fmt.Errorf("read: %w; last error: %w", context.DeadlineExceeded, context.Canceled), "read: timed out; last error: cancelled"},
	} {
		if got := protocol.Cause(tt.err); got != tt.want {
			t.Errorf("Cause(%v) = %q, want %q", tt.err, got, tt.want)
		}
		if got := protocol.CutCause(tt.err.Error()); got != tt.want {
			t.Errorf("CutCause(%v) = %q, want %q", tt.err, got, tt.want)
		}
	}
}

// A cause is valid UTF-8 of at most MaxCauseBytes, and cutting it again changes
// nothing.
func TestCauseIsValidAndShort(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOfN(rapid.Byte(), 0, 1500).Draw(t, "text"))
		got := protocol.CutCause(text)
		if !utf8.ValidString(got) || len(got) > protocol.MaxCauseBytes || protocol.CutCause(got) != got {
			t.Errorf("CutCause(%q) = %q, want valid UTF-8 of at most %d bytes", text, got, protocol.MaxCauseBytes)
		}
	})
}

// An error's name is cut as a cause is, to MaxErrorNameBytes.
func TestCutErrorName(t *testing.T) {
	t.Parallel()
	const most = protocol.MaxErrorNameBytes
	for text, want := range map[string]string{
		"": "", protocol.ErrorTaskFailed: protocol.ErrorTaskFailed, "a\xff": "a\ufffd",
		strings.Repeat("x", most):   strings.Repeat("x", most),
		strings.Repeat("x", most+1): strings.Repeat("x", most-3) + "…",
		strings.Repeat("é", most):   strings.Repeat("é", (most-3)/2) + "…",
	} {
		if got := protocol.CutErrorName(text); got != want {
			t.Errorf("CutErrorName(%.20q…) = %q, want %q", text, got, want)
		}
	}
}
