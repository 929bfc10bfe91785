package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"meridian/pkg/protocol"
)

// A lane is a line of a timeline. One without pieces is the heading of those below.
type lane struct {
	label  string
	end    string // how it ended, or how long it took
	status protocol.Status
	pieces []piece // of one invocation, without or with its hedges alone
}

// A piece is an attempt in a lane.
type piece struct {
	protocol.Attempt
	bar bar
}

// lanesOf returns the lanes of a result.
func lanesOf(r protocol.Result) []lane {
	var lanes []lane
	short := labels(accountsOf(r))
	for i, region := range slices.Concat(r.Lookups, r.Regions) {
		label := region.Region
		if account := short[accountOf(region)]; i < len(r.Lookups) {
			label = "look-up " + cmp.Or(account, region.Region)
		} else if account != "" {
			label += " " + account
		}
		whole := lane{clean(label), seconds(region.ElapsedMs), region.Status, nil}
		if region.Status != protocol.StatusSucceeded {
			whole.end = cmp.Or(marks[region.Status], cut(clean(string(region.Status)), leastLabel)) // a newer coordinator has other statuses
		}
		parts := partsOf(region)
		if invocations := slices.DeleteFunc(slices.Clone(parts), func(l lane) bool { return l.label == hedgeLabel }); len(invocations) == 1 {
			whole.pieces, parts = parts[0].pieces, parts[1:]
		}
		lanes = append(append(lanes, whole), parts...)
	}
	return lanes
}

// hedgeLabel is the label of the hedges of the invocation above.
const hedgeLabel = "    hedge"

// partsOf returns a lane for each invocation of a Region, with one for its hedges behind it.
func partsOf(r protocol.RegionOutcome) []lane {
	batches := map[int][2][]piece{} // without and with hedges
	for _, a := range r.Attempts {
		of, kind := batches[a.Batch], 0
		if a.Hedge {
			kind = 1
		}
		of[kind] = append(of[kind], piece{a, barOf(a, r, len(of[kind]) > 0)})
		batches[a.Batch] = of
	}
	var lanes []lane
	for _, batch := range slices.Sorted(maps.Keys(batches)) {
		for i, pieces := range batches[batch] {
			if len(pieces) == 0 {
				continue
			}
			last := pieces[len(pieces)-1]
			l := lane{fmt.Sprintf("  batch %d", batch), seconds(last.StartMs + last.ElapsedMs - pieces[0].StartMs), protocol.StatusSucceeded, pieces}
			if i > 0 {
				l.label = hedgeLabel
			}
			if last.bar == barFailed {
				l.end, l.status = marks[protocol.StatusFailed], protocol.StatusFailed
			}
			lanes = append(lanes, l)
		}
	}
	return lanes
}

// barOf returns the bar of an attempt of a Region; again says that another one came before it.
func barOf(a protocol.Attempt, r protocol.RegionOutcome, again bool) bar {
	s := statusOf(a, r)
	switch {
	case a.Error != "", s == protocol.StatusFailed, s == protocol.StatusTimedOut:
		return barFailed
	case a.Cause != "", s == protocol.StatusAborted:
		return barGiven
	case a.Hedge:
		return barHedge
	case again:
		return barRetry
	}
	return barFirst
}
