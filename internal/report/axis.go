package report

import (
	"cmp"
	"slices"

	"meridian/pkg/protocol"
)

// leastIdle is the shortest idle time that is cut out of an axis, in milliseconds. A coordinator hands a
// run over in less.
const leastIdle = 1000

// mostMs is the longest time of an axis, in milliseconds: years more than a run lasts. Only a broken result has
// longer ones, which would be infinite when added.
const mostMs = 1e12

// An Axis is the time of a run without the idle times between its generations.
type Axis struct {
	// LengthMs is the length of the axis, in milliseconds.
	LengthMs float64

	// IdleMs is the length of what is cut out, in milliseconds.
	IdleMs float64

	// Gaps are the times that are cut out.
	Gaps []Idle
}

// An Idle is a time that is cut out of an axis, in milliseconds.
type Idle struct{ StartMs, ElapsedMs float64 }

// NewAxis returns the axis of a result.
func NewAxis(r protocol.Result) Axis {
	var attempts []protocol.Attempt
	for _, region := range slices.Concat(r.Lookups, r.Regions) {
		attempts = append(attempts, region.Attempts...)
	}
	slices.SortFunc(attempts, func(a, b protocol.Attempt) int { return cmp.Compare(a.StartMs, b.StartMs) })
	var x Axis
	end := 0.0
	for i, a := range attempts {
		if gap := bounded(a.StartMs) - end; i > 0 && gap >= leastIdle && r.Generations > 1 {
			x.Gaps = append(x.Gaps, Idle{end, gap})
			x.IdleMs += gap
		}
		end = max(end, bounded(a.StartMs+a.ElapsedMs+a.WaitMs))
	}
	if x.Gaps == nil { // ElapsedMs may leave idle times out, or not
		end = max(end, bounded(r.ElapsedMs))
	}
	x.LengthMs = end - x.IdleMs
	return x
}

// At returns where a time of the run is on the axis.
func (x Axis) At(ms float64) float64 {
	ms = bounded(ms)
	on := ms
	for _, g := range x.Gaps {
		on -= min(max(0, ms-g.StartMs), g.ElapsedMs)
	}
	return on
}

// bounded returns the time that an axis can have and that is the nearest to ms.
func bounded(ms float64) float64 { return min(max(0, ms), mostMs) }
