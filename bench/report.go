package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
)

// A result is what the runs of a scenario took, by way.
type result struct {
	scenario
	runs map[string][]measurement
}

// median returns the median of a figure over a way's runs, or -1 without any.
func (r result) median(way string, figure func(measurement) float64) float64 {
	var all []float64
	for _, m := range r.runs[way] {
		all = append(all, figure(m))
	}
	if len(all) == 0 {
		return -1
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// ratio returns how many times the other way's figure a way's is.
func (r result) ratio(way, other string, figure func(measurement) float64) float64 {
	return r.median(way, figure) / r.median(other, figure)
}

// apart returns a result for each round, in which the ways were measured one after
// the other.
func (r result) apart() []result {
	rounds := make([]result, r.rounds)
	for i := range rounds {
		rounds[i] = result{scenario: r.scenario, runs: map[string][]measurement{}}
		for way, runs := range r.runs {
			rounds[i].runs[way] = runs[i : i+1]
		}
	}
	return rounds
}

func overhead(m measurement) float64    { return m.overheadMs }
func wall(m measurement) float64        { return m.WallMs }
func cpu(m measurement) float64         { return m.CPUMs }
func memory(m measurement) float64      { return m.PeakMiB }
func connections(m measurement) float64 { return float64(m.Connections) }
func lost(m measurement) float64        { return float64(m.Lost) }
func sent(m measurement) float64        { return float64(m.Sent) }

// write writes a result as a table.
func (r result) write(w io.Writer) {
	_, _ = fmt.Fprintf(w, "\n### %s: %s calls\n\n", r.name, thousands(r.calls))
	_, _ = fmt.Fprintln(w, "| way | overhead | of the floor's | CPU per call | of the floor's | peak memory | connections | requests | lost |")
	_, _ = fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, way := range r.ways {
		_, _ = fmt.Fprintf(w, "| %s | %.1f ms | %.2f | %.0f us | %.2f | %.0f MiB | %s | %s | %s |\n", way,
			r.median(way, overhead), r.ratio(way, floor, overhead),
			r.median(way, cpu)*1000/float64(r.calls), r.ratio(way, floor, cpu),
			r.median(way, memory), thousands(int(r.median(way, connections))),
			thousands(int(r.median(way, sent))), thousands(int(r.median(way, lost))))
	}
}

// thousands formats a number with its thousands apart.
func thousands(n int) string {
	s := strconv.Itoa(n)
	if len(s) > 3 {
		return s[:len(s)-3] + "," + s[len(s)-3:]
	}
	return s
}

// save writes all results to a file.
func save(file string, results []result, missing []string) error {
	var b bytes.Buffer
	_, _ = fmt.Fprintf(&b, "# What an invocation costs\n\n"+
		"Written by `make bench`, with %s on %d CPUs (%s/%s), the server on the same ones.\n",
		runtime.Version(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	b.WriteString(notes)
	for _, m := range missing {
		_, _ = fmt.Fprintf(&b, "Not measured: %s.\n", m)
	}
	judge(&b, results)
	for _, r := range results {
		r.write(&b)
	}
	return os.WriteFile(file, b.Bytes(), 0o644) //nolint:gosec // it is to be read
}

const notes = `Each call takes the server 100 ms; overhead is what all of them together take beyond that.
A server that is far takes 200 ms more for a connection, as two round trips to another Region
do, and that is no overhead. On the same machine a connection is there before most calls have
begun, and how many of them the SDK opens is luck; from far every call that begins meanwhile
opens one. What 35 calls take is mostly one handshake and the machine's waking up, for the
floor, too: near by the SDK takes 2.8 to 4.1 times the floor's overhead from run to run, and from
far 2.0 to 3.2 times, and more is not to be had.
Medians of runs that took turns: ratios count, absolute figures do not. What must hold is judged
by them; beside it stands in how many of the rounds it held by itself.

What the server takes of the processors is in every overhead, and brings ratios nearer to 1; CPU
per call is the client's alone. Cold is without connections: what a function does once as it
starts, like making its client, or reading the coordinator's tables, is done by then, and the
requests of the floor and of the path are written. Peak memory is the whole process's.

*floor* is requests of net/http, signed by the SDK's signer, over connections opened first,
which reads the answers and no more; *coordinator* a whole run, from the request to the result
as JSON; *path* its engine and invoke path alone; *sdk* the AWS SDK for Go with an errgroup and
encoding/json, as people write it; *node* and *python* the same with theirs. Node.js's has 50
connections unless it is told otherwise: 1,000 calls of 100 ms take 2 s over them at the best.
All but *sdk*, *node* and *python* collect garbage as the coordinator's function does: that
would take some 5 to 9 % of the CPU time off *sdk*, too. From far the floor has nothing to do
until its connections are there, while Meridian plans its run and writes its requests: at 5,000
calls that is about a fifth of the floor's overhead. Over plain HTTP, which is HTTP/1.1, the
floor and Meridian have 900 connections, for the 1,024 file descriptors that Lambda gives: 5,000
calls take 600 ms over them at the best, of which 500 are in the overhead.
`
