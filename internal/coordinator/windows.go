package coordinator

import (
	"sync"

	"meridian/internal/fanout"
)

// Windows remembers how many invocations at once the worker of each Region has accepted,
// from one run of a process to the next. The next run starts with that number, and adapts
// it: an account's limit may have changed. The zero Windows knows nothing yet. It may be
// used by several goroutines at once.
type Windows struct{ known sync.Map }

// A window names what is remembered: of a function, or "" for the deployment's worker, in a
// Region, or "" for all of them.
type window struct{ function, region string }

// use makes a policy start with what is known of a function, and returns a function that
// remembers what the run has shown. lanes has the Region of each of the policy's lanes. A
// worker that serves all Regions, which is not regional, has one window for all of them.
func (w *Windows) use(a *fanout.Adaptation, function string, lanes []string, regional bool) (keep func(fanout.Verdict)) {
	if w == nil {
		return func(fanout.Verdict) {}
	}
	of := func(lane int) window {
		if !regional {
			return window{function: function}
		}
		return window{function, lanes[lane]}
	}
	a.FirstBurst = func(lane int) fanout.Window {
		found, _ := w.known.Load(of(lane))
		known, _ := found.(fanout.Window)
		return known
	}
	return func(v fanout.Verdict) {
		for lane, shown := range v.Windows {
			if shown.AtOnce > 0 {
				w.known.Store(of(lane), shown)
			}
		}
	}
}

// windows returns what earlier runs have shown of the workers, or nil when each account has its
// own.
func (r *run) windows() *Windows {
	if r.plan.eachAccount() {
		return nil
	}
	return r.coordinator.Windows
}
