package coordinator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"meridian/internal/fanout"
	"meridian/pkg/protocol"
)

// gathered is what a run has gathered so far. A Region settles with its last unit.
type gathered struct {
	regions []gatheredRegion
	overdue bool // whether the run's time ended before some unit's turn
	summary protocol.Summary
}

// A gatheredRegion is a Region with some units settled.
type gatheredRegion struct {
	outcome protocol.RegionOutcome   // without outputs, which result adds
	batches []protocol.RegionOutcome // by batch number
	outputs [][]*protocol.Output     // of the targets of each batch, nil where there is none
	left    int                      // units not settled
	open    bool                     // whether another generation carries a unit on
	older   bool                     // whether its worker is older than this coordinator
}

// gather makes room for the plan's Regions. Those without units settle at once.
func (r *run) gather() {
	r.regions = make([]gatheredRegion, len(r.plan.Regions))
	for i, planned := range r.plan.Regions {
		g := &r.regions[i]
		g.left = len(planned.Batches)
		if g.left == 0 {
			g.outcome = r.plan.outcome(&planned)
			g.outcome.Status, g.outcome.Cause = protocol.StatusSkipped, "no service is listed in this Region"
			g.outcome.Attempts = []protocol.Attempt{}
			g.outcome.Targets = spread([]protocol.TargetOutcome{}, planned.Omitted, skipped)
			if len(planned.Omitted) > 0 { // else every service was asked for
				g.outcome.Cause = planned.Omitted[0].Cause
			}
			r.count(&g.outcome)
		}
		g.batches, g.outputs = make([]protocol.RegionOutcome, g.left), make([][]*protocol.Output, g.left)
	}
}

// add adds the outcome of a unit, and returns the indexes of the Regions that have settled
// with it.
func (r *run) add(u unit, o fanout.Outcome[*reply]) (settled []int) {
	refused := r.plan.Regions[u.region].Refused
	if refused != nil {
		o.Attempts = nil // nothing was invoked
	}
	whole, outputs := r.batch(u, o)
	if refused != nil && o.Status == fanout.Failed {
		whole.Hint = refused.Hint
	}
	r.overdue = r.overdue || o.Status == fanout.NotStarted && errors.Is(o.Err, context.DeadlineExceeded)
	if u.regions == 1 {
		if r.put(u.region, u.batch, whole, outputs) {
			settled = []int{u.region}
		}
		return settled
	}
	for i, part := range r.plan.parts(u, whole) {
		n := len(part.Targets)
		if at := u.region + i; r.put(at, u.batch, part, outputs[:n:n]) {
			settled = append(settled, at)
		}
		outputs = outputs[n:]
	}
	return settled
}

// put adds a batch to a Region, and reports whether the Region has settled with it.
func (r *run) put(at, batch int, b protocol.RegionOutcome, outputs []*protocol.Output) bool {
	g, planned := &r.regions[at], &r.plan.Regions[at]
	g.batches[batch], g.outputs[batch] = b, outputs
	g.older = g.older || b.Hint == protocol.HintDeployBoth && planned.Refused == nil
	if g.left--; g.left > 0 {
		return false
	}
	g.outcome = merge(r.plan.outcome(planned), g.batches, r.left())
	if r.plan.Request.Direct() && len(g.batches) > 1 {
		countFailed(&g.outcome)
	}
	g.outcome.Targets = spread(g.outcome.Targets, planned.Omitted, skipped)
	if r.loggedOutcomes != nil && r.loggedOutcomes[at] != nil {
		g.outcome = restoredOutcome(r.loggedOutcomes[at], g.outcome.Targets)
	}
	g.outputs = [][]*protocol.Output{spread(slices.Concat(g.outputs...), planned.Omitted, func(OmittedTarget) *protocol.Output { return nil })}
	g.batches = nil
	r.count(&g.outcome)
	return !g.open
}

// left returns the status of a Region that was started and has batches that were not.
func (r *run) left() protocol.Status {
	switch {
	case len(r.open) > 0:
		return protocol.StatusRunning
	case r.overdue:
		return protocol.StatusTimedOut
	}
	return protocol.StatusAborted
}

// batch returns the outcome of one unit, in the form of a Region with these targets
// only, and their outputs.
func (r *run) batch(u unit, o fanout.Outcome[*reply]) (b protocol.RegionOutcome, outputs []*protocol.Output) {
	b = protocol.RegionOutcome{
		Status: protocol.Status(o.Status), ElapsedMs: protocol.Milliseconds(o.Elapsed),
		Attempts: make([]protocol.Attempt, 0, len(o.Attempts)), // never nil: readers range over it
	}
	switch o.Status {
	case fanout.Failed, fanout.TimedOut:
		b.Error = protocol.CutErrorName(fanout.ErrorName(o.Err))
		b.Cause = protocol.Cause(o.Err)
		b.Hint = hint(o.Err)
	case fanout.Aborted, fanout.NotStarted, fanout.Skipped:
		b.Cause = protocol.Cause(o.Err)
	case fanout.Succeeded:
	}
	b.Targets, outputs = r.unanswered(u, b), make([]*protocol.Output, len(u.targets))
	begun, answered := make([]bool, len(u.targets)), make([]bool, len(u.targets))
	for i, a := range o.Attempts {
		aborted := wasAborted(a, o.Status == fanout.Aborted && i == len(o.Attempts)-1)
		attempt, reply := r.attempt(u, a, o.Value, aborted)
		b.Attempts = append(b.Attempts, attempt)
		b.RequestID = cmp.Or(attempt.RequestID, b.RequestID)
		b.WorkerRegion = cmp.Or(reply.workerRegion, b.WorkerRegion)
		b.Truncated = b.Truncated || reply.truncated
		r.regions[u.region].older = r.regions[u.region].older || reply.older
		for j, t := range reply.targets {
			at := index(reply.at, j)
			known := &b.Targets[at]
			r.summary.TargetRetries += len(t.Attempts)
			if len(t.Attempts) > 0 && (a.Hedge || !begun[at]) {
				r.summary.TargetRetries-- // the first attempt is no retry, nor is that of a hedge
			}
			begun[at] = begun[at] || !a.Hedge
			t.Attempts = append(known.Attempts, t.Attempts...)
			if answered[at] && !replaces(t.Status, known.Status) {
				known.Attempts = t.Attempts
				continue
			}
			*known, outputs[at], answered[at] = t, reply.outputs[j], true
		}
	}
	if b.Status == protocol.StatusFailed && b.Error == protocol.ErrorExceedToleratedFailureThreshold && !r.plan.Request.Direct() {
		countFailed(&b) // the worker has counted those that it was sent
	}
	if started := o.Started(); !started.IsZero() {
		b.StartMs = r.sinceBegin(started)
	}
	if r.plan.Request.Direct() {
		r.addAttempts(&b, o)
	}
	return b, outputs
}

// sinceBegin returns the milliseconds from the run's start to t.
func (r *run) sinceBegin(t time.Time) float64 { return protocol.Milliseconds(t.Sub(r.begin)) }

// count adds a settled Region to the summary.
func (r *run) count(o *protocol.RegionOutcome) {
	s := &r.summary
	s.Regions.Add(o.Status)
	counted := 0
	for _, a := range o.Attempts {
		if !a.Shared {
			counted++
		}
	}
	invocations, retries := o.Invocations()
	s.Attempts += counted
	s.Retries += retries
	s.Hedges += counted - invocations - retries
	for _, t := range o.Targets {
		s.Targets.Add(t.Status)
		s.TargetAttempts += len(t.Attempts)
	}
}

// judge returns the verdict on a run: that of the engine, unless there was nothing to do, or
// the accounts are not known. Then no tolerance applies.
func (r *run) judge(v fanout.Verdict) fanout.Verdict {
	if v.Status != fanout.Succeeded && v.Status != fanout.Failed {
		return v
	}
	refused, c := r.lookups, r.summary.Regions
	switch {
	case refused.Error != "":
		v.Status, v.Err = fanout.Failed, &RefusedError{Name: refused.Error, Cause: refused.Cause}
	case v.Status == fanout.Succeeded && c.Skipped == c.Total:
		v.Status, v.Err = fanout.Failed, r.allSkipped()
	}
	return v
}

// result returns the result of a run that has ended.
func (r *run) result(v fanout.Verdict) protocol.Result {
	elapsed := time.Since(r.begin)
	if r.history != nil {
		elapsed -= r.history.idle
	}
	v = r.judge(v)
	result := protocol.Result{
		RunID:     r.plan.RunID,
		Name:      r.plan.Request.Name,
		Status:    protocol.Status(v.Status),
		StartedAt: r.begin.UTC(),
		ElapsedMs: protocol.Milliseconds(elapsed),
		Message:   fmt.Sprintf("That took %.3f seconds", elapsed.Seconds()),
		Notices:   r.notices,
		Summary:   r.summary,
		Lookups:   r.lookups.Regions,
		Regions:   make([]protocol.RegionOutcome, len(r.regions)),
	}
	for i := range r.regions {
		region := &result.Regions[i]
		*region = r.regions[i].outcome
		give(region, r.regions[i].outputs)
		result.Truncated = result.Truncated || region.Truncated
	}
	s := &result.Summary
	s.Accounts = r.accounts()
	before := r.lookups.Summary
	s.Throttled, s.Concurrency = v.Throttled+before.Throttled, v.Concurrency
	s.Attempts += before.Attempts
	s.Retries += before.Retries
	if serial := r.serialMs(result.ElapsedMs); serial > 0 {
		s.SerialMs = rounded(serial, 1000)
		s.Speedup = rounded(s.SerialMs/result.ElapsedMs, 100)
	}
	r.account(&result, r.worked(elapsed))
	if r.history != nil {
		result.Generations, result.Redrives = len(r.history.spans), r.history.redrives
		s.Throttled += r.history.throttled
	}
	if len(r.open) > 0 {
		result.Status, result.Message = protocol.StatusRunning, fmt.Sprintf("%.3f seconds so far", elapsed.Seconds())
		return result
	}
	if v.Status == fanout.Failed {
		result.Hint = r.lookups.Hint
	}
	if v.Status == fanout.TimedOut && r.cut {
		result.Hint = protocol.HintRaiseTimeout
	}
	if v.Err != nil {
		result.Cause = r.cause(v)
		if v.Status != fanout.Aborted {
			result.Error = protocol.CutErrorName(fanout.ErrorName(v.Err))
		}
	}
	return result
}
