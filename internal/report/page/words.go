package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"meridian/internal/report"
	"meridian/pkg/protocol"
)

// ranks are the statuses in the order of a page: what failed first.
//
//nolint:gochecknoglobals // a constant
var ranks = []protocol.Status{
	protocol.StatusFailed, protocol.StatusTimedOut, protocol.StatusAborted, protocol.StatusRunning, protocol.StatusNotStarted,
	protocol.StatusSucceeded, protocol.StatusSkipped,
}

// worstFirst compares outcomes: what failed comes first, then what took longest.
func worstFirst(a, b protocol.Status, aMs, bMs float64) int {
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(bMs, aMs))
}

// rank returns the place of a status. One that is not known, of a newer coordinator, is the first.
func rank(s protocol.Status) int { return slices.Index(ranks, s) }

// class returns the class of a status in page.css.
func class(s protocol.Status) string {
	if rank(s) < 0 {
		return "s-other"
	}
	return "s-" + strings.ToLower(strings.ReplaceAll(string(s), "_", "-"))
}

// marks are the signs of the statuses, which need no color.
//
//nolint:gochecknoglobals // a constant
var marks = map[protocol.Status]string{
	protocol.StatusSucceeded:  "✓",
	protocol.StatusFailed:     "✕",
	protocol.StatusTimedOut:   "◷",
	protocol.StatusAborted:    "⊘",
	protocol.StatusNotStarted: "○",
	protocol.StatusSkipped:    "–",
	protocol.StatusRunning:    "…",
}

// mark returns the sign of a status.
func mark(s protocol.Status) string { return cmp.Or(marks[s], "?") }

// words returns a status in words.
func words(s protocol.Status) string {
	return report.Clean(strings.ToLower(strings.ReplaceAll(string(s), "_", " ")))
}

// count formats a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return plain(n) + " " + many
}

// plain formats a number with a comma before each three digits.
func plain(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// span formats a time for a person, in a unit that suits it.
func span(ms float64) string {
	d := protocol.Duration(ms)
	switch {
	case ms < 9.95:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 999.5:
		return fmt.Sprintf("%.0f ms", ms)
	case d < time.Minute:
		return fmt.Sprintf("%.2f s", ms/1000)
	}
	return d.Round(time.Second).String()
}

// when formats a time of day.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// cleaned returns texts that are safe to show.
func cleaned(texts []string) []string {
	safe := make([]string, len(texts))
	for i, text := range texts {
		safe[i] = report.Clean(text)
	}
	return safe
}
