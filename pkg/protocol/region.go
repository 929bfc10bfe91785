package protocol

import (
	"bytes"
	"encoding/json"
)

// A RegionRequest is one invocation: what a coordinator sends to a worker.
type RegionRequest struct {
	// Version is the lowest protocol version that the worker must know, see [VersionFor].
	Version int `json:"version"`

	// RunID names the run; the answer repeats it.
	RunID string `json:"runId"`

	// Region is the AWS Region to do the work for, as in eu-west-1. The worker may run
	// in another one. Empty means that Regions has several.
	Region string `json:"region"`

	// Batch numbers the Region's invocations from 0; the answer repeats it.
	Batch int `json:"batch"`

	// Attempt numbers the attempts of this invocation from 1.
	Attempt int `json:"attempt"`

	// Task is the kind of work to do for each target.
	Task string `json:"task"`

	// Parameters is the task's own object. Nil means {}.
	Parameters json.RawMessage `json:"parameters,omitzero"`

	// Targets lists what to work on. The answer keeps this order. Nil means that Regions
	// has them.
	Targets []string `json:"targets,omitzero" max:"10000"`

	// Inputs has the inputs of targets by their names. A target without one is not in it.
	// Nil means that none has one.
	Inputs Inputs `json:"inputs,omitzero"`

	// Regions lists the targets of several Regions. The answer has the outcomes of one
	// Region after the other. Nil means that Region and Targets say what to do.
	Regions []RegionTargets `json:"regions,omitzero" max:"200"`

	// Account names the credentials to use. Nil means the worker's own.
	Account *Access `json:"account,omitzero"`

	// Policy says how to work through the targets.
	Policy TargetPolicy `json:"policy,omitzero"`

	// BudgetMs is how long the coordinator waits for the answer, in milliseconds from
	// the arrival of the request. It is a duration, because the clocks of two machines
	// differ. The worker answers within it. Zero means that only the worker's own
	// deadline is a limit.
	BudgetMs float64 `json:"budgetMs,omitzero"`
}

// A RegionTargets has the targets of one Region of several.
type RegionTargets struct {
	// Region is the AWS Region to do the work for.
	Region string `json:"region"`

	// Targets lists what to work on there.
	Targets []string `json:"targets" max:"10000"`
}

// Work returns the Regions and targets of r, in the order in which the answer has the
// outcomes.
func (r RegionRequest) Work() []RegionTargets {
	if r.Regions != nil {
		return r.Regions
	}
	return []RegionTargets{{r.Region, r.Targets}}
}

// targetCount returns how many targets r has.
func (r RegionRequest) targetCount() (n int) {
	for _, region := range r.Work() {
		n += len(region.Targets)
	}
	return n
}

// A TargetPolicy says how a worker works through its targets.
type TargetPolicy struct {
	// MaxConcurrency bounds the targets that are processed at once, 0 to MaxTargets.
	// Zero means DefaultTargetMaxConcurrency.
	MaxConcurrency int `json:"maxConcurrency,omitzero"`

	// TimeoutSeconds bounds one attempt of a target, 0 to MaxSeconds. Zero means the
	// remaining time of the invocation.
	TimeoutSeconds float64 `json:"timeoutSeconds,omitzero"`

	// Retry holds the retriers, scanned in order. Nil means none.
	Retry []Retrier `json:"retry,omitzero" max:"100"`
}

// A RegionResult is a worker's answer to a RegionRequest.
type RegionResult struct {
	// Version, RunID, Region and Batch repeat the fields of the request.
	Version int    `json:"version"`
	RunID   string `json:"runId"`
	Region  string `json:"region"`
	Batch   int    `json:"batch"`

	// Status is SUCCEEDED if every target succeeded or was skipped, SKIPPED if all
	// were skipped, TIMED_OUT if the time ran out first, ABORTED if the worker was
	// stopped, otherwise FAILED.
	Status Status `json:"status"`

	// Error and Cause say why Status is neither SUCCEEDED nor SKIPPED.
	Error string `json:"error,omitzero"`
	Cause string `json:"cause,omitzero"`

	// WorkerVersion is the worker's [Version]. Zero means that it does not say.
	WorkerVersion int `json:"workerVersion,omitzero"`

	// WorkerRegion is the AWS Region in which the worker runs. Empty means that it does
	// not run on Lambda.
	WorkerRegion string `json:"workerRegion,omitzero"`

	// ElapsedMs is how long the worker worked, in milliseconds.
	ElapsedMs float64 `json:"elapsedMs"`

	// Truncated means that [Fit] removed outputs, causes, attempts or ends of error
	// names.
	Truncated bool `json:"truncated,omitzero"`

	// Targets has one outcome for each target of the request, in the same order.
	Targets []TargetOutcome `json:"targets"`
}

// Encode returns r as JSON. It does not escape for HTML: that could make a request up
// to six times as long, too long for Lambda. The error says that Parameters are not
// JSON, or that a number is not finite. For the many requests of a run, use
// [Envelope.Encode].
func (r RegionRequest) Encode() ([]byte, error) { return Marshal(&r) }

// Marshal returns v as JSON without escapes for HTML.
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
