package mcp

import (
	"cmp"
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"meridian/pkg/protocol"
)

// RunsInput are the arguments of the tool "runs". Empty fields mean all runs.
type RunsInput struct {
	Name   string `json:"name,omitzero" jsonschema:"List only the runs with this name."`
	Status string `json:"status,omitzero" jsonschema:"List only the runs with this status: SUCCEEDED, FAILED, TIMED_OUT, ABORTED, RUNNING, or interrupted for those that nothing carries on."`
	Since  string `json:"since,omitzero" jsonschema:"List the runs since this time: 7d, 12h, 2026-11-30 or 2026-11-30T08:00:00Z. The default is 30d."`
	Limit  int    `json:"limit,omitzero" zero:"want 1 to 100" jsonschema:"List at most this many runs, 1 to 100. The default is 20."`
}

// A KeptRun is a row of a list of runs.
type KeptRun struct {
	RunID     string          `json:"runId"`
	Name      string          `json:"name,omitzero"`
	Task      string          `json:"task,omitzero"`
	Status    protocol.Status `json:"status"`
	Error     string          `json:"error,omitzero"`
	StartedAt time.Time       `json:"startedAt"`
	ElapsedMs float64         `json:"elapsedMs"`
	Regions   protocol.Counts `json:"regions"`
}

// ShowInput are the arguments of the tool "show".
type ShowInput struct {
	Run string `json:"run" jsonschema:"The run: its id, at least the first 6 characters of it, last, or last~1 for the one before."`
	Filter
	Selection
	Offset int `json:"offset,omitzero" jsonschema:"Leave out this many rows at the beginning."`
}

// DiffInput are the arguments of the tool "diff".
type DiffInput struct {
	Before string   `json:"before,omitzero" jsonschema:"The earlier run: its id, the first characters of it, last or last~1. The default is last~1."`
	After  string   `json:"after,omitzero" jsonschema:"The later run. The default is last."`
	Name   string   `json:"name,omitzero" jsonschema:"Count last and last~1 among the runs with this name."`
	Key    []string `json:"key,omitzero" max:"100" jsonschema:"The columns that make a row the same one in both runs. The default is all: then a row comes and goes, and does not change."`
	Slower string   `json:"slower,omitzero" jsonschema:"How much longer a target takes to be slower: a factor such as 2x, a time such as 500ms, or both as in 2x,100ms, the default."`
	Offset int      `json:"offset,omitzero" jsonschema:"Leave out this many findings at the beginning."`
	// MaxRows bounds the findings.
	MaxRows int `json:"maxRows,omitzero" zero:"leave it out for as many as fit" jsonschema:"At most this many findings in the answer."`
}

// A DiffQuery asks what changed from one run to another.
type DiffQuery struct {
	Before, After, Name, Slower string
	Key                         []string
}

// A Difference says what changed. Its rows are the findings.
type Difference struct {
	Before RunRef         `json:"before" jsonschema:"the earlier run"`
	After  RunRef         `json:"after" jsonschema:"the later run"`
	Worse  bool           `json:"worse" jsonschema:"whether a target is newly failing, or slower"`
	Counts map[string]int `json:"counts" jsonschema:"how many findings there are of each kind: NEWLY_FAILING, SLOWER, RECOVERED, STILL_FAILING, CAME, WENT, ROW_CAME, ROW_WENT, ROW_CHANGED"`
	Page

	// Findings are the rows of the page, and Summary says the same in a few lines.
	Findings []json.RawMessage `json:"-"`
	Summary  string            `json:"-"`
}

// A RunRef is one of the runs of a difference.
type RunRef struct {
	RunID     string          `json:"runId"`
	Name      string          `json:"name,omitzero"`
	Status    protocol.Status `json:"status"`
	StartedAt time.Time       `json:"startedAt"`
}

// text implements output.
func (d Difference) text() string { return clip(d.Summary, maxSummaryBytes) + d.Cut }

// Bounds of RunsInput.Limit.
const (
	maxListed     = 100
	defaultListed = 20
)

// namesRun matches what names a run. It is no path.
var namesRun = regexp.MustCompile(`^(last(~\d{1,4})?|[0-9A-Za-z]{6,26})$`)

// checkRun returns the fault of an argument that names no run.
func checkRun(argument, name string) protocol.Faults {
	if namesRun.MatchString(name) {
		return nil
	}
	return protocol.Faults{protocol.NewFault(argument, name, "is not a run; want its id, the first 6 characters of it or more, last, or last~1; runs lists them")}
}

// addKept adds the tools for kept runs.
func (s *server) addKept(to *sdk.Server) {
	add(s, to, sdk.Tool{
		Name:        "runs",
		Description: "List the runs that are kept, the newest first, with how many Regions ended how.",
		Annotations: reads("List kept runs"),
	}, func(ctx context.Context, _ *sdk.CallToolRequest, in RunsInput) (Page, error) {
		if in.Limit < 0 || in.Limit > maxListed {
			return Page{}, protocol.Faults{protocol.OutOfRangeFault("limit", float64(in.Limit), 1, maxListed)}.Err()
		}
		in.Limit = cmp.Or(in.Limit, defaultListed)
		found, err := s.backend.Runs(ctx, in)
		if err != nil {
			return Page{}, err
		}
		rows, err := Rows(keptRuns(found.Runs))
		if err != nil {
			return Page{}, err
		}
		page, err := pageOf(rows, 0, s.MaxRows, "set name, status or a later since")
		if found.Next != "" && page.Cut == "" {
			page.Cut = "there are older runs: set a higher limit, name or status"
		}
		return page, err
	})
	add(s, to, sdk.Tool{
		Name:        "show",
		Description: "Get the rows of a kept run, or the rest of an answer that was cut: filter by Region, account, target or failure, select columns, count, or go on at an offset. Runs nothing again.",
		Annotations: reads("Show a kept run"),
	}, s.show)
	add(s, to, sdk.Tool{
		Name:        "diff",
		Description: "Say what changed from one kept run to another: what is newly failing, slower or recovered, and which rows came, went or changed.",
		Annotations: reads("Compare two kept runs"),
	}, s.diff)
}

// keptRuns returns runs as rows.
func keptRuns(states []protocol.RunState) []KeptRun {
	listed := make([]KeptRun, len(states))
	for i, state := range states {
		listed[i] = KeptRun{state.RunID, state.Name, state.Task, state.Status, clip(state.Error, maxTextBytes), state.StartedAt, state.ElapsedMs, state.Regions}
	}
	return listed
}

// show lists a kept run.
func (s *server) show(ctx context.Context, _ *sdk.CallToolRequest, in ShowInput) (Answer, error) {
	if err := checkRun("run", in.Run).Err(); err != nil {
		return Answer{}, err
	}
	maxRows, err := s.limited(in.MaxRows)
	if err != nil {
		return Answer{}, err
	}
	return read(ctx, s, func() (Answer, error) {
		listing, err := s.backend.Show(ctx, in.Run, in.Filter, in.Selection)
		if err != nil {
			return Answer{}, err
		}
		return answerOf(listing, in.Offset, maxRows)
	})
}

// diff compares two runs.
func (s *server) diff(ctx context.Context, _ *sdk.CallToolRequest, in DiffInput) (Difference, error) {
	in.Before, in.After = cmp.Or(in.Before, "last~1"), cmp.Or(in.After, "last")
	if err := slices.Concat(checkRun("before", in.Before), checkRun("after", in.After)).Err(); err != nil {
		return Difference{}, err
	}
	maxRows, err := s.limited(in.MaxRows)
	if err != nil {
		return Difference{}, err
	}
	d, err := read(ctx, s, func() (Difference, error) {
		return s.backend.Diff(ctx, DiffQuery{in.Before, in.After, in.Name, in.Slower, in.Key})
	})
	if err != nil {
		return Difference{}, err
	}
	d.Page, err = pageOf(d.Findings, in.Offset, maxRows, "call diff again with offset %d")
	return d, err
}
