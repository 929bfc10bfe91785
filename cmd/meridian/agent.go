package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"meridian/internal/awsapi/model"
	"meridian/internal/mcp"
	"meridian/internal/report"
	"meridian/pkg/protocol"
)

// An agent carries out the tools of "mcp" with the code of the other commands.
type agent struct {
	cli     *cli // without standard input and output, which carry the protocol
	flags   *mcpFlags
	timeout time.Duration

	// regions is the value of --region, and allowed has the Regions that it means. Nil means all.
	regions []string
	allowed map[string]bool
}

// agentMemoryMB is the memory that the answers of AWS may take a part of, for each of up to
// four runs at once. An agent writes queries such as pad_left(@, `1000000000`).
const agentMemoryMB = 1024

// runFlags returns the flags of a command that is carried out for a call.
func (a *agent) runFlags() *runFlags {
	f := a.flags
	own := &runFlags{function: f.function, awsRegion: f.awsRegion, store: f.store, verbose: f.verbose, output: formatJSONL}
	own.call.allow, own.workerSettings, own.memoryMB = f.call.allow, a.settings(), agentMemoryMB
	return own
}

// Run implements mcp.Backend.
func (a *agent) Run(ctx context.Context, r protocol.Request, s mcp.Selection, event func(protocol.Event)) (mcp.Listing, error) {
	r, err := a.admit(r)
	if err != nil {
		return mcp.Listing{}, agentError(err)
	}
	f := a.runFlags()
	f.observe = event
	run := keptRun{request: r}
	if f.function == "" {
		if f.kept, err = a.cli.openStore(ctx, f); err == nil {
			run.result, err = a.cli.runLocally(ctx, f, r)
		}
		defer a.cli.tidy(ctx, f.kept)()
	} else if r.Keep {
		run, err = a.runKept(ctx, f, r)
	} else {
		run.result, err = a.cli.runRemotely(ctx, f, r)
	}
	if err != nil {
		return mcp.Listing{}, agentError(err)
	}
	return f.list(run, r.Keep || f.has(ctx, run.result.RunID), mcp.Filter{}, s)
}

// has reports whether the open store has a run. A store that fails costs the record, not the run.
func (f *runFlags) has(ctx context.Context, runID string) bool {
	if f.kept == nil {
		return false
	}
	_, err := f.kept.records().Request(ctx, runID)
	return err == nil
}

// stopTime bounds how long a call that was cancelled waits for the start of its run, and then for
// the stop.
const stopTime = 10 * time.Second

// runKept has the deployed coordinator start a run, follows it, and stops it when ctx ends.
func (a *agent) runKept(ctx context.Context, f *runFlags, r protocol.Request) (keptRun, error) {
	d, err := a.cli.deployed(ctx, f)
	if err != nil {
		return keptRun{}, err
	}
	starting, started := outlast(ctx, stopTime) // to stop a run takes its id
	state, err := d.start(starting, r)
	started()
	if err != nil {
		return keptRun{}, err
	}
	ended, err := a.cli.poll(ctx, d, state.RunID, func(lines []json.RawMessage) error {
		eachEvent(lines, f.observe)
		return nil
	})
	if ctx.Err() != nil {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		if _, stopErr := d.stop(stopping, state.RunID); stopErr != nil {
			return keptRun{}, failure("run %s goes on: %v", state.RunID, stopErr)
		}
		return keptRun{}, failure("run %s was stopped: %v", state.RunID, context.Cause(ctx))
	}
	if err != nil {
		return keptRun{}, err
	}
	return resultOf(ctx, d, state.RunID, ended)
}

// outlast returns a context that ends d after ctx, or when done is called.
func outlast(ctx context.Context, d time.Duration) (_ context.Context, done func()) {
	longer, end := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-longer.Done():
		case <-time.After(d):
			end(context.Cause(ctx))
		}
	})
	return longer, func() {
		stop()
		end(nil)
	}
}

// list returns the rows of a run as -o jsonl prints them.
func (f *runFlags) list(run keptRun, kept bool, filter mcp.Filter, s mcp.Selection) (mcp.Listing, error) {
	run.markInterrupted()
	f.selection = report.Selection{Columns: s.Columns, Sort: s.Sort, CountBy: s.CountBy}
	listing := f.listing(filter.Apply(run.result), run.request)
	var lines bytes.Buffer
	var summary strings.Builder
	if err := errors.Join(listing.JSONLines(escapedWriter{&lines}), listing.Summary(&summary, report.Options{})); err != nil {
		return mcp.Listing{}, err
	}
	list := mcp.Listing{Result: run.result, Kept: kept, Summary: printable(summary.String())}
	for line := range bytes.Lines(lines.Bytes()) {
		list.Rows = append(list.Rows, bytes.TrimSpace(line))
	}
	return list, nil
}

// Plan implements mcp.Backend.
func (a *agent) Plan(ctx context.Context, r protocol.Request) (mcp.Plan, error) {
	r, err := a.admit(r)
	if err != nil {
		return mcp.Plan{}, agentError(err)
	}
	p, err := a.cli.preview(ctx, a.runFlags(), r)
	if err != nil {
		return mcp.Plan{}, agentError(err)
	}
	plan := mcp.Plan{
		Task: p.Task, Function: p.Function, Targets: p.Targets, Invocations: p.Invocations,
		MaxConcurrency: p.MaxConcurrency, TimeoutSeconds: p.TimeoutSeconds, Notices: p.Notices, Summary: printable(planSummary(p)),
	}
	plan.Regions, err = mcp.Rows(p.Regions)
	return plan, err
}

// Operations implements mcp.Backend.
func (a *agent) Operations(service, search string) ([]mcp.Operation, error) {
	found, err := listOperations(service, search)
	listed := make([]mcp.Operation, len(found))
	for i, o := range found {
		listed[i] = mcp.Operation(o)
	}
	return listed, agentError(err)
}

// Operation implements mcp.Backend.
func (a *agent) Operation(name string, depth int) (mcp.Outline, error) {
	o, err := outlineOf(name, depth)
	if err != nil {
		return mcp.Outline{}, agentError(err)
	}
	return mcp.Outline{
		Operation: o.Operation, Kind: o.Kind, Repeatable: o.Repeatable, Results: o.Results,
		Members: append(membersOf("input", "", o.Input), membersOf("output", "", o.Output)...),
	}, nil
}

// membersOf returns a member for each field and for those of the structures in it.
func membersOf(of, within string, fields []model.Field) []mcp.Member {
	var all []mcp.Member
	for _, f := range fields {
		all = append(all, mcp.Member{Of: of, Name: within + f.Name, Type: f.Type, Required: f.Required})
		below := within + f.Name + "."
		if strings.HasPrefix(f.Type, "list") {
			below = within + f.Name + "[]."
		}
		all = append(all, membersOf(of, below, f.Fields)...)
	}
	return all
}

// Regions implements mcp.Backend.
func (a *agent) Regions(partition, service string) ([]mcp.Region, error) {
	partitions, err := listRegions(partition, service)
	var listed []mcp.Region
	for _, p := range partitions {
		for _, r := range p.Regions {
			listed = append(listed, mcp.Region{Region: r.Region, Partition: p.Partition, OptIn: r.OptIn, Description: r.Description})
		}
	}
	return listed, agentError(err)
}
