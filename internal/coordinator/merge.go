package coordinator

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"meridian/pkg/protocol"
)

// merge returns the outcome of a Region from its batches; of has its names. Its status is the
// worst of the batches, with the error and the cause of the first batch that has it. When the
// run's end left batches undone, the Region was started and then given up, and has the status
// left.
func merge(of protocol.RegionOutcome, batches []protocol.RegionOutcome, left protocol.Status) protocol.RegionOutcome {
	if len(batches) == 1 {
		merged := batches[0]
		merged.Account, merged.AccountName, merged.Region = of.Account, of.AccountName, of.Region
		return merged
	}
	worst := slices.MaxFunc(batches, func(a, b protocol.RegionOutcome) int { return severity(a.Status) - severity(b.Status) })
	merged := of
	merged.Status, merged.Error, merged.Cause, merged.Hint = worst.Status, worst.Error, worst.Cause, worst.Hint
	merged.StartMs, merged.Attempts = math.Inf(1), []protocol.Attempt{}
	var end float64
	for _, b := range batches {
		if len(b.Attempts) > 0 {
			merged.StartMs = min(merged.StartMs, b.StartMs)
			end = max(end, b.StartMs+b.ElapsedMs)
		}
		merged.RequestID = cmp.Or(b.RequestID, merged.RequestID)
		merged.WorkerRegion = cmp.Or(b.WorkerRegion, merged.WorkerRegion)
		merged.Truncated = merged.Truncated || b.Truncated
		merged.Attempts = append(merged.Attempts, b.Attempts...)
		merged.Targets = append(merged.Targets, b.Targets...)
	}
	if len(merged.Attempts) == 0 {
		if merged.StartMs = 0; merged.Status != protocol.StatusRunning {
			merged.Status = protocol.StatusNotStarted
		}
		return merged
	}
	if merged.Status == protocol.StatusNotStarted {
		if merged.Status = left; left == protocol.StatusTimedOut {
			merged.Error = protocol.ErrorTimeout
		}
	}
	merged.ElapsedMs = protocol.Milliseconds(protocol.Duration(end - merged.StartMs))
	return merged
}

// severity orders the statuses of batches: a Region has the most severe one.
func severity(s protocol.Status) int {
	switch s {
	case protocol.StatusRunning:
		return 6
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

// countFailed says in the outcome of a Region with several invocations how many targets failed,
// as a regionworker does.
func countFailed(o *protocol.RegionOutcome) {
	if _, cause := failed(o.Targets); o.Status == protocol.StatusFailed {
		o.Error, o.Cause = protocol.ErrorExceedToleratedFailureThreshold, protocol.CutCause(cause)
	}
}

// failed returns the first target that failed, or nil, and says how many did.
func failed(targets []protocol.TargetOutcome) (first *protocol.TargetOutcome, cause string) {
	n := 0
	for i := range targets {
		if targets[i].Status.IsFailure() {
			n++
			first = cmp.Or(first, &targets[i])
		}
	}
	if first == nil {
		return nil, ""
	}
	return first, fmt.Sprintf("%d of %d targets failed; %s: %s: %s", n, len(targets), first.Target, first.Error, first.Cause)
}
