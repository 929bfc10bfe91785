package main

import (
	"fmt"
	"io"
	"slices"
)

// A target is what a figure must come to.
type target struct {
	what    string
	name    string // of the scenario
	calls   int
	figure  func(r result) float64
	limit   float64
	atLeast bool // else at most
}

// targets returns what must hold.
func targets() []target {
	const throttled, few = "TLS, 10 % throttled", "TLS, cold, 1,024 files"
	times := func(way, other string, figure func(measurement) float64) func(result) float64 {
		return func(r result) float64 { return r.ratio(way, other, figure) }
	}
	of := func(figure func(measurement) float64) func(result) float64 {
		return func(r result) float64 { return r.median(coordinator, figure) }
	}
	var all []target
	for _, name := range []string{cold, coldFar} {
		for _, calls := range []int{35, 1000, 5000} {
			all = append(all,
				target{"overhead, times the floor's", name, calls, times(coordinator, floor, overhead), 1.3, false},
				target{"CPU, times the floor's", name, calls, times(coordinator, floor, cpu), 1.3, false})
		}
		if name == cold { // from far the floor itself is only two to three times better
			all = append(all, target{"overhead, times less than the SDK's", name, 35, times(sdk, coordinator, overhead), 3, true})
		}
		for _, calls := range []int{1000, 5000} {
			all = append(all,
				target{"overhead, times less than the SDK's", name, calls, times(sdk, coordinator, overhead), 5, true},
				target{"CPU, times less than the SDK's", name, calls, times(sdk, coordinator, cpu), 5, true})
		}
	}
	return append(all,
		target{"calls lost", few, 5000, of(lost), 0, false},
		target{"MiB", few, 5000, of(memory), 150, false},
		target{"calls lost", throttled, 1000, of(lost), 0, false},
		target{"time, times the floor's", throttled, 1000, times(coordinator, floor, wall), 1.2, false},
		target{"calls lost", throttled, 5000, of(lost), 0, false},
		target{"time, times the floor's", throttled, 5000, times(coordinator, floor, wall), 1.2, false},
		target{"new connections", "TLS, warm", 35, of(connections), 0, false},
		target{"overhead, times the floor's", "TLS, warm", 35, times(coordinator, floor, overhead), 1.2, false},
	)
}

// judged reports whether something must hold of a scenario.
func judged(s scenario) bool {
	return slices.ContainsFunc(targets(), func(t target) bool { return t.name == s.name && t.calls == s.calls })
}

// holds reports whether a result comes to the target.
func (t target) holds(r result) bool {
	if t.atLeast {
		return t.figure(r) >= t.limit
	}
	return t.figure(r) <= t.limit
}

// judge writes which targets hold, and in how many of the rounds by themselves.
func judge(w io.Writer, results []result) {
	_, _ = fmt.Fprint(w, "\n## What must hold\n\n| | calls | measured | wanted | | in rounds |\n|---|--:|--:|--:|---|--:|\n")
	for _, t := range targets() {
		for _, r := range results {
			if r.name != t.name || r.calls != t.calls {
				continue
			}
			got, bound, verdict := t.figure(r), "at most", "holds"
			if t.atLeast {
				bound = "at least"
			}
			if !t.holds(r) {
				verdict = "**missed**"
			}
			held := 0
			for _, round := range r.apart() {
				if t.holds(round) {
					held++
				}
			}
			_, _ = fmt.Fprintf(w, "| %s: %s | %s | %.2f | %s %g | %s | %d of %d |\n",
				t.name, t.what, thousands(t.calls), got, bound, t.limit, verdict, held, r.rounds)
		}
	}
}
