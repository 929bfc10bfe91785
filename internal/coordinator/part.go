package coordinator

import (
	"fmt"
	"slices"

	"meridian/pkg/protocol"
)

// parts returns the outcomes of the Regions of a unit with several, in the form of batches.
// whole is the outcome of all its targets. A Region has succeeded if all its targets are done,
// also if another Region of the unit failed.
func (p *Plan) parts(u unit, whole protocol.RegionOutcome) []protocol.RegionOutcome {
	parts := make([]protocol.RegionOutcome, u.regions)
	begin := 0
	for i, n := range p.sizes(u) {
		parts[i] = partOf(whole, whole.Targets[begin:begin+n:begin+n], u.progress.ended)
		begin += n
	}
	share(parts, whole.Attempts)
	return parts
}

// partOf returns the outcome of one Region with these targets, without its attempts. ended
// says that the run had ended.
func partOf(whole protocol.RegionOutcome, targets []protocol.TargetOutcome, ended bool) protocol.RegionOutcome {
	part := whole
	part.Targets, part.Attempts = targets, nil
	statuses := make([]protocol.Status, len(targets))
	var counts protocol.Counts
	for i, t := range targets {
		statuses[i] = t.Status
		counts.Add(t.Status)
	}
	with := func(name string, status protocol.Status, cause string) protocol.RegionOutcome {
		part.Status, part.Error, part.Cause, part.Hint = status, name, cause, ""
		return part
	}
	switch status := together(statuses); {
	case !done(status):
	case status == protocol.StatusSkipped:
		return with("", status, targets[0].Cause)
	default:
		return with("", status, "")
	}
	unfinished := targets[slices.IndexFunc(statuses, func(s protocol.Status) bool { return !done(s) })]
	failed := slices.Index(statuses, protocol.StatusFailed)
	switch {
	case whole.Status != protocol.StatusFailed || unfinished.Cause == "": // no worker has answered, or the run's end is the cause for all
		return part
	case failed >= 0:
		t := targets[failed]
		part.Cause = protocol.CutCause(fmt.Sprintf("%d of %d targets failed; %s: %s: %s",
			counts.Failed+counts.TimedOut, counts.Total, t.Target, t.Error, t.Cause))
		return part
	case ended && isCut(statuses):
		return with("", protocol.StatusAborted, unfinished.Cause)
	}
	return with(protocol.ErrorTimeout, protocol.StatusTimedOut, unfinished.Cause)
}

// share gives each part of a unit the unit's attempts. The first part counts them; in the
// others they are Shared, and have no metrics.
func share(parts []protocol.RegionOutcome, attempts []protocol.Attempt) {
	parts[0].Attempts = attempts
	for i := range parts[1:] {
		shared := slices.Clone(attempts)
		for k := range shared {
			shared[k].Shared, shared[k].Metrics = true, nil
		}
		parts[1+i].Attempts = shared
	}
}

// accounts counts the accounts of the run, each with the worst of its outcomes, or returns
// nil if there are none.
func (r *run) accounts() *protocol.Counts {
	if r.plan.Accounts == nil {
		return nil
	}
	worst := make([]protocol.Status, len(r.plan.Accounts))
	for i, planned := range r.plan.Regions {
		if planned.Account == 0 {
			continue
		}
		w, s := &worst[planned.Account-1], r.regions[i].outcome.Status
		if *w == "" || severity(s) > severity(*w) {
			*w = s
		}
	}
	counts := new(protocol.Counts)
	for _, s := range worst {
		if s != "" {
			counts.Add(s)
		}
	}
	return counts
}
