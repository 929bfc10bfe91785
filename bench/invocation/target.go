package invocation

import (
	"io"

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
	most := func(what string, limit float64) figure.Target { return figure.Target{What: what, Limit: limit} }
	least := func(what string, limit float64) figure.Target {
		return figure.Target{What: what, Limit: limit, AtLeast: true}
	}
	ratio := func(way, other string, figureOf func(client.Measurement) float64) func(result) float64 {
		return func(r result) float64 { return r.ratio(way, other, figureOf) }
	}
	ours := func(figureOf func(client.Measurement) float64) func(result) float64 {
		return func(r result) float64 { return r.median(client.Meridian, figureOf) }
	}
	var all []target
	for _, name := range []string{cold, coldFar, warm} {
		for _, calls := range []int{35, 1000, 5000} {
			all = append(all, target{most("CPU, times the floor's", 1.5), name, calls, ratio(client.Meridian, client.Floor, cpu)})
			if name == coldFar && calls == 1000 {
				// The first run of a process waits for the throttles of its bursts, see
				// fanout.Adaptation. With 5,000 calls the CPU takes longer than that.
				all = append(all, target{
					most("ms of overhead more than the floor", float64(4*far.Milliseconds())+100), name, calls,
					func(r result) float64 { return r.median(client.Meridian, overhead) - r.median(client.Floor, overhead) },
				})
				continue
			}
			all = append(all, target{most("overhead, times the floor's", 1.5), name, calls, ratio(client.Meridian, client.Floor, overhead)})
			if name == warm || calls == 35 {
				continue
			}
			limit := 5.0
			if calls == 5000 {
				limit = 3.5
			}
			all = append(all,
				target{least("overhead, times less than SDK + errgroup", limit), name, calls, ratio(client.SDK, client.Meridian, overhead)},
				target{least("CPU, times less than SDK + errgroup", limit), name, calls, ratio(client.SDK, client.Meridian, cpu)})
		}
	}
	all = append(all,
		target{most("new connections", 0), warm, 35, ours(connections)},
		target{most("calls lost", 0), coldFew, 5000, ours(lost)},
		target{most("MiB", 150), coldFew, 5000, ours(memory)})
	for _, name := range []string{callersCold, callersWarm} {
		all = append(all,
			target{most("CPU, times the floor's", 1.5), name, 5000, ratio(client.Meridian, client.Floor, cpu)},
			target{most("overhead, times the floor's", 1.5), name, 5000, ratio(client.Meridian, client.Floor, overhead)},
			target{most("calls lost", 0), name, 5000, ours(lost)})
	}
	for _, calls := range []int{1000, 5000} {
		all = append(all,
			target{most("calls lost", 0), throttled, calls, ours(lost)},
			target{most("time, times the floor's", 1.25), throttled, calls, ratio(client.Meridian, client.Floor, wall)})
	}
	return all
}

// judge writes which targets are met.
func judge(w io.Writer, results []result) {
	_, _ = io.WriteString(w, "\n## Targets\n")
	table := figure.NewTable("targets", "target", "calls", "measured", "wanted", "")
	for _, t := range targets() {
		for _, r := range results {
			if r.name == t.name && r.Calls == t.calls {
				table.Add("%s: %s | %s | %s", t.name, t.What, figure.Thousands(t.calls), t.Verdict(t.got(r)))
			}
		}
	}
	table.Write(w)
}
