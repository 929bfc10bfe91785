package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"meridian/internal/report"
	"meridian/pkg/protocol"
)

// shownLanes is the number of lanes of a timeline: more than a person reads, and few enough for a
// browser.
const shownLanes = 400

// leastBar is the least width of a bar, in percent, so that it is seen.
const leastBar = 0.4

// A timeline has the attempts of a run on one axis.
type timeline struct {
	Lanes  []lane
	Ticks  []tick
	Legend []key
	More   int    // lanes that are left out
	Idle   string // what is cut out of the axis, or ""
}

// A lane is a line of a timeline: a Region, a batch, or hedges.
type lane struct {
	Label  string
	Part   bool
	Status protocol.Status
	End    string
	Says   string // describes the lane to a screen reader
	Bars   []bar
}

// A bar is an attempt, or the wait after it.
type bar struct {
	Class, X, W string
	Cold        string // the width of the cold start that it begins with, or ""
	Title       string
}

// A tick is a mark of the axis. One that is cut out has no time.
type tick struct{ X, Label, Anchor string }

// A key is a bar of the legend.
type key struct{ Class, Name string }

// timelineOf returns the timeline of a result: the Regions with failures first, then the slowest.
func timelineOf(r protocol.Result) timeline {
	axis := report.NewAxis(r)
	t := timeline{Ticks: ticksOf(axis)}
	if axis.IdleMs > 0 {
		t.Idle = span(axis.IdleMs)
	}
	used := map[report.Bar]bool{}
	for _, group := range groupsOf(report.Lanes(r)) {
		for _, l := range group {
			if len(t.Lanes) == shownLanes {
				t.More++
				continue
			}
			t.Lanes = append(t.Lanes, laneOf(l, axis, used))
		}
	}
	for _, b := range report.Bars() {
		if used[b] {
			t.Legend = append(t.Legend, key{barClass(b), b.String()})
		}
	}
	return t
}

// groupsOf returns each lane of a Region with its parts, the failed ones first, then the slowest.
func groupsOf(lanes []report.Lane) [][]report.Lane {
	var groups [][]report.Lane
	for _, l := range lanes {
		if l.Part && len(groups) > 0 {
			groups[len(groups)-1] = append(groups[len(groups)-1], l)
		} else {
			groups = append(groups, []report.Lane{l})
		}
	}
	tookMs := func(group []report.Lane) float64 {
		start, end := math.Inf(1), 0.0
		for _, l := range group {
			for _, p := range l.Pieces {
				start, end = min(start, p.StartMs), max(end, p.StartMs+p.ElapsedMs)
			}
		}
		return max(0, end-start)
	}
	slices.SortStableFunc(groups, func(a, b []report.Lane) int {
		return worstFirst(a[0].Status, b[0].Status, tookMs(a), tookMs(b))
	})
	return groups
}

// laneOf returns a lane with its bars, the waits first and the failures last, so that none hides a
// failure.
func laneOf(l report.Lane, axis report.Axis, used map[report.Bar]bool) lane {
	var waits, bars, failed []bar
	var says []string
	for _, p := range l.Pieces {
		title := fmt.Sprintf("%s at %s, %s", p.Bar, span(p.StartMs), span(p.ElapsedMs))
		b := barAt(axis, p.Bar, p.StartMs, p.ElapsedMs)
		used[p.Bar] = true
		if cold := p.ColdMs(); cold > 0 && p.ElapsedMs > 0 {
			used[report.BarCold] = true
			b.Cold = barAt(axis, report.BarCold, p.StartMs, cold).W
			title += ", cold start " + span(cold)
		}
		if why := report.Clean(reason(p.Error, p.Cause)); why != "" {
			title += ": " + why
		}
		if p.WaitMs > 0 {
			used[report.BarWait] = true
			wait := barAt(axis, report.BarWait, p.StartMs+p.ElapsedMs, p.WaitMs)
			wait.Title = "wait " + span(p.WaitMs)
			waits, title = append(waits, wait), title+", then a wait of "+span(p.WaitMs)
		}
		b.Title = cut(title, shownCause)
		says = append(says, b.Title)
		if p.Bar == report.BarFailed {
			failed = append(failed, b)
		} else {
			bars = append(bars, b)
		}
	}
	const most = 8 // attempts to read out
	if len(says) > most {
		says = append(says[:most], fmt.Sprintf("and %d more attempts", len(says)-most))
	}
	label := strings.TrimSpace(l.Label)
	return lane{
		label, l.Part, l.Status, l.End,
		cmp.Or(strings.Join(says, "; "), "no attempt"), slices.Concat(waits, bars, failed),
	}
}

// barAt returns a bar on an axis.
func barAt(axis report.Axis, b report.Bar, startMs, elapsedMs float64) bar {
	length := max(axis.LengthMs, 1e-3)
	x := 100 * min(max(axis.At(startMs)/length, 0), 1)
	w := max(100*(axis.At(startMs+elapsedMs)-axis.At(startMs))/length, leastBar)
	return bar{Class: barClass(b), X: percent(min(x, 100-leastBar)), W: percent(min(w, 100-min(x, 100-leastBar)))}
}

// barClass returns the class of a bar in page.css.
func barClass(b report.Bar) string { return "b-" + strings.ReplaceAll(b.String(), " ", "-") }

// ticksOf returns marks at round times of an axis, and where something is cut out of it.
func ticksOf(axis report.Axis) []tick {
	const most, leastMs = 6, 1e-6 // a nanosecond
	if axis.LengthMs < leastMs {
		return nil
	}
	step := math.Pow(10, math.Floor(math.Log10(axis.LengthMs/most)))
	for _, times := range []float64{1, 2, 5, 10} {
		if axis.LengthMs/(times*step) <= most {
			step *= times
			break
		}
	}
	var ticks []tick
	for ms := 0.0; ms <= axis.LengthMs; ms += step {
		t := tick{percent(100 * ms / axis.LengthMs), tickLabel(ms), "middle"}
		if ms == 0 {
			t.Anchor = "start"
		} else if ms > 0.97*axis.LengthMs {
			t.Anchor = "end"
		}
		ticks = append(ticks, t)
	}
	for _, g := range axis.Gaps {
		ticks = append(ticks, tick{X: percent(100 * axis.At(g.StartMs) / axis.LengthMs)})
	}
	return ticks
}

// tickLabel formats a round time.
func tickLabel(ms float64) string {
	switch {
	case ms == 0:
		return "0"
	case ms < 1000:
		return fmt.Sprintf("%g ms", math.Round(ms*1e6)/1e6)
	}
	return fmt.Sprintf("%g s", math.Round(ms*1e3)/1e6)
}

// shownCause is the number of characters of a text that appears at a bar or a cell.
const shownCause = 160

// cut shortens a text to a number of characters.
func cut(text string, most int) string {
	if characters := []rune(text); len(characters) > most {
		return string(characters[:most-1]) + "…"
	}
	return text
}
