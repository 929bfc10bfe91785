package report

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"meridian/pkg/protocol"
)

// leastSpeedup is the smallest speed-up that is printed: less is not noticeable.
const leastSpeedup = 1.1

// writeSummary writes the counts of the run, and its notes.
func writeSummary(b *strings.Builder, r protocol.Result, o Options, p palette) {
	s := r.Summary
	tolerated := r.Status == protocol.StatusSucceeded
	parts := []string{tally(s.Regions, "Region", "Regions", tolerated)}
	if s.Accounts != nil {
		parts = []string{tally(*s.Accounts, "account", "accounts", tolerated), tally(s.Regions, "Region in it", "Regions in them", tolerated)}
	}
	if s.Targets.Total != s.Regions.Total {
		parts = append(parts, tally(s.Targets, "target", "targets", false))
	}
	if s.Accounts != nil && len(r.Lookups) > 0 { // the outcomes of the accounts have the errors
		var lookups protocol.Counts
		for _, l := range r.Lookups {
			lookups.Add(l.Status)
		}
		parts = append(parts, tally(lookups, "look-up", "look-ups", false))
	}
	if s.Retries > 0 {
		parts = append(parts, count(s.Retries, "retry", "retries"))
	}
	if s.Hedges > 0 {
		parts = append(parts, count(s.Hedges, "hedge", "hedges"))
	}
	if s.Throttled > 0 {
		part := "throttled " + count(s.Throttled, "time", "times")
		if s.Concurrency > 0 {
			part += fmt.Sprintf(", settled at %s at once", count(s.Concurrency, "invocation", "invocations"))
		}
		parts = append(parts, part)
	}
	if s.TargetRetries > s.Retries { // a retry of an invocation also retries its targets
		parts = append(parts, count(s.TargetRetries, "retry of a target", "retries of targets"))
	}
	if carried := generations(r); carried != "" {
		parts = append(parts, carried)
	}
	if s.Speedup >= leastSpeedup {
		parts = append(parts, fmt.Sprintf("%.1f times as fast as one after the other (%s)",
			s.Speedup, span(s.SerialMs)))
	}
	b.WriteString(paragraph(strings.Join(parts, "; "), o.Width, lipgloss.NewStyle()))
	writeNotes(b, withoutShown(r), o, p)
}

// writeNotes writes the cost of the run, hints and notices, and the error if it did not
// succeed.
func writeNotes(b *strings.Builder, r protocol.Result, o Options, p palette) {
	width := o.Width
	if line := costLine(r.Summary.Cost); line != "" {
		b.WriteString(paragraph(clean(line), width, lipgloss.NewStyle()))
	}
	for _, hint := range hints(r, o.Next) {
		b.WriteString(paragraph("hint: "+clean(hint), width, p.quiet))
	}
	writePolicies(b, r, width, p)
	for _, notice := range r.Notices {
		b.WriteString(paragraph("note: "+clean(notice), width, p.quiet))
	}
	if r.Status != protocol.StatusSucceeded {
		line := clean(string(r.Status))
		if why := cmp.Or(clean(reason(r.Error, r.Cause)), whileRunning(r)); why != "" {
			line += "  " + why
		}
		b.WriteString(paragraph(line, width, p.status[r.Status]))
	}
}

// Notes returns what the outcomes of a result do not say, a line each: its cost, hints, trust policies
// and notices, and why it did not succeed. See [Options].Next for next.
func Notes(r protocol.Result, next string) []string {
	var b strings.Builder
	writeNotes(&b, withoutShown(r), Options{Next: next}, palette{})
	return strings.FieldsFunc(b.String(), func(r rune) bool { return r == '\n' })
}

// tally formats how many items succeeded, and the statuses of the others.
func tally(c protocol.Counts, one, many string, tolerated bool) string {
	parts := []string{fmt.Sprintf("%d of %s succeeded", c.Succeeded, count(c.Total, one, many))}
	return strings.Join(append(parts, others(c, tolerated)...), ", ")
}

// others formats how many items have each status but SUCCEEDED.
func others(c protocol.Counts, tolerated bool) (parts []string) {
	for _, s := range protocol.Statuses()[1:] {
		n := c.Of(s)
		if n == 0 {
			continue
		}
		part := inWords(n, s)
		if tolerated && s.IsFailure() {
			part += " (tolerated)"
		}
		parts = append(parts, part)
	}
	return parts
}

// inWords formats how many items have a status, as in "2 timed out".
func inWords(n int, s protocol.Status) string {
	return fmt.Sprintf("%d %s", n, strings.ToLower(strings.ReplaceAll(string(s), "_", " ")))
}

// count formats a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// span formats a duration to the millisecond, from ten minutes on to the second.
func span(ms float64) string {
	d := protocol.Duration(ms)
	if d >= 10*time.Minute {
		return d.Round(time.Second).String()
	}
	return seconds(ms)
}
