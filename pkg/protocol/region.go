package protocol

import (
	"bytes"
	"encoding/json"
	"time"
)

// A RegionRequest is one invocation: what a coordinator sends to a worker.
type RegionRequest struct {
	// Version is the Version that the coordinator speaks.
	Version int `json:"version"`

	// RunID names the run; the answer repeats it.
	RunID string `json:"runId"`

	// Region is the AWS Region to do the work for, as in eu-west-1. The worker need
	// not stand in it.
	Region string `json:"region"`

	// Batch numbers the Region's invocations from 0; the answer repeats it.
	Batch int `json:"batch"`

	// Attempt numbers the attempts of this invocation from 1.
	Attempt int `json:"attempt"`

	// Task is the kind of work to do for each target.
	Task string `json:"task"`

	// Parameters is the task's own object. Nil means {}.
	Parameters json.RawMessage `json:"parameters,omitzero"`

	// Targets lists what to work on, in the order the answer keeps.
	Targets []string `json:"targets"`

	// Policy says how to work through them.
	Policy TargetPolicy `json:"policy,omitzero"`

	// BudgetMs is how long the coordinator waits for the answer, in
	// milliseconds from when the request arrives: a duration, because two
	// machines' clocks differ. The worker answers before it has passed. Zero
	// means no limit but the worker's own deadline.
	BudgetMs float64 `json:"budgetMs,omitzero"`
}

// A TargetPolicy says how a worker works through its targets.
type TargetPolicy struct {
	// MaxConcurrency bounds the targets in hand at once, 0 to MaxTargets. Zero means
	// DefaultTargetMaxConcurrency.
	MaxConcurrency int `json:"maxConcurrency,omitzero"`

	// TimeoutSeconds bounds one attempt of a target, 0 to MaxSeconds. Zero means
	// what is left of the invocation.
	TimeoutSeconds float64 `json:"timeoutSeconds,omitzero"`

	// Retry holds the retriers, scanned in order. Nil means none.
	Retry []Retrier `json:"retry,omitzero"`
}

// A RegionResult is a worker's answer to a RegionRequest.
type RegionResult struct {
	// Version, RunID, Region and Batch repeat those of the request.
	Version int    `json:"version"`
	RunID   string `json:"runId"`
	Region  string `json:"region"`
	Batch   int    `json:"batch"`

	// Status is SUCCEEDED when every target succeeded or was skipped, SKIPPED
	// when all were skipped, TIMED_OUT when the time ran out first, ABORTED when the
	// worker was told to stop, else FAILED.
	Status Status `json:"status"`

	// Error and Cause say why Status is neither SUCCEEDED nor SKIPPED.
	Error string `json:"error,omitzero"`
	Cause string `json:"cause,omitzero"`

	// ElapsedMs is how long the worker worked, in milliseconds.
	ElapsedMs float64 `json:"elapsedMs"`

	// Truncated means that outputs, causes or records of attempts were left out
	// so that the answer fits.
	Truncated bool `json:"truncated,omitzero"`

	// Targets has one outcome for each target of the request, in its order.
	Targets []TargetOutcome `json:"targets"`
}

// Encode returns r as JSON. Nothing in it is escaped for HTML, which would make a
// request that fits into Lambda's payload up to six times as long. The error
// says that Parameters are not JSON, or that BudgetMs or TimeoutSeconds is not a
// finite number. For the many requests of a run, use [Envelope.Encode].
func (r RegionRequest) Encode() ([]byte, error) { return marshal(r) }

// LessBudget returns a request, as Encode wrote it, with its budget reduced by the
// time that has passed since then. At least 0.001 ms is left, because zero would
// mean no limit. A request without a budget, or with fields that RegionRequest does
// not have, is returned unchanged.
func LessBudget(request []byte, passed time.Duration) []byte {
	var r RegionRequest
	d := json.NewDecoder(bytes.NewReader(request))
	d.DisallowUnknownFields()
	if d.Decode(&r) != nil || !(r.BudgetMs > 0 && r.BudgetMs <= MaxSeconds*1000) {
		return request
	}
	left := time.Duration(r.BudgetMs*float64(time.Millisecond)) - passed
	r.BudgetMs = max(Milliseconds(left), 0.001)
	less, err := r.Encode()
	if err != nil {
		return request
	}
	return less
}

// marshal returns v as JSON without escapes for HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
