package main

import (
	"context"
	"errors"
	"time"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/record"
	"meridian/internal/regionworker"
	"meridian/internal/runs"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// A keep answers for kept runs: a store that this process reads, or a deployed coordinator.
type keep interface {
	// list returns a page of runs, and show what is known of one.
	list(ctx context.Context, q protocol.RunQuery) (protocol.RunPage, error)
	show(ctx context.Context, runID string) (protocol.RunState, error)

	// events returns events of a run after a sequence.
	events(ctx context.Context, runID string, after int) (protocol.EventPage, error)

	// result returns the result with as many outputs as there are, and what the report of it
	// needs of the request.
	result(ctx context.Context, runID string) (keptRun, error)

	// stop stops a run.
	stop(ctx context.Context, runID string) (protocol.RunState, error)
}

// A keptRun is a run as it is printed.
type keptRun struct {
	state   protocol.RunState
	result  protocol.Result
	request protocol.Request
}

// A localKeep is a store that this process reads.
type localKeep struct {
	keeper  *runs.Keeper
	records *record.Runs
}

// keep returns the store that is open, with what carries out a request in this process.
func (c *cli) keep(local *coordinator.Coordinator, f *runFlags, request protocol.Request) *localKeep {
	k := &localKeep{keeper: &runs.Keeper{
		Coordinator: local, Log: local.Log, Process: processName(), Gone: processGone,
		Warn: func(err error) {
			if failed, ok := errors.AsType[*runs.StoreError](err); ok {
				err = failed.Unwrap() // the run goes on
			}
			c.note("the run is not kept: %v", err)
		},
	}}
	if f.kept != nil {
		k.keeper.Store, k.records = f.kept.Store, f.kept.records()
	}
	if request.TimeoutSeconds == 0 {
		k.keeper.MaxRun = localTimeoutSeconds * time.Second
	}
	return k
}

// reader returns the store of kept runs for a command that invokes nothing.
func (c *cli) reader(ctx context.Context, f *runFlags) (*localKeep, error) {
	var err error
	if f.kept, err = c.openStore(ctx, f); err != nil {
		return nil, err
	}
	if f.kept == nil {
		return nil, usage("there is no store of runs").hint("set --store, or %s, to the directory or the bucket that has them", storeVariable)
	}
	tasks := task.Builtin()
	worker := &regionworker.Worker{Tasks: tasks}
	return c.keep(&coordinator.Coordinator{
		Invoker: invoke.InProcess{Handle: worker.Handle}, Tasks: tasks, Functions: anyFunction,
	}, f, protocol.Request{}), nil
}

// keepOf returns where the kept runs are that a command is about.
func (c *cli) keepOf(ctx context.Context, f *runFlags) (keep, error) {
	if f.function != "" {
		return c.deployed(ctx, f)
	}
	return c.reader(ctx, f)
}

// run carries out a request that was planned. A store that fails costs the record of the run and
// not the run, unless the request asks for the record.
func (k *localKeep) run(ctx context.Context, request protocol.Request, plan coordinator.Plan) (protocol.Result, error) {
	var result protocol.Result
	var err error
	if request.Kept() {
		result, err = k.keeper.Run(ctx, request, nil, 0)
	} else {
		result, err = k.keeper.Execute(ctx, request, plan)
	}
	return result, explainKept(err)
}

func (k *localKeep) list(ctx context.Context, q protocol.RunQuery) (protocol.RunPage, error) {
	page, err := k.keeper.List(ctx, q)
	return page, explainKept(err)
}

func (k *localKeep) show(ctx context.Context, runID string) (protocol.RunState, error) {
	state, err := k.keeper.Show(ctx, runID, 0, 0)
	return state, explainKept(err)
}

func (k *localKeep) events(ctx context.Context, runID string, after int) (protocol.EventPage, error) {
	page, err := k.keeper.Events(ctx, runID, after, 0)
	return page, explainKept(err)
}

func (k *localKeep) stop(ctx context.Context, runID string) (protocol.RunState, error) {
	state, err := k.keeper.Stop(ctx, runID)
	return state, explainKept(err)
}

func (k *localKeep) result(ctx context.Context, runID string) (keptRun, error) {
	var r keptRun
	var err error
	if r.state, err = k.keeper.Show(ctx, runID, 0, 0); err == nil { // it knows which runs there are
		var record protocol.RunRecord
		record, err = k.records.Request(ctx, runID)
		r.request = record.Request
	}
	if err == nil {
		r.result, err = k.keeper.Result(ctx, runID)
	}
	if _, early := errors.AsType[*runs.StateError](err); early { // it died before it had a plan
		r.result, err = new(partial).result(r.state), nil
	}
	return r, explainKept(err)
}

// explainKept returns the error of a kept run, with hints.
func explainKept(err error) error {
	if missing, ok := errors.AsType[*runs.NotFoundError](err); ok {
		return usage("%v", missing).hint("run `meridian runs` to list the runs")
	}
	if conflict, ok := errors.AsType[*runs.ConflictError](err); ok {
		return usage("--key: %v", conflict)
	}
	if state, ok := errors.AsType[*runs.StateError](err); ok {
		return usage("%v", state)
	}
	if _, refused := errors.AsType[*protocol.InvalidRequestError](err); refused || err == nil {
		return err
	}
	if _, known := errors.AsType[*complaintError](err); known {
		return err
	}
	return failure("%v", err).hint("check --store, or run with --store none to keep nothing")
}
