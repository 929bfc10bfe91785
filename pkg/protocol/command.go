package protocol

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// The limits of a [Command].
const (
	// MaxWaitSeconds is how long a show can wait for the end of a run. The HTTP API of
	// Amazon API Gateway gives an answer at most 30 seconds.
	// Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
	MaxWaitSeconds = 20

	// MaxRunPage bounds the runs of one page. DefaultRunPage is the size of a page whose
	// query has no limit.
	MaxRunPage     = 100
	DefaultRunPage = 20
)

// A CommandName says what a [Command] does.
type CommandName string

// The commands.
const (
	// CommandStart keeps a run of Request, and answers with its [RunState] before the run
	// has ended.
	CommandStart CommandName = "start"

	// CommandShow answers with the RunState of RunID.
	CommandShow CommandName = "show"

	// CommandEvents answers with an [EventPage] of RunID.
	CommandEvents CommandName = "events"

	// CommandList answers with a [RunPage].
	CommandList CommandName = "list"

	// CommandStop stops RunID, and answers with its RunState.
	CommandStop CommandName = "stop"

	// CommandResume carries RunID on if nothing does, and answers with its RunState.
	CommandResume CommandName = "resume"

	// CommandRedrive does again what did not succeed in RunID, and answers with its
	// RunState before that is done.
	CommandRedrive CommandName = "redrive"

	// CommandContinue carries RunID on in this invocation. A coordinator sends it to itself.
	CommandContinue CommandName = "continue"

	// CommandSweep carries on every run that nothing carries on. A schedule sends it.
	CommandSweep CommandName = "sweep"
)

// CommandNames returns every command.
func CommandNames() []CommandName {
	return []CommandName{
		CommandStart, CommandShow, CommandEvents, CommandList, CommandStop, CommandResume, CommandRedrive,
		CommandContinue, CommandSweep,
	}
}

// A Command asks a coordinator about kept runs. It is a direct invocation of the
// coordinator, as a [Request] is. A field that its command does not take is refused.
type Command struct {
	// Command says what to do. Required.
	Command CommandName `json:"command"`

	// RunID names the run. Required for every command except start, list and sweep.
	RunID string `json:"runId,omitzero"`

	// Request is the [Request] to start, with a key or without. Required for start.
	Request json.RawMessage `json:"request,omitzero"`

	// Redrive says what redrive does again. Nil means everything that did not succeed and
	// was not skipped.
	Redrive *Redrive `json:"redrive,omitzero"`

	// After restricts events to those with a higher sequence. Zero means all events.
	After int `json:"after,omitzero"`

	// WaitSeconds is how long show waits for the end of the run, 0 to MaxWaitSeconds. Zero
	// means not at all.
	WaitSeconds float64 `json:"waitSeconds,omitzero"`

	// RunQuery says which runs list lists.
	RunQuery
}

// A RunQuery says which runs to list. Its zero value lists the runs of the last 30 days.
type RunQuery struct {
	// Name lists only the runs with this name. Empty means all.
	Name string `json:"name,omitzero"`

	// Status lists only the runs with this status. Empty means any.
	Status Status `json:"status,omitzero"`

	// Since lists only the runs that started then or later. Zero means 30 days ago.
	Since time.Time `json:"since,omitzero"`

	// Limit bounds the runs of one page, 0 to MaxRunPage. Zero means DefaultRunPage.
	Limit int `json:"limit,omitzero"`

	// Next is the Next of the page before. Empty means the first page.
	Next string `json:"next,omitzero"`
}

// fields returns the JSON names of the fields that a command takes besides its name: those
// it needs, and those it may have. An unknown command takes every field: what it needs is
// not known.
func (c CommandName) fields() (needs, may []string) {
	switch c {
	case CommandStart:
		return []string{"request"}, nil
	case CommandShow:
		return []string{"runId"}, []string{"waitSeconds"}
	case CommandEvents:
		return []string{"runId"}, []string{"after"}
	case CommandList:
		return nil, []string{"name", "status", "since", "limit", "next"}
	case CommandStop, CommandResume, CommandContinue:
		return []string{"runId"}, nil
	case CommandRedrive:
		return []string{"runId"}, []string{"redrive"}
	case CommandSweep:
		return nil, nil
	}
	_, all := fieldsOf(reflect.TypeFor[Command]())
	return nil, all
}

// DecodeCommand reads a Command strictly and validates it, except for its Request. It checks
// only that the Request is an object: [DecodeRequest] reads it, and [Faults.Within] puts
// "request" before the paths of its faults. With faults DecodeCommand also returns what it
// could read.
func DecodeCommand(data []byte) (Command, Faults) {
	var c Command
	if len(data) > MaxRequestBytes {
		return c, tooLong(data)
	}
	faults := DecodeStrict(data, &c)
	return c, faults.And(c.Validate())
}

// Validate returns the faults of the values of c, each with its JSON path. It does not look
// into the Request.
func (c Command) Validate() Faults {
	var f Faults
	switch names := CommandNames(); {
	case c.Command == "":
		f.add("command", nil, "missing or empty; known are %s", words(names))
	case !slices.Contains(names, c.Command):
		f.append(UnknownFault("command", string(c.Command), "a command", strings.Split(words(names), ", ")))
	}
	f.fields(c)
	var values Faults
	if c.RunID != "" && !ValidRunID(c.RunID) {
		values.add("runId", c.RunID, "want the id of a run: 26 of 0-9 A-Z without I L O U")
	}
	if c.Redrive != nil {
		values = slices.Concat(values, c.Redrive.Validate().Within("redrive"))
	}
	if c.After < 0 {
		values.add("after", c.After, "out of range; want 0 or more (0 means all events)")
	}
	if !(c.WaitSeconds >= 0 && c.WaitSeconds <= MaxWaitSeconds) {
		values.append(OutOfRangeFault("waitSeconds", c.WaitSeconds, 0, MaxWaitSeconds))
	}
	return f.And(values).And(c.RunQuery.Validate())
}

// fields checks that c has the fields that its command needs, and no field that the
// command does not take.
func (f *Faults) fields(c Command) {
	needs, may := c.Command.fields()
	takes := "nothing else"
	if all := slices.Concat(needs, may); len(all) > 0 {
		takes = strings.Join(all, ", ")
	}
	fields, names := fieldsOf(reflect.TypeFor[Command]())
	for _, name := range names[1:] { // the first one is command
		given := !reflect.ValueOf(c).FieldByIndex(fields[name].Index).IsZero()
		switch {
		case !given && slices.Contains(needs, name):
			f.add(name, nil, "missing or empty; %s needs it", c.Command)
		case given && !slices.Contains(needs, name) && !slices.Contains(may, name):
			f.add(name, nil, "is not for %s, which takes %s", c.Command, takes)
		}
	}
}

// Validate returns the faults of the values of q, each with its JSON path.
func (q RunQuery) Validate() Faults {
	var f Faults
	f.name(q.Name)
	if statuses := Statuses(); q.Status != "" && !slices.Contains(statuses, q.Status) {
		f.append(UnknownFault("status", string(q.Status), "a status", strings.Split(words(statuses), ", ")))
	}
	f.whole("limit", q.Limit, MaxRunPage, fmt.Sprint(DefaultRunPage))
	if q.Next != "" && !ValidRunID(q.Next) {
		f.add("next", q.Next, "want the next of the page before")
	}
	return f
}

// words returns the values of a closed set as one text.
func words[T ~string](values []T) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v)
	}
	return strings.Join(texts, ", ")
}
