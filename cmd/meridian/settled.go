package main

import (
	"slices"

	"meridian/pkg/protocol"
)

// remembered returns what a live view remembers of an outcome, which belongs to the run: its status
// and what a redrive selects by.
func remembered(o *protocol.RegionOutcome) protocol.RegionOutcome {
	r := protocol.RegionOutcome{Status: o.Status, Region: o.Region, Account: o.Account, AccountName: o.AccountName, Error: o.Error}
	for _, t := range o.Targets {
		if !slices.ContainsFunc(r.Targets, func(other protocol.TargetOutcome) bool { return other.Error == t.Error }) {
			r.Targets = append(r.Targets, protocol.TargetOutcome{Error: t.Error})
		}
	}
	return r
}

// failed returns 1 for a Region that has failed.
func failed(o protocol.RegionOutcome) int64 {
	if o.Status == protocol.StatusFailed || o.Status == protocol.StatusTimedOut {
		return 1
	}
	return 0
}

// isRedriven reports whether a redrive does a Region again.
func isRedriven(o *protocol.RegionOutcome, d *protocol.Redrive) bool {
	return o.Status != protocol.StatusSucceeded && o.Status != protocol.StatusSkipped && d.Selects(o)
}
