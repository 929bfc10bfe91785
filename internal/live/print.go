package live

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	// printEvery is the time between two lines.
	printEvery = 10 * time.Second

	// named is how many failures, and how many Regions that are out, a line names.
	named = 3
)

// Print writes a line about a state every ten seconds, until stop is called or ctx ends: what
// is done, what has failed, and what is still out. Call stop once.
func Print(ctx context.Context, s *State, w io.Writer) (stop func()) {
	return until(ctx, func(stopping <-chan struct{}) {
		ticker := time.NewTicker(printEvery)
		defer ticker.Stop()
		for {
			select {
			case <-stopping:
				return
			case now := <-ticker.C:
				p := s.picture(now)
				_, _ = io.WriteString(w, p.sentence()+"\n") // a line that cannot be written is no error of the run
			}
		}
	})
}

// sentence tells the picture in one line.
func (p *picture) sentence() string {
	p.sort()
	if p.regions == 0 {
		return fmt.Sprintf("%s: %s", duration(p.elapsed), p.doing)
	}
	parts := []string{fmt.Sprintf("%s: %d of %s done", duration(p.elapsed), p.settled, count(p.regions, "Region"))}
	if n := len(p.out[failed]); n > 0 {
		parts = append(parts, fmt.Sprintf("%d failed (%s)", n, some(n, p.out[failed])))
	}
	if n := len(p.out[retrying]) + len(p.out[running]) + p.waiting; n > 0 {
		out := fmt.Sprintf("%d still out", n)
		if n > p.waiting {
			out += " (" + some(n, p.out[retrying], p.out[running]) + ")"
		}
		parts = append(parts, out)
	}
	return strings.Join(parts, ", ")
}

// some names a few of n rows.
func some(n int, lists ...[]*row) string {
	var names []string
	for _, rows := range lists {
		for _, r := range rows[:min(len(rows), named-len(names))] {
			names = append(names, r.text(false)+" "+r.short())
		}
	}
	text := strings.Join(names, ", ")
	if n > len(names) {
		text += fmt.Sprintf(" and %d more", n-len(names))
	}
	return text
}

// short says in a word or two what is the matter with a row.
func (r *row) short() string {
	switch r.phase {
	case failed:
		return clean(r.error)
	case retrying:
		return "retries " + r.timeText()
	default:
		return r.timeText()
	}
}
