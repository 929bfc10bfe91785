package live

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"meridian/pkg/protocol"
)

// columns are the widths of the columns of rows. A narrow terminal has no names of phases, only
// the ends of the numbers of accounts, and the error of a failure in the place of its time.
type columns struct {
	width, place, time int
	narrow, causes     bool
}

// shortestNote is how many cells a note gets at least. With less room it says nothing.
const shortestNote = 6

// columnsOf returns the columns for rows.
func columnsOf(width int, shown [phases][]*row) columns {
	c := columns{width: width, narrow: width < wide, causes: width >= widest}
	for _, rows := range shown {
		for _, r := range rows {
			c.place = max(c.place, ansi.StringWidth(r.text(c.narrow)))
			c.time = max(c.time, ansi.StringWidth(r.timeText()))
		}
	}
	c.place = min(c.place, width/2)
	return c
}

// line draws a row.
func (c columns) line(r *row) string {
	var b strings.Builder
	head := r.mark()
	if !c.narrow {
		head += " " + left(r.label(), 11)
	}
	b.WriteString(r.style().Render(head) + " ")
	b.WriteString(left(r.text(c.narrow), c.place))
	if !c.narrow || r.phase != failed {
		b.WriteString("  " + strings.Repeat(" ", max(0, c.time-ansi.StringWidth(r.timeText()))) + r.timeText())
	}
	if note := r.note(c.causes); note != "" && ansi.StringWidth(b.String())+2+shortestNote <= c.width {
		b.WriteString("  " + note)
	}
	return b.String()
}

// left cuts text to a width, or fills it up with blanks.
func left(text string, width int) string {
	text = ansi.Truncate(text, width, "…")
	return text + strings.Repeat(" ", width-ansi.StringWidth(text))
}

// text returns the account, or the end of its number, and the Region.
func (p place) text(narrow bool) string {
	const digits = 12
	account := p.account
	if narrow && len(account) == digits {
		account = "…" + account[digits-4:]
	}
	return clean(strings.TrimSpace(account + " " + p.region))
}

// label returns what a row is doing, in words.
func (r *row) label() string {
	switch r.phase {
	case failed, done:
		return labelOf(r.status)
	default:
		return r.String()
	}
}

// timeText returns how long a row took, has taken, or waits.
func (r *row) timeText() string {
	if r.phase != retrying {
		return duration(r.time)
	}
	if r.due {
		return "due"
	}
	return "in " + duration(r.time)
}

// note returns what else there is to say of a row.
func (r *row) note(causes bool) string {
	var parts []string
	switch r.phase {
	case running:
		if r.hedged {
			parts = append(parts, "hedged")
		} else if r.attempts > 1 {
			parts = append(parts, fmt.Sprintf("%d invocations", r.attempts))
		}
		if r.error != "" {
			parts = append(parts, "after "+r.error)
		}
	case failed, retrying:
		parts = append(parts, r.error)
	case waiting, done:
	}
	note := strings.Join(parts, ", ")
	if causes && r.phase == failed && r.cause != "" {
		note += ": " + r.cause
	}
	return clean(note)
}

// statuses returns the statuses of what is done, in the order of their counts.
func statuses() []protocol.Status {
	return []protocol.Status{protocol.StatusSucceeded, protocol.StatusSkipped, protocol.StatusAborted, protocol.StatusNotStarted}
}

// labelOf returns a status in words.
func labelOf(s protocol.Status) string {
	return strings.ToLower(strings.ReplaceAll(clean(string(s)), "_", " "))
}

// String returns the name of the phase.
func (ph phase) String() string {
	return [...]string{"failed", "retrying", "running", "waiting", "done"}[ph]
}

// mark returns a character that tells the phases apart without colors.
func (ph phase) mark() string {
	return [...]string{"✗", "↻", "▸", " ", "✓"}[ph]
}

// style returns the color of a phase.
func (ph phase) style() lipgloss.Style {
	style := lipgloss.NewStyle()
	switch ph {
	case failed:
		return style.Foreground(lipgloss.Red)
	case retrying:
		return style.Foreground(lipgloss.Yellow)
	case running:
		return style.Foreground(lipgloss.Cyan)
	case done:
		return style.Foreground(lipgloss.Green)
	case waiting:
	}
	return style
}

// mark returns the mark of the phase, or "-" for a row that is done and did not succeed.
func (r *row) mark() string {
	if r.phase == done && r.status != protocol.StatusSucceeded {
		return "-"
	}
	return r.phase.mark()
}

// duration returns a duration for a person.
func duration(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Truncate(time.Second/10).Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%d h %02d min", d/time.Hour, d%time.Hour/time.Minute)
}

// count returns a number of things.
func count(n int, noun string) string { return plural(n, noun, noun+"s") }

func plural(n int, one, many string) string {
	if n == 1 {
		many = one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// clean makes text from outside safe for one line of a terminal: white space becomes a blank,
// and a character that is not graphic, such as one that starts an escape sequence, a dot.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsGraphic(r):
			return r
		}
		return '·'
	}, strings.ToValidUTF8(text, "\uFFFD"))
}
