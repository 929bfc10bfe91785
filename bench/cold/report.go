package cold

import (
	"fmt"
	"io"
	"math"
	"slices"

	"meridian/bench/figure"
)

// The prices of Lambda in us-east-1 on arm64, in US dollars.
// Source: https://aws.amazon.com/lambda/pricing/
const (
	dollarsPerGBSecond = 0.0000133334
	dollarsPerRequest  = 0.0000002
)

// price returns the price of a million invocations in dollars.
func price(size int, billed float64) float64 {
	return 1e6 * (dollarsPerRequest + dollarsPerGBSecond*float64(size)/1024*math.Ceil(billed)/1000)
}

// judge writes which targets are met.
func (r results) judge(w io.Writer) {
	_, _ = fmt.Fprint(w, "\n## Targets\n")
	out := figure.NewTable("targets", "target", "of a core", "measured", "wanted", "")
	for _, t := range r.cold {
		if t.burst {
			continue
		}
		what, figureOf := "first answer", (*measurement).toAnswer
		if t.share < 100 {
			what, figureOf = "CPU until the first answer", (*measurement).cpuTime
		}
		for _, limit := range []figure.Target{{What: oneTarget, Limit: 1.5}, {What: few, Limit: 4}} {
			out.Add("%s: %s, times the bare handler's | %d %% | %s",
				limit.What, what, t.share, limit.Verdict(t.times(limit.What, figureOf)))
		}
	}
	out.Write(w)
}

// write writes everything.
func (r results) write(w io.Writer) {
	r.judge(w)
	_, _ = fmt.Fprint(w, "\n## Cold starts\n")
	for _, t := range r.cold {
		t.writeStarts(w)
	}
	r.parts.writeParts(w)
	r.writeSizes(w)
}

// writeStarts writes the cold starts under one condition.
func (t table) writeStarts(w io.Writer) {
	title, name := "A whole core", fmt.Sprintf("starts %d", t.share)
	switch {
	case t.burst:
		title, name = fmt.Sprintf("A whole core until it asks, then %d %%", t.share), name+" burst"
	case t.share < 100:
		title = fmt.Sprintf("%d %% of a core, from exec on", t.share)
	}
	_, _ = fmt.Fprintf(w, "\n### %s\n", title)
	out := figure.NewTable(name,
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
	if len(r.sizes) > 1 {
		r.compareSizes(w)
	}
	for i, s := range r.sizes[0].rows {
		_, _ = fmt.Fprintf(w, "\n### %s\n", s.name)
		out := figure.NewTable("sizes "+s.name,
			"memory", "of a core", "cold", "warm", "a million, cold", "warm", "of the smallest's", "peak memory")
		smallest := r.sizes[0].price(i, (*measurement).billedWarm)
		for _, t := range r.sizes {
			row, warm := t.rows[i], t.price(i, (*measurement).billedWarm)
			out.Add("%d MB | %d %% | %.0f ms | %.0f ms | $%.2f | $%.2f | %.2f | %s", t.size(), t.share,
				row.median((*measurement).billedCold), row.median((*measurement).billedWarm),
				t.price(i, (*measurement).billedCold), warm, warm/smallest, figure.Mebibytes(row.median((*measurement).memory)))
		}
		out.Write(w)
	}
}

// price returns the price of a million invocations of a row.
func (t table) price(row int, billed func(*measurement) float64) float64 {
	return price(t.size(), t.rows[row].median(billed))
}

// standard is the memory in MB that the functions have by default, and with which the
// other sizes are compared.
const standard = 256

// compareSizes writes time and price of each size, divided by those of the standard
// size.
func (r results) compareSizes(w io.Writer) {
	base := r.sizes[slices.Index(memorySizes(), standard)]
	out := figure.NewTable("sizes", "memory", "of a core", "28 Regions", "34 Regions", "5,000 invocations", "their peak memory",
		"worker, 100 targets, cold")
	for _, t := range r.sizes {
		cell := func(name string, billed func(*measurement) float64) string {
			i := slices.IndexFunc(t.rows, func(s series) bool { return s.name == name })
			return fmt.Sprintf("%.2f / %.2f", t.rows[i].median(billed)/base.rows[i].median(billed), t.price(i, billed)/base.price(i, billed))
		}
		warm := (*measurement).billedWarm
		out.Add("%s MB | %d %% | %s | %s | %s | %s | %s", figure.Thousands(t.size()), t.share, cell(run28, warm), cell(run34, warm),
			cell(run5000, warm), figure.Mebibytes(t.row(run5000).median((*measurement).memory)), cell(hundred, (*measurement).billedCold))
	}
	out.Write(w)
}
