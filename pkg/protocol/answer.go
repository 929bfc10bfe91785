package protocol

import (
	"fmt"
	"slices"
)

// CheckAnswer returns why answer cannot be the answer to request, or nil: it
// repeats the request's version, run, Region and batch, and has one outcome, of
// a known status, for each target, in the order asked for; its own status agrees
// with theirs; and nothing in it took less than nothing or more than MaxSeconds.
func CheckAnswer(request RegionRequest, answer RegionResult) error {
	switch {
	case answer.Version != request.Version:
		return fmt.Errorf("answer has protocol version %d, want %d", answer.Version, request.Version)
	case answer.RunID != request.RunID:
		return fmt.Errorf("answer is of run %q, want %q", answer.RunID, request.RunID)
	case answer.Region != request.Region:
		return fmt.Errorf("answer is of Region %q, want %q", answer.Region, request.Region)
	case answer.Batch != request.Batch:
		return fmt.Errorf("answer is of batch %d, want %d", answer.Batch, request.Batch)
	case len(answer.Targets) != len(request.Targets):
		return fmt.Errorf("answer has %d targets, want %d", len(answer.Targets), len(request.Targets))
	}
	if ms, wrong := wrongTime(answer); wrong {
		return fmt.Errorf("answer has something take %v ms", ms)
	}
	var counts Counts
	for i, t := range answer.Targets {
		if t.Target != request.Targets[i] {
			return fmt.Errorf("answer has target %q at %d, want %q", t.Target, i, request.Targets[i])
		}
		if !slices.Contains(Statuses(), t.Status) {
			return fmt.Errorf("answer has status %q for target %q", t.Status, t.Target)
		}
		counts.Add(t.Status)
	}
	all := counts.Succeeded+counts.Skipped == counts.Total
	if (answer.Status == StatusSkipped) != (counts.Skipped == counts.Total) ||
		(answer.Status == StatusSucceeded) != (all && counts.Succeeded > 0) {
		return fmt.Errorf("answer has status %q with %d of %d targets succeeded and %d skipped",
			answer.Status, counts.Succeeded, counts.Total, counts.Skipped)
	}
	if !slices.Contains(Statuses(), answer.Status) || answer.Status == StatusNotStarted {
		return fmt.Errorf("answer has status %q", answer.Status)
	}
	return nil
}

// wrongTime returns the first time in an answer that nothing can have taken. Times
// are added up, and a sum that is no number cannot be written as JSON.
func wrongTime(answer RegionResult) (ms float64, wrong bool) {
	possible := func(ms float64) bool { return ms >= 0 && ms <= MaxSeconds*1000 }
	if !possible(answer.ElapsedMs) {
		return answer.ElapsedMs, true
	}
	for _, t := range answer.Targets {
		if !possible(t.ElapsedMs) {
			return t.ElapsedMs, true
		}
		for _, a := range t.Attempts {
			if !possible(a.ElapsedMs) {
				return a.ElapsedMs, true
			}
		}
	}
	return 0, false
}
