package protocol

import (
	"encoding/json"
	"math"
	"time"
)

// A Result is what became of a run.
type Result struct {
	// RunID names the run; it is unique, and IDs sort by the time of their run.
	RunID string `json:"runId"`

	// Name is the request's own name for the run.
	Name string `json:"name,omitzero"`

	// Status is SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
	Status Status `json:"status"`

	// Error and Cause say why Status is not SUCCEEDED.
	Error string `json:"error,omitzero"`
	Cause string `json:"cause,omitzero"`

	// StartedAt is when the run started, by the coordinator's clock, in UTC.
	StartedAt time.Time `json:"startedAt"`

	// ElapsedMs is how long the run took, in milliseconds.
	ElapsedMs float64 `json:"elapsedMs"`

	// Message says ElapsedMs to a person: "That took 1.014 seconds".
	Message string `json:"message"`

	// Notices says which limits changed how the run was done, a sentence each.
	Notices []string `json:"notices,omitzero"`

	// Truncated means that outputs, causes or records of attempts were left out
	// so that the result fits into Lambda's answer; the Regions they are missing
	// from say so too.
	Truncated bool `json:"truncated,omitzero"`

	// Summary counts what Regions lists.
	Summary Summary `json:"summary"`

	// Regions has one outcome for each Region of the run, in the order asked for.
	Regions []RegionOutcome `json:"regions"`
}

// A Summary counts what became of a run's Regions and targets.
type Summary struct {
	Regions Counts `json:"regions"`
	Targets Counts `json:"targets"`

	// SerialMs is how long the same attempts would have taken one after the
	// other, target by target, without waits between them, in milliseconds.
	SerialMs float64 `json:"serialMs"`

	// Speedup is SerialMs over the run's ElapsedMs.
	Speedup float64 `json:"speedup"`

	// Attempts counts the attempts of invocations, and Retries those of them
	// that were not an invocation's first.
	Attempts int `json:"attempts"`
	Retries  int `json:"retries"`

	// Throttled counts the attempts of invocations that were throttled, and
	// Concurrency is how many invocations at once the run had settled at because
	// of that, while at least so many were left. Both are left out when nothing
	// was throttled.
	Throttled   int `json:"throttled,omitzero"`
	Concurrency int `json:"concurrency,omitzero"`

	// TargetAttempts and TargetRetries count the same of targets.
	TargetAttempts int `json:"targetAttempts"`
	TargetRetries  int `json:"targetRetries"`

	// Cost is what the run cost. Nil means that it did not run on Lambda.
	Cost *Cost `json:"cost,omitzero"`
}

// A RegionOutcome is what became of one Region.
type RegionOutcome struct {
	Region string `json:"region"`
	Status Status `json:"status"`

	// Error and Cause say why Status is not SUCCEEDED: both when it is FAILED or
	// TIMED_OUT, else the cause alone. Of a Region with several invocations they are
	// those of the first with the worst status.
	Error string `json:"error,omitzero"`
	Cause string `json:"cause,omitzero"`

	// Hint says what a person can do about Error. Empty means that nothing is
	// known to help.
	Hint string `json:"hint,omitzero"`

	// StartMs is when its first attempt started, in milliseconds from the run's
	// start, and ElapsedMs how long it took from then to its last answer.
	StartMs   float64 `json:"startMs"`
	ElapsedMs float64 `json:"elapsedMs"`

	// RequestID is Lambda's id of the last invocation that answered.
	RequestID string `json:"requestId,omitzero"`

	// Usage is what its invocations took of Lambda, all attempts included. Nil
	// means that none of them cost anything.
	Usage *Usage `json:"usage,omitzero"`

	// Truncated means that its targets' outputs, its causes or its records of
	// attempts were left out so that the result fits.
	Truncated bool `json:"truncated,omitzero"`

	// Attempts lists every attempt of its invocations, batch by batch.
	Attempts []Attempt `json:"attempts"`

	// Targets has one outcome for each target of the request, in its order.
	Targets []TargetOutcome `json:"targets"`
}

// A TargetOutcome is what became of one target in one Region.
type TargetOutcome struct {
	Target string `json:"target"`
	Status Status `json:"status"`

	// Output is what the task returned. By convention its field "message", a
	// string, is the line that a person is shown.
	Output json.RawMessage `json:"output,omitzero"`

	// Error and Cause say why Status is not SUCCEEDED. A target whose invocation
	// failed has the invocation's error name, and the Region has the cause.
	Error string `json:"error,omitzero"`
	Cause string `json:"cause,omitzero"`

	// ElapsedMs is the time from its first attempt's start to its last one's
	// end, in milliseconds, in the invocation that the rest is of.
	ElapsedMs float64 `json:"elapsedMs"`

	// Attempts lists its attempts, in order, those in other invocations too. Nil means that none was made, or
	// that their record was lost with the invocation.
	Attempts []Attempt `json:"attempts,omitzero"`
}

// An Attempt is one try of an invocation or of a target.
type Attempt struct {
	// StartMs is when it started, in milliseconds from the start of the run for
	// an invocation, from the start of the worker's work for a target. (Two
	// machines' clocks differ; durations do not.)
	StartMs float64 `json:"startMs"`

	// ElapsedMs is how long it took, in milliseconds.
	ElapsedMs float64 `json:"elapsedMs"`

	// Error names what went wrong, and Cause is its text, for an invocation.
	// Empty means that nothing did.
	Error string `json:"error,omitzero"`
	Cause string `json:"cause,omitzero"`

	// WaitMs is the wait after it, before the next attempt, in milliseconds.
	WaitMs float64 `json:"waitMs,omitzero"`

	// Batch is the number of the invocation in its Region, from 0.
	Batch int `json:"batch,omitzero"`

	// RequestID is Lambda's id of the invocation, when Lambda told one.
	RequestID string `json:"requestId,omitzero"`

	// Metrics is what the invocation took of Lambda. Nil means that it cost
	// nothing.
	Metrics *Metrics `json:"metrics,omitzero"`

	// Hedge means that it was made beside a slow one. The slower one of the two
	// has a cause and no error.
	Hedge bool `json:"hedge,omitzero"`

	// Abandoned means that it ignored the end of its time and was left behind.
	Abandoned bool `json:"abandoned,omitzero"`
}

// Milliseconds returns d in milliseconds, to the microsecond: what every field
// whose name ends in Ms holds.
func Milliseconds(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Microsecond)) / 1000
}
