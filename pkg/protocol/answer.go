package protocol

import (
	"fmt"
	"slices"
	"strings"
)

// CheckAnswer returns an error if answer does not match request. A matching answer
// repeats the request's version, run, Region and batch. It has one outcome with a
// known status for each target, in the order of the request, and its own status
// agrees with them. Every duration in it is between 0 and MaxSeconds, and its
// WorkerRegion has the form of a Region's name.
func CheckAnswer(request *RegionRequest, answer *RegionResult) error {
	switch {
	case answer.Version != request.Version:
		return fmt.Errorf("answer has protocol version %d, want %d", answer.Version, request.Version)
	case answer.RunID != request.RunID:
		return fmt.Errorf("answer is for run %q, want %q", answer.RunID, request.RunID)
	case answer.Region != request.Region:
		return fmt.Errorf("answer is for Region %q, want %q", answer.Region, request.Region)
	case answer.Batch != request.Batch:
		return fmt.Errorf("answer is for batch %d, want %d", answer.Batch, request.Batch)
	case len(answer.Targets) != request.targetCount():
		return fmt.Errorf("answer has %d targets, want %d", len(answer.Targets), request.targetCount())
	case !validRegion(answer.WorkerRegion):
		return fmt.Errorf("answer has workerRegion %.40q, which is no name of a Region", answer.WorkerRegion)
	}
	if ms, invalid := invalidTime(answer); invalid {
		return fmt.Errorf("answer has a duration of %v ms", ms)
	}
	var counts Counts
	for _, region := range request.Work() {
		for _, target := range region.Targets {
			i := counts.Total
			t := answer.Targets[i]
			if t.Target != target {
				return fmt.Errorf("answer has target %q at %d, want %q", t.Target, i, target)
			}
			if !slices.Contains(Statuses(), t.Status) || t.Status == StatusRunning {
				return fmt.Errorf("answer has status %q for target %q", t.Status, t.Target)
			}
			counts.Add(t.Status)
		}
	}
	all := counts.Succeeded+counts.Skipped == counts.Total
	if (answer.Status == StatusSkipped) != (counts.Skipped == counts.Total) ||
		(answer.Status == StatusSucceeded) != (all && counts.Succeeded > 0) {
		return fmt.Errorf("answer has status %q with %d of %d targets succeeded and %d skipped",
			answer.Status, counts.Succeeded, counts.Total, counts.Skipped)
	}
	if !slices.Contains(Statuses(), answer.Status) || answer.Status == StatusNotStarted || answer.Status == StatusRunning {
		return fmt.Errorf("answer has status %q", answer.Status)
	}
	return nil
}

// validRegion reports whether s is empty or has the form of a Region's name. The longest
// name has 15 characters.
func validRegion(s string) bool {
	return len(s) <= 32 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// invalidTime returns the first duration in an answer that is out of range. Durations
// are added up, and a sum that is NaN or infinite cannot be written as JSON.
func invalidTime(answer *RegionResult) (ms float64, invalid bool) {
	valid := func(ms float64) bool { return ms >= 0 && ms <= MaxSeconds*1000 }
	if !valid(answer.ElapsedMs) {
		return answer.ElapsedMs, true
	}
	for _, t := range answer.Targets {
		if !valid(t.ElapsedMs) {
			return t.ElapsedMs, true
		}
		for _, a := range t.Attempts {
			if !valid(a.ElapsedMs) {
				return a.ElapsedMs, true
			}
		}
	}
	return 0, false
}
