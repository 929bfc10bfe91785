package coordinator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"meridian/internal/fanout"
	"meridian/pkg/protocol"
)

// A gathering collects the units' outcomes into those of Regions. A Region
// settles with its last unit.
type gathering struct {
	plan     *plan
	billing  Billing
	memoryMB int  // of the coordinator
	regional bool // whether each Region has its own worker, and prices
	begin    time.Time
	regions  []gatheredRegion
	done     int // Regions that have settled
	serial   float64
	overdue  bool // whether the run's time was over before some unit's turn
	summary  protocol.Summary
}

// A gatheredRegion is a Region of which some units have settled.
type gatheredRegion struct {
	outcome protocol.RegionOutcome   // without outputs, which result gives it
	batches []protocol.RegionOutcome // by batch number
	outputs [][]*json.RawMessage     // of the targets of each batch, where there is one
	left    int                      // units not settled
}

func (c *Coordinator) newGathering(p *plan, begin time.Time) *gathering {
	g := &gathering{
		plan: p, billing: c.Billing, memoryMB: c.MemoryMB, regional: c.Regional, begin: begin, regions: make([]gatheredRegion, len(p.regions)),
	}
	for _, u := range p.units {
		g.regions[u.region].left++
	}
	for i := range g.regions {
		r := &g.regions[i]
		if r.left == 0 { // no service is listed in the Region, and every one was asked for
			r.outcome = protocol.RegionOutcome{
				Region: p.regions[i], Status: protocol.StatusSkipped, Cause: "no service is listed in this Region",
				Attempts: []protocol.Attempt{}, Targets: []protocol.TargetOutcome{},
			}
			g.done++
			g.count(&r.outcome)
		}
		r.batches, r.outputs = make([]protocol.RegionOutcome, r.left), make([][]*json.RawMessage, r.left)
	}
	return g
}

// add takes in the outcome of unit i, and returns its Region's when that was the
// last one it waited for, else nil.
func (g *gathering) add(i int, o fanout.Outcome[reply]) *protocol.RegionOutcome {
	u := g.plan.units[i]
	r := &g.regions[u.region]
	r.batches[u.batch], r.outputs[u.batch] = g.batch(u, o)
	g.overdue = g.overdue || o.Status == fanout.NotStarted && errors.Is(o.Err, context.DeadlineExceeded)
	if r.left--; r.left > 0 {
		return nil
	}
	r.outcome = merge(g.plan.regions[u.region], r.batches, g.overdue)
	r.outcome.Hint = hint(r.outcome.Error, g.regional)
	r.batches = nil
	g.done++
	g.count(&r.outcome)
	return &r.outcome
}

// batch is what became of one unit, told as of a Region with these targets only, and
// where their outputs are.
func (g *gathering) batch(u unit, o fanout.Outcome[reply]) (b protocol.RegionOutcome, outputs []*json.RawMessage) {
	b = protocol.RegionOutcome{
		Status: protocol.Status(o.Status), ElapsedMs: protocol.Milliseconds(o.Elapsed),
		Attempts: make([]protocol.Attempt, 0, len(o.Attempts)), // never nil: readers range over it
	}
	switch o.Status {
	case fanout.Failed, fanout.TimedOut:
		b.Error = protocol.CutErrorName(fanout.ErrorName(o.Err))
		b.Cause = protocol.Cause(o.Err)
	case fanout.Aborted, fanout.NotStarted, fanout.Skipped:
		b.Cause = protocol.Cause(o.Err)
	case fanout.Succeeded:
	}
	b.Targets, outputs = make([]protocol.TargetOutcome, len(u.targets)), make([]*json.RawMessage, len(u.targets))
	position, told := make(map[string]int, len(u.targets)), make([]bool, len(u.targets))
	for i, target := range u.targets {
		b.Targets[i] = protocol.TargetOutcome{Target: target, Status: b.Status, Error: b.Error}
		position[target] = i
	}
	for i, a := range o.Attempts {
		brought, seen := replyOf(o, i)
		attempt := attemptOf(a, g.begin, u.batch)
		attempt.RequestID, attempt.Metrics = brought.report.RequestID, g.metrics(a, brought, seen)
		if o.Status == fanout.Aborted && i == len(o.Attempts)-1 && a.Wait == 0 {
			attempt.Error = "" // it was given up while it ran, it did not fail
		}
		b.Attempts = append(b.Attempts, attempt)
		if attempt.RequestID != "" {
			b.RequestID = attempt.RequestID
		}
		b.Truncated = b.Truncated || brought.truncated
		g.serial += attempt.ElapsedMs - brought.elapsedMs
		for j, t := range brought.targets {
			g.serial += attemptsMs(t)
			at := position[t.Target]
			known := &b.Targets[at]
			t.Attempts = append(known.Attempts, t.Attempts...)
			if told[at] && !replaces(t.Status, known.Status) {
				known.Attempts = t.Attempts
				continue
			}
			t.Error = protocol.CutErrorName(t.Error)
			*known, outputs[at], told[at] = t, &brought.outputs[j], true
		}
	}
	if started := o.Started(); !started.IsZero() {
		b.StartMs = protocol.Milliseconds(started.Sub(g.begin))
	}
	return b, outputs
}

// attemptsMs returns how long the attempts at a target took, without the waits
// between them. Of one whose records were lost it is all of its time.
func attemptsMs(t protocol.TargetOutcome) (ms float64) {
	if len(t.Attempts) == 0 {
		return t.ElapsedMs
	}
	for _, a := range t.Attempts {
		ms += a.ElapsedMs
	}
	return ms
}

// replyOf returns what attempt i of an outcome brought back, and whether its end
// was seen.
func replyOf(o fanout.Outcome[reply], i int) (brought reply, seen bool) {
	if o.Attempts[i].Err == nil {
		return o.Value, true
	}
	if failed, ok := errors.AsType[*invocationError](o.Attempts[i].Err); ok {
		return failed.reply, true
	}
	return reply{}, false
}

func attemptOf(a fanout.Attempt, begin time.Time, batch int) protocol.Attempt {
	return protocol.Attempt{
		StartMs:   protocol.Milliseconds(a.Start.Sub(begin)),
		ElapsedMs: protocol.Milliseconds(a.Elapsed),
		Error:     protocol.CutErrorName(a.Name),
		Cause:     protocol.Cause(a.Err),
		WaitMs:    protocol.Milliseconds(a.Wait),
		Batch:     batch,
		Abandoned: a.Abandoned,
		Hedge:     a.Hedge,
	}
}

// merge makes one Region's outcome of its batches. Its status is the worst of
// theirs, and error and cause are those of the first batch that has it. One of
// which the run's end left some batches undone was started and then given up, or
// when it is overdue, has timed out.
func merge(region string, batches []protocol.RegionOutcome, overdue bool) protocol.RegionOutcome {
	if len(batches) == 1 {
		batches[0].Region = region
		return batches[0]
	}
	worst := slices.MaxFunc(batches, func(a, b protocol.RegionOutcome) int { return severity(a.Status) - severity(b.Status) })
	merged := protocol.RegionOutcome{
		Region: region, Status: worst.Status, Error: worst.Error, Cause: worst.Cause, StartMs: math.Inf(1),
		Attempts: []protocol.Attempt{},
	}
	var end float64
	for _, b := range batches {
		if len(b.Attempts) > 0 {
			merged.StartMs = min(merged.StartMs, b.StartMs)
			end = max(end, b.StartMs+b.ElapsedMs)
		}
		if b.RequestID != "" {
			merged.RequestID = b.RequestID
		}
		merged.Truncated = merged.Truncated || b.Truncated
		merged.Attempts = append(merged.Attempts, b.Attempts...)
		merged.Targets = append(merged.Targets, b.Targets...)
	}
	if len(merged.Attempts) == 0 {
		merged.StartMs, merged.Status = 0, protocol.StatusNotStarted
		return merged
	}
	if merged.Status == protocol.StatusNotStarted {
		merged.Status = protocol.StatusAborted
		if overdue {
			merged.Status, merged.Error = protocol.StatusTimedOut, protocol.ErrorTimeout
		}
	}
	merged.ElapsedMs = protocol.Milliseconds(time.Duration((end - merged.StartMs) * float64(time.Millisecond)))
	return merged
}

// severity orders the statuses of batches: that of a Region is the highest.
func severity(s protocol.Status) int {
	switch s {
	case protocol.StatusFailed:
		return 5
	case protocol.StatusTimedOut:
		return 4
	case protocol.StatusAborted:
		return 3
	case protocol.StatusNotStarted:
		return 2
	case protocol.StatusSucceeded:
		return 1
	case protocol.StatusSkipped:
		return 0
	}
	return 0
}

// count adds a settled Region to the summary.
func (g *gathering) count(r *protocol.RegionOutcome) {
	s := &g.summary
	s.Regions.Add(r.Status)
	s.Attempts += len(r.Attempts)
	units := map[int]bool{}
	for _, a := range r.Attempts {
		units[a.Batch] = true
	}
	s.Retries += len(r.Attempts) - len(units)
	for _, t := range r.Targets {
		s.Targets.Add(t.Status)
		s.TargetAttempts += len(t.Attempts)
		s.TargetRetries += max(len(t.Attempts)-1, 0)
	}
}

// result closes the books.
func (g *gathering) result(v fanout.Verdict) protocol.Result {
	elapsed := time.Since(g.begin)
	r := protocol.Result{
		RunID:     g.plan.runID,
		Name:      g.plan.request.Name,
		Status:    protocol.Status(v.Status),
		StartedAt: g.begin.UTC(),
		ElapsedMs: protocol.Milliseconds(elapsed),
		Message:   fmt.Sprintf("That took %.3f seconds", elapsed.Seconds()),
		Notices:   g.plan.notices,
		Summary:   g.summary,
		Regions:   make([]protocol.RegionOutcome, len(g.regions)),
	}
	g.plan.outputs.close()
	for i := range g.regions {
		r.Regions[i] = g.regions[i].outcome
		g.plan.outputs.give(i, &r.Regions[i], g.regions[i].outputs)
		r.Truncated = r.Truncated || r.Regions[i].Truncated
	}
	r.Summary.Throttled, r.Summary.Concurrency = v.Throttled, v.Concurrency
	r.Summary.SerialMs = math.Round(g.serial*1000) / 1000
	if r.ElapsedMs > 0 {
		r.Summary.Speedup = math.Round(100*r.Summary.SerialMs/r.ElapsedMs) / 100
	}
	g.account(&r, elapsed)
	if v.Err != nil {
		r.Cause = g.cause(v)
		if v.Status != fanout.Aborted {
			r.Error = protocol.CutErrorName(fanout.ErrorName(v.Err))
		}
	}
	return r
}

// cause says why the run did not succeed, and shows the first Region it is about.
func (g *gathering) cause(v fanout.Verdict) string {
	c := g.summary.Regions
	if v.Status != fanout.Failed {
		return protocol.CutCause(fmt.Sprintf("%v; %d of %d Regions not finished",
			v.Err, c.TimedOut+c.Aborted+c.NotStarted, c.Total))
	}
	for _, r := range g.regions {
		if o := r.outcome; o.Status == protocol.StatusFailed || o.Status == protocol.StatusTimedOut {
			return protocol.CutCause(fmt.Sprintf("%v; %s: %s: %s", v.Err, o.Region, o.Error, o.Cause))
		}
	}
	return v.Err.Error()
}
