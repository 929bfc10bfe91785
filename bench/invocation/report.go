package invocation

import (
	"fmt"
	"io"

	"meridian/bench/client"
	"meridian/bench/figure"
)

// A result has the measurements of a scenario, by way.
type result struct {
	scenario
	runs map[string][]client.Measurement
}

// median returns the median of a figure over a way's runs, or -1 without any.
func (r result) median(way string, figureOf func(client.Measurement) float64) float64 {
	return figure.Median(r.runs[way], figureOf)
}

// ratio returns a way's figure divided by another way's.
func (r result) ratio(way, other string, figureOf func(client.Measurement) float64) float64 {
	return r.median(way, figureOf) / r.median(other, figureOf)
}

func overhead(m client.Measurement) float64    { return m.OverheadMs }
func wall(m client.Measurement) float64        { return m.WallMs }
func cpu(m client.Measurement) float64         { return m.CPUMs }
func memory(m client.Measurement) float64      { return m.PeakMiB }
func connections(m client.Measurement) float64 { return float64(m.Connections) }
func lost(m client.Measurement) float64        { return float64(m.Lost) }
func sent(m client.Measurement) float64        { return float64(m.Sent) }

// count formats the median of a number.
func (r result) count(way string, figureOf func(client.Measurement) float64) string {
	return figure.Thousands(int(r.median(way, figureOf)))
}

// cpuPerCall returns the median CPU time of a call in microseconds.
func (r result) cpuPerCall(way string) float64 {
	return r.median(way, cpu) * 1000 / float64(r.Calls)
}

// write writes a result as a table.
func (r result) write(w io.Writer) {
	_, _ = fmt.Fprintf(w, "\n### %s: %s calls\n", r.name, figure.Thousands(r.Calls))
	t := figure.NewTable(fmt.Sprintf("%s %d", r.name, r.Calls),
		"way", "overhead", "of the floor's", "CPU per call", "of the floor's", "peak memory", "connections", "requests", "lost")
	for _, way := range r.ways {
		t.Add("%s | %.1f ms | %.2f | %.0f us | %.2f | %s | %s | %s | %s", way,
			r.median(way, overhead), r.ratio(way, client.Floor, overhead), r.cpuPerCall(way), r.ratio(way, client.Floor, cpu),
			figure.Mebibytes(r.median(way, memory)), r.count(way, connections), r.count(way, sent), r.count(way, lost))
	}
	t.Write(w)
}

// summarize writes a short table of the scenarios that other documents show.
func summarize(w io.Writer, results []result) {
	t := figure.NewTable("summary", "calls", "way", "overhead", "CPU per call", "peak memory", "connections")
	for _, r := range results {
		if r.name != cold && r.name != regional || r.Calls < 10 {
			continue
		}
		calls := figure.Thousands(r.Calls)
		if r.name == regional {
			calls += " Regions, 200 ms away"
		}
		for _, way := range []string{client.Floor, client.Meridian, client.SDK} {
			t.Add("%s | %s | %.1f ms | %.0f us | %s | %s", calls, way,
				r.median(way, overhead), r.cpuPerCall(way), figure.Mebibytes(r.median(way, memory)), r.count(way, connections))
		}
	}
	t.Write(w)
}
