package protocol

import (
	"encoding/json"
	"time"
)

// A RunState is what is known of a kept run.
type RunState struct {
	// RunID names the run. Name, Key and Task are those of its request.
	RunID string `json:"runId"`
	Name  string `json:"name,omitzero"`
	Key   string `json:"key,omitzero"`
	Task  string `json:"task,omitzero"`

	// Status is RUNNING until the run has ended. Then Status, Error and Cause are those of
	// the result.
	Status Status `json:"status"`
	Error  string `json:"error,omitzero"`
	Cause  string `json:"cause,omitzero"`

	// Interrupted means that the run has not ended and that nothing carries it on: its
	// coordinator has died.
	Interrupted bool `json:"interrupted,omitzero"`

	// Stopping means that the run was stopped and has not ended yet.
	Stopping bool `json:"stopping,omitzero"`

	// StartedAt is when the run started, in UTC.
	StartedAt time.Time `json:"startedAt"`

	// ElapsedMs is how long the run took, or has taken so far, in milliseconds.
	ElapsedMs float64 `json:"elapsedMs"`

	// Generations counts the coordinator invocations that have carried the run on, and
	// Redrives how many of these were redrives.
	Generations int `json:"generations,omitzero"`
	Redrives    int `json:"redrives,omitzero"`

	// Regions and Targets count the outcomes so far. Those without an outcome are RUNNING.
	Regions Counts `json:"regions"`
	Targets Counts `json:"targets"`

	// Events is the sequence of the last event in the log.
	Events int `json:"events"`

	// Result is the result. Nil means that the run has not ended, or that the state is in
	// a list.
	Result *Result `json:"result,omitzero"`
}

// A RunPage is one page of a list of runs.
type RunPage struct {
	// Runs lists them, the newest first.
	Runs []RunState `json:"runs"`

	// Next asks for the page after this one. Empty means that there is none.
	Next string `json:"next,omitzero"`
}

// An EventPage has events of a run, in order.
type EventPage struct {
	// Events lists them, each an [Event].
	Events []json.RawMessage `json:"events"`

	// After is the sequence of the last one. It asks for the next page.
	After int `json:"after"`

	// Ended means that the run has ended and that no events follow.
	Ended bool `json:"ended,omitzero"`
}

// DecodeRunState reads a coordinator's answer about a run. Unknown fields are ignored. A message
// without a run's id is an error: the payload of a function error is a [FunctionError].
func DecodeRunState(data []byte) (RunState, error) {
	return decodeAnswer(data, "run state", func(s RunState) bool { return s.RunID != "" })
}

// DecodeRunPage reads a coordinator's list of runs, as DecodeRunState does.
func DecodeRunPage(data []byte) (RunPage, error) {
	return decodeAnswer(data, "run page", func(p RunPage) bool { return p.Runs != nil })
}

// DecodeEventPage reads a coordinator's list of events, as DecodeRunState does.
func DecodeEventPage(data []byte) (EventPage, error) {
	return decodeAnswer(data, "event page", func(p EventPage) bool { return p.Events != nil })
}
