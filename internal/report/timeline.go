package report

import (
	"math"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"meridian/pkg/protocol"
)

// A timeline draws the attempts of a Region in the course of the run: a line for each
// attempt and dots for the waits between them. A cell has two halves, so that 20 cells
// distinguish 40 moments.
type timeline struct {
	cells int
	endMs float64
	p     palette
}

// A half is what half a cell shows. The zero half is blank.
type half struct {
	waiting bool
	status  protocol.Status // of an attempt; empty means that there was no attempt
}

// newTimeline returns a timeline of a run with a number of cells.
func newTimeline(r protocol.Result, cells int, p palette) timeline {
	t := timeline{cells: cells, endMs: r.ElapsedMs, p: p}
	for _, region := range r.Regions {
		t.endMs = max(t.endMs, region.StartMs+region.ElapsedMs)
	}
	return t
}

// axis returns the header: the times at both ends of the line.
func (t timeline) axis() string {
	end := span(t.endMs)
	return "0" + strings.Repeat(" ", max(1, t.cells-1-lipgloss.Width(end))) + end
}

// draw returns the line of one Region.
func (t timeline) draw(r protocol.RegionOutcome) string {
	halves := make([]half, 2*t.cells)
	for _, a := range r.Attempts {
		if a.WaitMs > 0 {
			t.fill(halves, a.StartMs+a.ElapsedMs, a.WaitMs, half{waiting: true})
		}
	}
	for _, a := range r.Attempts {
		t.fill(halves, a.StartMs, a.ElapsedMs, half{status: statusOf(a, r)})
	}
	var b strings.Builder
	run, style := "", lipgloss.NewStyle()
	for i := 0; i < len(halves); i += 2 {
		cell, next := t.cell(halves[i], halves[i+1])
		if i > 0 && next.GetForeground() != style.GetForeground() || next.GetFaint() != style.GetFaint() {
			b.WriteString(style.Render(run))
			run = ""
		}
		run, style = run+cell, next
	}
	b.WriteString(style.Render(run))
	return b.String()
}

// statusOf returns the status of one attempt of a Region.
func statusOf(a protocol.Attempt, r protocol.RegionOutcome) protocol.Status {
	anyFailed := slices.ContainsFunc(r.Attempts, func(a protocol.Attempt) bool { return a.Error != "" })
	switch {
	case a.Error == "" && a.Cause != "" && r.Status == protocol.StatusAborted:
		return r.Status // this attempt was aborted, whether or not others failed
	case a.Error == "" && anyFailed:
		return protocol.StatusSucceeded // another attempt failed
	case a.Error != "" && r.Status == protocol.StatusSucceeded:
		return protocol.StatusFailed // and was retried
	}
	return r.Status
}

// fill sets the halves from startMs on, at least one of them.
func (t timeline) fill(halves []half, startMs, elapsedMs float64, h half) {
	if t.endMs <= 0 {
		return
	}
	scale := float64(len(halves)) / t.endMs
	first := min(max(0, int(math.Floor(startMs*scale))), len(halves)-1)
	last := min(max(first+1, int(math.Round((startMs+elapsedMs)*scale))), len(halves))
	for i := first; i < last; i++ {
		halves[i] = h
	}
}

// cell returns the character and the style of two halves.
func (t timeline) cell(left, right half) (string, lipgloss.Style) {
	switch {
	case left.status != "" && right.status != "":
		return "━", t.p.status[right.status]
	case left.status != "":
		return "╸", t.p.status[left.status]
	case right.status != "":
		return "╺", t.p.status[right.status]
	case left.waiting || right.waiting:
		return "·", t.p.quiet
	}
	return " ", lipgloss.NewStyle()
}
