package report

import (
	"cmp"
	"slices"

	"meridian/pkg/protocol"
)

// leastIdle is the shortest idle time that is cut out of an axis, in milliseconds. A coordinator hands a
// run over in less.
const leastIdle = 1000

// An axis is the time of a run without the idle times between its generations.
type axis struct {
	lengthMs float64
	idleMs   float64 // what is cut out
	gaps     []idle
}

// An idle is a time that is cut out of an axis.
type idle struct{ startMs, elapsedMs float64 }

// newAxis returns the axis of a result.
func newAxis(r protocol.Result) axis {
	var attempts []protocol.Attempt
	for _, region := range slices.Concat(r.Lookups, r.Regions) {
		attempts = append(attempts, region.Attempts...)
	}
	slices.SortFunc(attempts, func(a, b protocol.Attempt) int { return cmp.Compare(a.StartMs, b.StartMs) })
	var x axis
	end := 0.0
	for i, a := range attempts {
		if gap := a.StartMs - end; i > 0 && gap >= leastIdle && r.Generations > 1 {
			x.gaps = append(x.gaps, idle{end, gap})
			x.idleMs += gap
		}
		end = max(end, a.StartMs+a.ElapsedMs+a.WaitMs)
	}
	if x.gaps == nil { // ElapsedMs may leave idle times out, or not
		end = max(end, r.ElapsedMs)
	}
	x.lengthMs = end - x.idleMs
	return x
}

// at returns where a time of the run is on the axis.
func (x axis) at(ms float64) float64 {
	on := ms
	for _, g := range x.gaps {
		on -= min(max(0, ms-g.startMs), g.elapsedMs)
	}
	return on
}
