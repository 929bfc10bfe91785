package regionworker

import (
	"fmt"
	"time"

	"meridian/internal/fanout"
	"meridian/pkg/protocol"
)

// outcomeOf returns the outcome of one target as a message of the protocol, and its
// output if it succeeded.
func outcomeOf(target string, begin time.Time, o fanout.Outcome[*protocol.Output]) (protocol.TargetOutcome, *protocol.Output) {
	t := protocol.TargetOutcome{
		Target:    target,
		Status:    protocol.Status(o.Status),
		ElapsedMs: protocol.Milliseconds(o.Elapsed),
	}
	if o.Err != nil {
		t.Cause = protocol.Cause(o.Err)
	}
	if o.Status == fanout.Failed || o.Status == fanout.TimedOut {
		t.Error = protocol.CutErrorName(fanout.ErrorName(o.Err))
	}
	for _, a := range o.Attempts {
		t.Attempts = append(t.Attempts, protocol.Attempt{
			StartMs:   protocol.Milliseconds(a.Start.Sub(begin)),
			ElapsedMs: protocol.Milliseconds(a.Elapsed),
			Error:     protocol.CutErrorName(a.Name),
			WaitMs:    protocol.Milliseconds(a.Wait),
			Abandoned: a.Abandoned,
		})
	}
	if o.Status != fanout.Succeeded {
		return t, nil
	}
	return t, o.Value
}

// conclude sets the result's status and, unless it succeeded, its error and its cause,
// which names the first target that failed, if one did, and its Region if there are several.
func conclude(r *protocol.RegionResult, items []item, v fanout.Verdict) {
	var counts protocol.Counts
	for _, t := range r.Targets {
		counts.Add(t.Status)
	}
	r.Status = protocol.Status(v.Status)
	switch {
	case counts.Skipped == counts.Total:
		r.Status = protocol.StatusSkipped
	case v.Status != fanout.Succeeded:
		r.Error = fanout.ErrorName(v.Err)
		r.Cause = protocol.CutCause(cause(r, items, counts, v))
	}
}

func cause(r *protocol.RegionResult, items []item, counts protocol.Counts, v fanout.Verdict) string {
	if v.Status != fanout.Failed {
		return fmt.Sprintf("%v; %d of %d targets not finished",
			v.Err, counts.TimedOut+counts.Aborted+counts.NotStarted, counts.Total)
	}
	for n, t := range r.Targets {
		if t.Status.IsFailure() {
			where := t.Target
			if r.Region == "" {
				where = items[n].region + ": " + where
			}
			return fmt.Sprintf("%d of %d targets failed; %s: %s: %s",
				counts.Failed+counts.TimedOut, counts.Total, where, t.Error, t.Cause)
		}
	}
	return v.Err.Error()
}
