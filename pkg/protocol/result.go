package protocol

import (
	"encoding/json"
	"math"
	"time"
)

// A Result is what became of a run.
type Result struct {
	// RunID names the run. It is unique, and IDs sort by the start of their runs.
	RunID string `json:"runId"`

	// Name is the request's name for the run.
	Name string `json:"name,omitzero"`

	// Status is SUCCEEDED, FAILED, TIMED_OUT or ABORTED, or RUNNING if the run goes on after
	// this answer.
	Status Status `json:"status"`

	// Error and Cause say why Status is not SUCCEEDED.
	Error string `json:"error,omitzero"`
	Cause string `json:"cause,omitzero"`

	// Hint is a code for what a person can do about Error. Empty means that no remedy is
	// known, or that the Regions have it.
	Hint Hint `json:"hint,omitzero"`

	// StartedAt is when the run started, by the coordinator's clock, in UTC.
	StartedAt time.Time `json:"startedAt"`

	// ElapsedMs is how long the run took, in milliseconds.
	ElapsedMs float64 `json:"elapsedMs"`

	// Message tells ElapsedMs to a person: "That took 1.014 seconds".
	Message string `json:"message"`

	// Generations counts the coordinator invocations that have carried a kept run on, and
	// Redrives how many of these were redrives. Both are left out if the run is not kept.
	Generations int `json:"generations,omitzero"`
	Redrives    int `json:"redrives,omitzero"`

	// Notices lists the limits that changed how the run was done, a sentence each.
	Notices []string `json:"notices,omitzero"`

	// Truncated means that outputs, causes, attempts or ends of error names are
	// missing, because the result would not fit into a Lambda response, or a worker's
	// answer would not. The Regions that lost something are marked too.
	Truncated bool `json:"truncated,omitzero"`

	// Summary counts what Regions lists.
	Summary Summary `json:"summary"`

	// Lookups has the outcomes of the invocations that were made first, to find out where
	// to run: with [EnabledRegions], the outcome of the worker that listed these Regions. The
	// summary's attempts and cost count them. Nil means that there were none.
	Lookups []RegionOutcome `json:"lookups,omitzero"`

	// Regions has one outcome for each Region of the run, in the order of the request.
	Regions []RegionOutcome `json:"regions"`
}

// A Summary counts the outcomes of a run's Regions and targets.
type Summary struct {
	// Regions counts the outcomes of Regions: with accounts, of each account and Region.
	Regions Counts `json:"regions"`

	// Accounts counts the accounts, each with the worst of its outcomes. Nil means that
	// the request has none.
	Accounts *Counts `json:"accounts,omitzero"`

	// Targets counts the outcomes of targets, each once in each Region.
	Targets Counts `json:"targets"`

	// SerialMs is how long the targets that succeeded would have taken at least, one
	// after the other, in milliseconds. It is left out unless the parameters of the
	// task say how long a target takes, as those of "sleep" do: the time that a worker
	// measures includes the wait for other targets.
	SerialMs float64 `json:"serialMs,omitzero"`

	// Speedup is SerialMs divided by the ElapsedMs of the run. It is left out with
	// SerialMs.
	Speedup float64 `json:"speedup,omitzero"`

	// Attempts counts the attempts of invocations. Retries are those after an
	// invocation's first, without the Hedges, which were started beside a slow attempt.
	Attempts int `json:"attempts"`
	Retries  int `json:"retries"`
	Hedges   int `json:"hedges,omitzero"`

	// Throttled counts the attempts of invocations that were throttled. Concurrency
	// is the number of invocations in flight at which the run settled after that,
	// while enough invocations were left; it is left out if the throttles showed no
	// limit. Both are left out if nothing was throttled.
	Throttled   int `json:"throttled,omitzero"`
	Concurrency int `json:"concurrency,omitzero"`

	// TargetAttempts and TargetRetries count the same for targets.
	TargetAttempts int `json:"targetAttempts"`
	TargetRetries  int `json:"targetRetries"`

	// Cost is what the run cost. Nil means that it did not run on Lambda.
	Cost *Cost `json:"cost,omitzero"`
}

// A RegionOutcome is what became of one Region, or of one account in it.
type RegionOutcome struct {
	// Account is the account's id, and AccountName its name in the request or in the
	// organization. Empty means that the request has no accounts.
	Account     string `json:"account,omitzero"`
	AccountName string `json:"accountName,omitzero"`

	// Region is the AWS Region that the work was for, and Status how it ended.
	Region string `json:"region"`
	Status Status `json:"status"`

	// Error and Cause say why Status is not SUCCEEDED. FAILED and TIMED_OUT have both,
	// any other status has only the cause. If the Region has several invocations, they
	// come from the first one with the worst status.
	Error string `json:"error,omitzero"`
	Cause string `json:"cause,omitzero"`

	// Hint is a code for what a person can do about Error. Empty means that no remedy is
	// known.
	Hint Hint `json:"hint,omitzero"`

	// StartMs is when its first attempt started, in milliseconds from the start of the
	// run. ElapsedMs is the time from then until its last answer.
	StartMs   float64 `json:"startMs"`
	ElapsedMs float64 `json:"elapsedMs"`

	// WorkerRegion is the AWS Region in which the worker that answered last ran. Empty
	// means that none answered, or that it did not run on Lambda.
	WorkerRegion string `json:"workerRegion,omitzero"`

	// RequestID is Lambda's request ID of the last invocation that answered.
	RequestID string `json:"requestId,omitzero"`

	// Usage is what its invocations used on Lambda, all attempts included. Nil means
	// that none of them cost anything.
	Usage *Usage `json:"usage,omitzero"`

	// Truncated means that outputs, causes, attempts or ends of error names are
	// missing here, see [Result].
	Truncated bool `json:"truncated,omitzero"`

	// Attempts lists every attempt of its invocations, batch by batch.
	Attempts []Attempt `json:"attempts"`

	// Targets has one outcome for each target of the request, in the same order.
	Targets []TargetOutcome `json:"targets"`
}

// Invocations returns how many invocations the Region's attempts were made for, and how
// many attempts were retries. A hedge is no retry. Shared attempts do not count.
func (r *RegionOutcome) Invocations() (invocations, retries int) {
	batches := map[int]bool{}
	for _, a := range r.Attempts {
		if a.Shared {
			continue
		}
		batches[a.Batch] = true
		if !a.Hedge {
			retries++
		}
	}
	return len(batches), retries - len(batches)
}

// A TargetOutcome is what became of one target in one Region.
type TargetOutcome struct {
	// Target is the target as in the request, and Status how its work ended.
	Target string `json:"target"`
	Status Status `json:"status"`

	// Output is what the task returned. By convention its field "message" is a string:
	// the line to show to a person.
	Output json.RawMessage `json:"output,omitzero"`

	// DroppedOutputBytes is the length of an output that was dropped, because the
	// answers that carry it, or the memory that keeps it, hold no more. Zero means that
	// none was.
	DroppedOutputBytes int `json:"droppedOutputBytes,omitzero"`

	// Error and Cause say why Status is not SUCCEEDED. If the invocation failed, its
	// targets have its error name, and the Region has the cause.
	Error string `json:"error,omitzero"`
	Cause string `json:"cause,omitzero"`

	// ElapsedMs is the time from the start of its first attempt to the end of its last
	// one, in milliseconds, in the invocation that this outcome is from.
	ElapsedMs float64 `json:"elapsedMs"`

	// Attempts lists its attempts in order, including those in other invocations. Nil
	// means that there were none, or that they were lost with the invocation.
	Attempts []Attempt `json:"attempts,omitzero"`
}

// An Attempt is one try of an invocation or of a target.
type Attempt struct {
	// StartMs is when it started, in milliseconds. For an invocation it counts from the
	// start of the run. For a target it counts from the start of the worker's work,
	// because the clocks of two machines differ.
	StartMs float64 `json:"startMs"`

	// ElapsedMs is how long it took, in milliseconds.
	ElapsedMs float64 `json:"elapsedMs"`

	// Error names what went wrong. Empty means that nothing did. Cause is the text of
	// the error; only attempts of invocations have it.
	Error string `json:"error,omitzero"`
	Cause string `json:"cause,omitzero"`

	// WaitMs is the wait between this attempt and the next, in milliseconds.
	WaitMs float64 `json:"waitMs,omitzero"`

	// Batch is the number of the invocation in its Region, from 0.
	Batch int `json:"batch,omitzero"`

	// RequestID is Lambda's request ID of the invocation. Empty means that Lambda gave
	// none.
	RequestID string `json:"requestId,omitzero"`

	// Metrics is what the invocation used on Lambda. Nil means that it cost nothing.
	Metrics *Metrics `json:"metrics,omitzero"`

	// Hedge means that it was started beside a slow attempt. The slower of the two has
	// a cause and no error.
	Hedge bool `json:"hedge,omitzero"`

	// Shared means that its invocation served several Regions of an account. An outcome
	// before this one counts it, and has its metrics.
	Shared bool `json:"shared,omitzero"`

	// Abandoned means that it did not stop when its context ended, and was left
	// running.
	Abandoned bool `json:"abandoned,omitzero"`
}

// Milliseconds returns d in milliseconds, rounded to the microsecond, as in every field
// with a name that ends in Ms.
func Milliseconds(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Microsecond)) / 1000
}

// Duration returns a number of milliseconds as a duration.
func Duration(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }
