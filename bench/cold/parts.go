package cold

import (
	"fmt"
	"io"
	"strings"
	"time"

	"meridian/bench/figure"
)

// A part is a part of a start, in milliseconds. A function that does not call Lambda
// has none of some parts: those take -1.
type part struct {
	name string
	took func(m *measurement) float64
}

// parts returns the parts in their order. Together they are the whole start, except
// for the last one, which runs beside the others.
func parts() []part {
	return []part{
		{"exec, until Go's runtime runs", func(m *measurement) float64 { return between(m.began, m.inits.first) }},
		{"the packages' inits", func(m *measurement) float64 { return m.inits.ms }},
		{"main, until it dials Lambda: settings, configuration", func(m *measurement) float64 { return between(m.inits.last, m.dialled) }},
		{"the rest of main, until it asks for an invocation", func(m *measurement) float64 {
			return between(later(m.inits.last, m.dialled), m.asked)
		}},
		{"the invocation, until it calls a worker", func(m *measurement) float64 { return between(m.given, m.called) }},
		{"the workers' calls", func(m *measurement) float64 { return between(m.called, m.served) }},
		{"until the answer is read", func(m *measurement) float64 { return between(later(m.given, m.served), m.answered) }},
		{"beside these: opening the connection", func(m *measurement) float64 { return between(m.dialled, m.connected) }},
	}
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
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
}
