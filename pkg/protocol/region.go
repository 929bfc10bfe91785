package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
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
// says that Parameters are no JSON, or BudgetMs or TimeoutSeconds no number.
//
// It writes what encoding/json would, by hand: that is a sixth of the time, and
// it is done for each invocation.
func (r RegionRequest) Encode() ([]byte, error) {
	b := make([]byte, 0, 256+len(r.Parameters)+24*len(r.Targets))
	b = strconv.AppendInt(append(b, `{"version":`...), int64(r.Version), 10)
	b = appendText(append(b, `,"runId":`...), r.RunID)
	b = appendText(append(b, `,"region":`...), r.Region)
	b = strconv.AppendInt(append(b, `,"batch":`...), int64(r.Batch), 10)
	b = strconv.AppendInt(append(b, `,"attempt":`...), int64(r.Attempt), 10)
	b = appendText(append(b, `,"task":`...), r.Task)
	if r.Parameters != nil {
		text := bytes.NewBuffer(append(b, `,"parameters":`...))
		if json.Compact(text, r.Parameters) != nil {
			return nil, fmt.Errorf("parameters are no JSON: %s", excerpt(r.Parameters))
		}
		b = text.Bytes()
	}
	b = appendTexts(append(b, `,"targets":`...), r.Targets)
	if p := r.Policy; p.MaxConcurrency != 0 || p.TimeoutSeconds != 0 || p.Retry != nil {
		text, err := marshal(p)
		if err != nil {
			return nil, err
		}
		b = append(append(b, `,"policy":`...), text...)
	}
	switch b = append(b, `,"budgetMs":`...); {
	case r.BudgetMs == 0:
		b = b[:len(b)-len(`,"budgetMs":`)]
	case r.BudgetMs >= 0.001 && r.BudgetMs < 1e21:
		b = strconv.AppendFloat(b, r.BudgetMs, 'f', -1, 64)
	default:
		text, err := marshal(r.BudgetMs)
		if err != nil {
			return nil, err
		}
		b = append(b, text...)
	}
	return append(b, '}'), nil
}

// LessBudget returns a request, as Encode wrote it, with the time that has passed
// since then taken off its budget. At least 0.001 ms is left, because zero would mean
// no limit. A request without a budget, or in another form, is returned as it is.
func LessBudget(request []byte, passed time.Duration) []byte {
	const field, longest = `,"budgetMs":`, 32
	end := len(request) - 1 // where the last brace is
	at := max(0, end-len(field)-longest)
	found := bytes.LastIndex(request[at:], []byte(field))
	if found < 0 || request[end] != '}' {
		return request
	}
	at += found + len(field)
	ms, err := strconv.ParseFloat(string(request[at:end]), 64)
	if err != nil || !(ms > 0 && ms <= MaxSeconds*1000) {
		return request
	}
	left := time.Duration(ms*float64(time.Millisecond)) - passed
	return append(strconv.AppendFloat(bytes.Clone(request[:at]), max(Milliseconds(left), 0.001), 'f', -1, 64), '}')
}

// appendTexts appends strings as JSON.
func appendTexts(b []byte, all []string) []byte {
	if all == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i, s := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, s)
	}
	return append(b, ']')
}

// appendText appends a string as JSON.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			text, _ := marshal(s) // a string has no error
			return append(b, text...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// marshal returns v as JSON without escapes for HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
