package cold

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"meridian/bench/figure"
)

// A part is a part of a start, in milliseconds. A function that does not call Lambda
// has none of some parts: those take less than 0.
type part struct {
	name string
	took func(m *measurement) float64
}

// parts returns the parts in their order. Together they are the whole start, except
// for the last one, which runs beside the others.
func parts() []part {
	calls := func(m *measurement) bool { return !m.dialled.IsZero() }
	span := func(from, to time.Time, there bool) float64 {
		if !there {
			return -1
		}
		return between(from, to)
	}
	return []part{
		{"exec, until Go's runtime runs", func(m *measurement) float64 { return between(m.began, m.inits.first) }},
		{"the packages' inits", func(m *measurement) float64 { return m.inits.sum() }},
		{"main, until it dials Lambda: settings, configuration", func(m *measurement) float64 {
			return span(m.inits.last, m.dialled, calls(m))
		}},
		{"the rest of main, until it asks for an invocation", func(m *measurement) float64 {
			if calls(m) {
				return between(m.dialled, m.asked)
			}
			return between(m.inits.last, m.asked)
		}},
		{"the invocation, until it calls a worker", func(m *measurement) float64 { return span(m.given, m.called, calls(m)) }},
		{"the workers' calls", func(m *measurement) float64 { return span(m.called, m.served, calls(m)) }},
		{"until the answer is read", func(m *measurement) float64 {
			if calls(m) {
				return between(m.served, m.answered)
			}
			return between(m.given, m.answered)
		}},
		{"beside these: opening the connection", func(m *measurement) float64 { return span(m.dialled, m.connected, calls(m)) }},
	}
}

// writeParts writes what the parts of a start take.
func (t table) writeParts(w io.Writer) {
	_, _ = fmt.Fprint(w, "\n### The parts, on a whole core\n")
	columns := []string{"part"}
	for _, row := range t.rows {
		columns = append(columns, row.name)
	}
	out := figure.NewTable("parts", columns...)
	for _, p := range parts() {
		cells := []string{p.name}
		for _, row := range t.rows {
			cell := ""
			if took := row.median(p.took); took >= 0 {
				cell = fmt.Sprintf("%.2f ms", took)
			}
			cells = append(cells, cell)
		}
		out.Add("%s", strings.Join(cells, " | "))
	}
	out.Write(w)
	out = figure.NewTable("inits", "function", "packages with an init", "the longest")
	for _, row := range t.rows {
		longest := row.longestInits()
		names := make([]string, min(6, len(longest)))
		for i := range names {
			names[i] = fmt.Sprintf("%s %.2f ms", longest[i].name, longest[i].ms)
		}
		out.Add("%s | %d | %s", row.name, len(longest), strings.Join(names, ", "))
	}
	out.Write(w)
}

// An initOf is what the init of a package takes.
type initOf struct {
	name string
	ms   float64
}

// longestInits returns the inits of the packages, the longest first.
func (s series) longestInits() (all []initOf) {
	for name := range maps.Keys(s.runs[0].inits.ms) {
		all = append(all, initOf{name, s.median(func(m *measurement) float64 { return m.inits.ms[name] })})
	}
	slices.SortFunc(all, func(a, b initOf) int {
		return cmp.Or(cmp.Compare(b.ms, a.ms), strings.Compare(a.name, b.name))
	})
	return all
}
