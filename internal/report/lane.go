package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"meridian/pkg/protocol"
)

// A Lane is a line of a timeline. One without pieces is the heading of those below.
type Lane struct {
	// Label names the look-up or the Region, and below it the batch or its hedges.
	Label string

	// End says how it ended, or how long it took.
	End string

	// Status is how it ended.
	Status protocol.Status

	// Pieces are the attempts of one invocation: those that are no hedges, or only its hedges.
	Pieces []Piece

	// Part says that the lane is a part of a lane above: a batch, or hedges.
	Part bool
}

// A Piece is an attempt in a lane.
type Piece struct {
	protocol.Attempt

	// Bar is how it is drawn. Its cold start is a part of it.
	Bar Bar
}

// ColdMs returns how long the cold start of the attempt took, in milliseconds. Zero means that there
// was none.
func (p Piece) ColdMs() float64 {
	if p.Metrics == nil {
		return 0
	}
	return min(p.Metrics.InitDurationMs+p.Metrics.RestoreDurationMs, p.ElapsedMs)
}

// Lanes returns the lanes of a result: one for each look-up and each Region, in its order, each
// with its parts behind it if it has several.
func Lanes(r protocol.Result) []Lane {
	var lanes []Lane
	short := labels(accountsOf(r))
	for i, region := range slices.Concat(r.Lookups, r.Regions) {
		label := region.Region
		if account := short[accountOf(region)]; i < len(r.Lookups) {
			label = "look-up " + cmp.Or(account, region.Region)
		} else if account != "" {
			label += " " + account
		}
		whole := Lane{Label: clean(label), End: seconds(region.ElapsedMs), Status: region.Status}
		if region.Status != protocol.StatusSucceeded {
			whole.End = cmp.Or(marks[region.Status], cut(clean(string(region.Status)), leastLabel)) // a newer coordinator has other statuses
		}
		parts := partsOf(region)
		if invocations := slices.DeleteFunc(slices.Clone(parts), func(l Lane) bool { return l.Label == hedgeLabel }); len(invocations) == 1 {
			whole.Pieces, parts = parts[0].Pieces, parts[1:]
		}
		lanes = append(append(lanes, whole), parts...)
	}
	return lanes
}

// hedgeLabel is the label of the hedges of the invocation above.
const hedgeLabel = "    hedge"

// partsOf returns a lane for each invocation of a Region, with one for its hedges behind it.
func partsOf(r protocol.RegionOutcome) []Lane {
	batches := map[int][2][]Piece{} // the attempts that are no hedges, and the hedges
	for _, a := range r.Attempts {
		of, kind := batches[a.Batch], 0
		if a.Hedge {
			kind = 1
		}
		of[kind] = append(of[kind], Piece{a, barOf(a, r, len(of[kind]) > 0)})
		batches[a.Batch] = of
	}
	var lanes []Lane
	for _, batch := range slices.Sorted(maps.Keys(batches)) {
		for i, pieces := range batches[batch] {
			if len(pieces) == 0 {
				continue
			}
			last := pieces[len(pieces)-1]
			l := Lane{fmt.Sprintf("  batch %d", batch), seconds(last.StartMs + last.ElapsedMs - pieces[0].StartMs), protocol.StatusSucceeded, pieces, true}
			if i > 0 {
				l.Label = hedgeLabel
			}
			if last.Bar == BarFailed {
				l.End, l.Status = marks[protocol.StatusFailed], protocol.StatusFailed
			}
			lanes = append(lanes, l)
		}
	}
	return lanes
}

// barOf returns the bar of an attempt of a Region; again says that another one came before it.
func barOf(a protocol.Attempt, r protocol.RegionOutcome, again bool) Bar {
	s := statusOf(a, r)
	switch {
	case a.Error != "", s == protocol.StatusFailed, s == protocol.StatusTimedOut:
		return BarFailed
	case a.Cause != "", s == protocol.StatusAborted:
		return BarGiven
	case a.Hedge:
		return BarHedge
	case again:
		return BarRetry
	}
	return BarFirst
}
