package protocol

import (
	"fmt"
	"time"
)

// EventVersion is the version of the [Event]. Its comment is its changelog:
//
//   - 1 (2026-11-29): Event as it is.
//   - 2 (2026-11-30): the types GENERATION_STARTED and GENERATION_ENDED; Generation and
//     Answer, in the logs of kept runs.
const EventVersion = 2

// An EventType says what happened.
type EventType string

const (
	// EventGenerationStarted is the first event of each generation of a kept run. A run
	// that is not kept has no generations.
	EventGenerationStarted EventType = "GENERATION_STARTED"

	// EventRunStarted is the first event of a run, apart from that of its generation.
	EventRunStarted EventType = "RUN_STARTED"

	// EventNotice tells of a limit that changes how the run is done.
	EventNotice EventType = "NOTICE"

	// EventAttemptStarted tells of an attempt of an invocation.
	EventAttemptStarted EventType = "ATTEMPT_STARTED"

	// EventAttemptEnded tells of its end. Every attempt that starts ends.
	EventAttemptEnded EventType = "ATTEMPT_ENDED"

	// EventRegionSettled tells the outcome of a Region. Every Region settles once,
	// after the ends of all its attempts.
	EventRegionSettled EventType = "REGION_SETTLED"

	// EventGenerationEnded is the last event of a generation after which another one carries
	// the run on.
	EventGenerationEnded EventType = "GENERATION_ENDED"

	// EventRunEnded is the last event of a run, or of one of its redrives.
	EventRunEnded EventType = "RUN_ENDED"
)

// EventTypes returns every type there is, in the order in which they can first
// happen in a run.
func EventTypes() []EventType {
	return []EventType{
		EventGenerationStarted, EventRunStarted, EventNotice, EventAttemptStarted, EventAttemptEnded, EventRegionSettled,
		EventGenerationEnded, EventRunEnded,
	}
}

// An Event is something that happened in a run. The live view, streams, records and
// metrics are made of events. One line of JSON holds one event.
type Event struct {
	// Version is EventVersion.
	Version int `json:"version"`

	// RunID names the run, as in its result.
	RunID string `json:"runId"`

	// Sequence is the event's number in its run, from 1, without gaps. It orders
	// the events: two of them may have the same time.
	Sequence int `json:"sequence"`

	// Time is when it happened, by the coordinator's clock, in UTC.
	Time time.Time `json:"time"`

	// Type says which of the fields below are there.
	Type EventType `json:"type"`

	// Started is there when the run started, and Ended when it ended.
	Started *RunStarted `json:"started,omitzero"`
	Ended   *RunEnded   `json:"ended,omitzero"`

	// Generation is there when a generation started or ended.
	Generation *Generation `json:"generation,omitzero"`

	// Notice is the sentence of a notice, as in the result.
	Notice string `json:"notice,omitzero"`

	// Account and Region say where an attempt, or an outcome, belongs. Account is empty
	// when the request has none. Regions lists all Regions of an attempt that serves
	// several; Region is the first of them.
	Account string   `json:"account,omitzero"`
	Region  string   `json:"region,omitzero"`
	Regions []string `json:"regions,omitzero"`

	// Number counts the attempts of an invocation, from 1, by their starts. Account, Region,
	// Attempt.Batch and Number together name an attempt of a run.
	Number int `json:"number,omitzero"`

	// Attempt is the attempt as the result will record it. When it has started, it
	// has StartMs, Batch and Hedge. When it has ended, it has all, except the memory
	// of an invocation without a report, which the run's end tells; WaitMs is the
	// wait before its retry, and zero means that no retry is planned.
	Attempt *Attempt `json:"attempt,omitzero"`

	// NotMade says that the run ended before the attempt that has ended was made. The
	// result does not have it; it has only StartMs, Batch, Hedge and Cause.
	NotMade bool `json:"notMade,omitzero"`

	// Answer is what an attempt that has ended brought back. Only a kept run has it.
	Answer *Answer `json:"answer,omitzero"`

	// Outcome is the Region's outcome, without its targets' outputs and its usage. Its
	// attempts are as above. It is not marked Truncated for outputs that the coordinator
	// drops.
	Outcome *RegionOutcome `json:"outcome,omitzero"`
}

// A RunStarted says what a run is about to do.
type RunStarted struct {
	// Name is the request's own name for the run, and Task the kind of work.
	Name string `json:"name,omitzero"`
	Task string `json:"task"`

	// Accounts, Regions, Targets and Invocations count what there is to do. With accounts,
	// a Region counts once in each of them. A target counts once in each Region, and an
	// invocation once for all its attempts.
	Accounts    int `json:"accounts,omitzero"`
	Regions     int `json:"regions"`
	Targets     int `json:"targets"`
	Invocations int `json:"invocations"`
}

// A RunEnded says how a run ended, in the words of its result.
type RunEnded struct {
	// Status, Error, Cause, ElapsedMs, Message and Summary are those of the result.
	Status    Status  `json:"status"`
	Error     string  `json:"error,omitzero"`
	Cause     string  `json:"cause,omitzero"`
	ElapsedMs float64 `json:"elapsedMs"`
	Message   string  `json:"message"`
	Summary   Summary `json:"summary"`
}

// DecodeEvent reads an event. Unknown fields and types are passed over, so that a
// reader may be older than the coordinator.
func DecodeEvent(data []byte) (Event, error) {
	var e Event
	if err := decodeLenient(data, &e); err != nil {
		return e, fmt.Errorf("event: %w", err)
	}
	return e, nil
}
