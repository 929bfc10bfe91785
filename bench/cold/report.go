package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strconv"
)

// What Lambda costs in us-east-1 on arm64, in US dollars.
// Source: https://aws.amazon.com/lambda/pricing/
const (
	dollarsPerGBSecond = 0.0000133334
	dollarsPerRequest  = 0.0000002
)

// price returns what an invocation costs in millionths of a dollar, which are
// dollars for a million of them.
func price(size int, billed float64) float64 {
	return 1e6 * (dollarsPerRequest + dollarsPerGBSecond*float64(size)/1024*math.Ceil(billed)/1000)
}

// A target is what a figure must come to.
type target struct {
	what  string
	share int
	got   float64
	most  float64
}

// targets returns what must hold.
func (r results) targets() []target {
	var all []target
	for _, t := range r.cold {
		if t.burst {
			continue
		}
		what, figure := "first answer", measurement.toAnswer
		if t.share < 100 {
			what, figure = "CPU until the first answer", measurement.cpuTime
		}
		all = append(all,
			target{"worker: " + what + ", times the bare handler's", t.share, t.times(oneTarget, figure), 1.5},
			target{"coordinator, 3 Regions: " + what + ", times the bare handler's", t.share, t.times(few, figure), 2.5})
	}
	return all
}

// judge writes which targets hold.
func (r results) judge(w io.Writer) {
	_, _ = fmt.Fprint(w, "\n## What must hold\n\n| | of a core | measured | wanted | |\n|---|--:|--:|--:|---|\n")
	for _, t := range r.targets() {
		verdict := "holds"
		if t.got > t.most {
			verdict = "**missed**"
		}
		_, _ = fmt.Fprintf(w, "| %s | %d %% | %.2f | at most %g | %s |\n", t.what, t.share, t.got, t.most, verdict)
	}
}

// writeStarts writes the cold starts under one condition.
func (t table) writeStarts(w io.Writer) {
	title := "A whole core"
	switch {
	case t.burst:
		title = fmt.Sprintf("A whole core until it asks, then %d %%", t.share)
	case t.share < 100:
		title = fmt.Sprintf("%d %% of a core, from exec on", t.share)
	}
	_, _ = fmt.Fprintf(w, "\n### %s\n\n", title)
	_, _ = fmt.Fprintln(w, "| | asks for an invocation | first answer | of the bare handler's | CPU | of the bare handler's | peak memory |")
	_, _ = fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|")
	for _, s := range t.rows {
		_, _ = fmt.Fprintf(w, "| %s | %.1f ms | %.1f ms | %.2f | %.1f ms | %.2f | %s |\n", s.name,
			s.median(measurement.toNext), s.median(measurement.toAnswer), t.times(s.name, measurement.toAnswer),
			s.median(measurement.cpuTime), t.times(s.name, measurement.cpuTime), mebibytes(s.median(measurement.memory)))
	}
}

// writeSizes writes the whole runs by the size of the memory.
func (r results) writeSizes(w io.Writer) {
	_, _ = fmt.Fprint(w, "\n## The right size\n")
	for i, s := range r.sizes[0].rows {
		_, _ = fmt.Fprintf(w, "\n### %s\n\n", s.name)
		_, _ = fmt.Fprintln(w, "| memory | of a core | cold | warm | a million, cold | warm | of the smallest's | peak memory |")
		_, _ = fmt.Fprintln(w, "|--:|--:|--:|--:|--:|--:|--:|--:|")
		var smallest float64
		for _, t := range r.sizes {
			row, size := t.rows[i], t.size()
			warm := price(size, row.median(measurement.billedWarm))
			if smallest == 0 {
				smallest = warm
			}
			_, _ = fmt.Fprintf(w, "| %d MB | %d %% | %.0f ms | %.0f ms | $%.2f | $%.2f | %.2f | %s |\n", size, t.share,
				row.median(measurement.billedCold), row.median(measurement.billedWarm),
				price(size, row.median(measurement.billedCold)), warm, warm/smallest, mebibytes(row.median(measurement.memory)))
		}
	}
}

func mebibytes(n float64) string {
	if n < 0 {
		return "?"
	}
	return strconv.Itoa(int(math.Round(n))) + " MiB"
}

// save writes all results to a file.
func (r results) save(file string) error {
	var b bytes.Buffer
	_, _ = fmt.Fprintf(&b, "# What a cold start takes\n\n"+
		"Written by `make bench-cold`, with %s on %d CPUs (%s/%s), the Runtime API and\nLambda's endpoint on the same ones.\n",
		runtime.Version(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	b.WriteString(introduction)
	if r.unheld != nil {
		_, _ = fmt.Fprintf(&b, "\nShares of a core were not measured: none can be set here (%v).\n", r.unheld)
	} else {
		_, _ = fmt.Fprintf(&b, "\nShares of a core were set by %s.\n", r.held)
	}
	r.judge(&b)
	b.WriteString("\n## Cold starts\n")
	for _, t := range r.cold {
		t.writeStarts(&b)
	}
	r.writeSizes(&b)
	return os.WriteFile(file, b.Bytes(), 0o644) //nolint:gosec // it is to be read
}

const introduction = `Times are from exec, and medians of starts that took turns: ratios count, absolute
figures do not. What Lambda itself takes to make an environment is in none of them.

The bare handler is aws-lambda-go and a hello. The workers that the coordinator calls
answer at once, over TLS and HTTP/2, behind the certificates that the machine trusts.

A share is handed out every 20 ms, which is a judgement: Lambda's period is not
documented. A start of a few milliseconds takes one share or two, so that its time
comes in steps of that period, and what is compared under a share is CPU time, which
is what it divides. Lambda is known to give a function more of a CPU until it asks for
its first invocation: "until it asks" is that case, the other one is the worst.

The sizes have the share of a core that Lambda gives them; a function has the whole one
until it asks. Their workers take 1 s each; the worker that is measured itself does not
wait. Prices are us-east-1's for arm64, for a million invocations with their requests,
the start included where it is cold.
`
