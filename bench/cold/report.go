package cold

import (
	"fmt"
	"io"

	"meridian/bench/figure"
	"meridian/bench/meridian"
)

// write writes everything.
func (r results) write(w io.Writer) {
	_, _ = io.WriteString(w, "\n## Targets\n")
	out := figure.NewTable("targets", "target", "measured", "wanted", "")
	for _, limit := range []figure.Target{{What: oneTarget, Limit: 1.5}, {What: few, Limit: 4}} {
		out.Add("%s: first answer, times the bare handler's | %s",
			limit.What, limit.Verdict(r.cold.times(limit.What, (*measurement).toAnswer)))
	}
	out.Write(w)
	r.cold.writeStarts(w)
	r.parts.writeParts(w)
	r.writeSizes(w)
}

// writeStarts writes the cold starts.
func (t table) writeStarts(w io.Writer) {
	_, _ = io.WriteString(w, "\n## Cold starts, on a whole core\n")
	out := figure.NewTable("starts 100",
		"function", "asks for an invocation", "first answer", "of the bare handler's", "CPU", "of the bare handler's", "peak memory")
	for _, s := range t.rows {
		out.Add("%s | %.1f ms | %.1f ms | %.2f | %.1f ms | %.2f | %s", s.name,
			s.median((*measurement).toNext), s.median((*measurement).toAnswer), t.times(s.name, (*measurement).toAnswer),
			s.median((*measurement).cpuTime), t.times(s.name, (*measurement).cpuTime), figure.Mebibytes(s.median((*measurement).memory)))
	}
	out.Write(w)
}

// writeSizes writes the whole runs by the size of the memory.
func (r results) writeSizes(w io.Writer) {
	_, _ = fmt.Fprint(w, "\n## The right size\n")
	for i, s := range r.sizes[0].rows {
		_, _ = fmt.Fprintf(w, "\n### %s\n", s.name)
		out := figure.NewTable("sizes "+s.name,
			"memory", "of a core", "cold", "warm", "a million, cold", "warm", "of the smallest's", "peak memory")
		smallest := r.sizes[0].price(i, (*measurement).billedWarm)
		for _, t := range r.sizes {
			row, warm := t.rows[i], t.price(i, (*measurement).billedWarm)
			out.Add("%d MB | %d %% | %.0f ms | %.0f ms | $%.2f | $%.2f | %.2f | %s", t.size, share(t.size),
				row.median((*measurement).billedCold), row.median((*measurement).billedWarm),
				t.price(i, (*measurement).billedCold), warm, warm/smallest, figure.Mebibytes(row.median((*measurement).memory)))
		}
		out.Write(w)
	}
}

// price returns the price of a million invocations of a row.
func (t table) price(row int, billed func(*measurement) float64) float64 {
	return meridian.Price(t.size, t.rows[row].median(billed))
}
