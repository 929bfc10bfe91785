package invocation

import (
	"fmt"
	"io"
	"slices"

	"meridian/bench/client"
	"meridian/bench/figure"
)

// A target is the limit of one figure of a scenario.
type target struct {
	figure.Target
	name  string // of the scenario
	calls int
	got   func(r result) float64
}

// targets returns all of them.
func targets() []target {
	times := func(way, other string, figureOf func(measurement) float64) func(result) float64 {
		return func(r result) float64 { return r.ratio(way, other, figureOf) }
	}
	of := func(figureOf func(measurement) float64) func(result) float64 {
		return func(r result) float64 { return r.median(client.Meridian, figureOf) }
	}
	most := func(what string, limit float64) figure.Target { return figure.Target{What: what, Limit: limit} }
	least := func(what string, limit float64) figure.Target {
		return figure.Target{What: what, Limit: limit, AtLeast: true}
	}
	var all []target
	for _, name := range []string{cold, coldFar, warm} {
		for _, calls := range []int{35, 1000, 5000} {
			all = append(all,
				target{most("overhead, times the floor's", 1.5), name, calls, times(client.Meridian, client.Floor, overhead)},
				target{most("CPU, times the floor's", 1.5), name, calls, times(client.Meridian, client.Floor, cpu)})
			if name == warm || calls == 35 {
				continue
			}
			limit := 5.0
			if calls == 5000 {
				limit = 3.5
			}
			all = append(all,
				target{least("overhead, times less than SDK + errgroup", limit), name, calls, times(client.SDK, client.Meridian, overhead)},
				target{least("CPU, times less than SDK + errgroup", limit), name, calls, times(client.SDK, client.Meridian, cpu)})
		}
	}
	all = append(all,
		target{most("new connections", 0), warm, 35, of(connections)},
		target{most("calls lost", 0), coldFew, 5000, of(lost)},
		target{most("MiB", 150), coldFew, 5000, of(memory)})
	for _, calls := range []int{1000, 5000} {
		all = append(all,
			target{most("calls lost", 0), throttled, calls, of(lost)},
			target{most("time, times the floor's", 1.25), throttled, calls, times(client.Meridian, client.Floor, wall)})
	}
	return all
}

// judged reports whether a scenario has a target.
func judged(s scenario) bool {
	return slices.ContainsFunc(targets(), func(t target) bool { return t.name == s.name && t.calls == s.calls })
}

// judge writes which targets are met, and in how many of the rounds alone.
func judge(w io.Writer, results []result) {
	_, _ = fmt.Fprint(w, "\n## Targets\n")
	table := figure.NewTable("targets", "target", "calls", "measured", "wanted", "", "in rounds")
	for _, t := range targets() {
		for _, r := range results {
			if r.name != t.name || r.calls != t.calls {
				continue
			}
			held := 0
			for _, round := range r.split() {
				if t.Holds(t.got(round)) {
					held++
				}
			}
			table.Add("%s: %s | %s | %s | %d of %d", t.name, t.What, figure.Thousands(t.calls), t.Verdict(t.got(r)), held, r.rounds)
		}
	}
	table.Write(w)
}
