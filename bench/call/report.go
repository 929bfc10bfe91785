package call

import (
	"fmt"
	"io"
	"strings"

	"meridian/bench/figure"
)

// The results are everything that was measured.
type results struct {
	asked   []asked
	decoded decoded
}

func wall(a asking) float64          { return a.wallMs }
func cpu(a asking) float64           { return a.cpuMs }
func decodeCPU(d decoding) float64   { return d.cpuMs }
func mebibytes(d decoding) float64   { return d.mebibytes }
func allocations(d decoding) float64 { return d.allocations }

// times returns a way's median divided by Meridian's.
func (a asked) times(way string, figureOf func(asking) float64) float64 {
	return figure.Median(a.runs[way], figureOf) / figure.Median(a.runs[ours], figureOf)
}

// ofTyped returns Meridian's median divided by the typed client's.
func (d decoded) ofTyped(figureOf func(decoding) float64) float64 {
	return figure.Median(d.runs[ours], figureOf) / figure.Median(d.runs[typed], figureOf)
}

// write writes everything.
func (r results) write(w io.Writer) {
	r.judge(w)
	r.writeAsked(w)
	r.writeDecoded(w)
}

// judge writes which targets are met.
func (r results) judge(w io.Writer) {
	_, _ = io.WriteString(w, "\n## Targets\n")
	table := figure.NewTable("call targets", "target", "measured", "wanted", "")
	for _, a := range r.asked {
		for _, t := range []struct {
			what     string
			way      string
			limit    float64
			figureOf func(asking) float64
		}{
			{"time, times less than the AWS CLI loop", loop, 20, wall},
			{"time, times less than boto3 in threads", threads, 3, wall},
			{"CPU, times less than boto3 in threads", threads, 5, cpu},
		} {
			if a.runs[t.way] == nil {
				continue
			}
			target := figure.Target{Limit: t.limit, AtLeast: true}
			table.Add("%d Regions: %s | %s", a.regions, t.what, target.Verdict(a.times(t.way, t.figureOf)))
		}
	}
	if r.decoded.missing == nil {
		target := figure.Target{Limit: 3}
		table.Add("1,000 instances: CPU, times the typed client's | %s", target.Verdict(r.decoded.ofTyped(decodeCPU)))
	}
	table.Write(w)
}

// writeAsked writes what the processes took.
func (r results) writeAsked(w io.Writer) {
	_, _ = io.WriteString(w, "\n## Every Region\n")
	table := figure.NewTable("call regions", "Regions", "way", "time", "of Meridian's", "CPU", "of Meridian's")
	for _, a := range r.asked {
		for _, way := range []string{ours, threads, loop} {
			if a.runs[way] == nil {
				continue
			}
			table.Add("%d | %s | %.0f ms | %.1f | %.0f ms | %.1f", a.regions, way,
				figure.Median(a.runs[way], wall), a.times(way, wall), figure.Median(a.runs[way], cpu), a.times(way, cpu))
		}
	}
	table.Write(w)
	if missing := r.asked[0].missing; missing != nil {
		_, _ = fmt.Fprintf(w, "\nThe AWS CLI and boto3 were left out, because they cannot be installed here: %s.\n", strings.TrimSpace(missing.Error()))
	}
}

// writeDecoded writes what the decoding took.
func (r results) writeDecoded(w io.Writer) {
	_, _ = io.WriteString(w, "\n## One long answer\n")
	d := r.decoded
	table := figure.NewTable("call decoding", "way", "CPU", "of the typed client's", "allocated", "allocations")
	for _, way := range []string{ours, typed} {
		if d.runs[way] == nil {
			continue
		}
		times := "1.00"
		switch {
		case d.missing != nil:
			times = "?"
		case way == ours:
			times = fmt.Sprintf("%.2f", d.ofTyped(decodeCPU))
		}
		table.Add("%s | %.0f ms | %s | %s | %.1f million", way, figure.Median(d.runs[way], decodeCPU), times,
			figure.Mebibytes(figure.Median(d.runs[way], mebibytes)), figure.Median(d.runs[way], allocations)/1e6)
	}
	table.Write(w)
	if d.missing != nil {
		_, _ = fmt.Fprintf(w, "\nThe typed client was left out: %v.\n", d.missing)
	}
}
