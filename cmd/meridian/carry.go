package main

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"meridian/internal/runs"
	"meridian/pkg/protocol"
)

func (c *cli) stopCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "stop run",
		Short: "Stop a kept run",
		Long: `Stop a kept run of another process, or of a deployed coordinator. It takes effect within
five seconds: what has not ended is ABORTED or NOT_STARTED, and the run has a result. A
run is named by its id, the first characters of it, last, or last~1.`,
		Example: `  meridian stop last
  meridian stop 01JDCX4T --function my-coordinator`,
		Args: oneRun,
		RunE: func(cmd *cobra.Command, args []string) error {
			k, id, err := c.find(cmd.Context(), &f, args[0], cmd.Flags().Changed)
			if err != nil {
				return err
			}
			return c.stop(cmd.Context(), &f, k, id)
		},
	}
	f.registerKept(cmd)
	addOutput(cmd, &f.output)
	cmd.ValidArgsFunction = c.completeRuns(&f, cobra.ShellCompDirectiveNoFileComp)
	return cmd
}

// find is locate for a command that may carry the run on: it checks the flags first.
func (c *cli) find(ctx context.Context, f *runFlags, name string, changed func(flag string) bool) (keep, string, error) {
	if err := f.checkWorkers(changed); err != nil {
		return nil, "", err
	}
	return c.locate(ctx, f, name)
}

// stop stops a run, and prints its state. One that nothing carries on is ended in this process.
func (c *cli) stop(ctx context.Context, f *runFlags, k keep, id string) error {
	f.stopping = true
	state, err := k.show(ctx, id)
	if err == nil && state.Status != protocol.StatusRunning {
		return usage("run %s has ended: %s", id, state.Status)
	}
	if local, ok := k.(*localKeep); ok && err == nil && state.Interrupted {
		state, _, err = c.carry(ctx, f, local, id, "stopping", nil, func(k *runs.Keeper) (protocol.RunState, error) {
			return k.Stop(ctx, id)
		})
	} else if err == nil {
		state, err = k.stop(ctx, id)
	}
	switch {
	case err != nil:
		return err
	case f.output == formatJSON:
		return c.printJSON(state)
	case state.Status == protocol.StatusRunning:
		return c.print("run %s is stopping\n", id)
	}
	return c.print("run %s has ended: %s\n", id, state.Status)
}

func (c *cli) resumeCommand() *cobra.Command {
	var f runFlags
	detach := false
	cmd := &cobra.Command{
		Use:   "resume run",
		Short: "Carry on a kept run that was interrupted",
		Long: `Carry on a kept run that has not ended and that nothing carries on: its process or its
coordinator has died. A run of this machine is carried on in this process, and its
result is printed. What has succeeded is not done again. A run is named by its id, the
first characters of it, last, or last~1.`,
		Example: `  meridian resume last
  meridian resume 01JDCX4T --allow ec2:StopInstances
  meridian resume 01JDCX4T --function my-coordinator`,
		Args: oneRun,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if err := cmp.Or(f.checkOutput(cmd.Flags().Changed), f.refusePrintedPage()); err != nil {
				return err
			}
			k, id, err := c.find(ctx, &f, args[0], cmd.Flags().Changed)
			if err != nil {
				return err
			}
			if d, ok := k.(*deployed); ok {
				state, err := d.state(ctx, protocol.Command{Command: protocol.CommandResume, RunID: id})
				if err != nil {
					return err
				}
				return c.followState(ctx, &f, d, state, detach)
			}
			return c.carryAndPrint(ctx, &f, k, id, "carrying on", nil, func(k *runs.Keeper) (protocol.RunState, error) {
				return k.Resume(ctx, id)
			})
		},
	}
	f.registerWorkers(cmd)
	cmd.Flags().BoolVar(&detach, "detach", false, "with --function, do not wait for the end of the run")
	f.registerOutput(cmd)
	cmd.ValidArgsFunction = c.completeRuns(&f, cobra.ShellCompDirectiveNoFileComp)
	return cmd
}

// registerWorkers adds the flags of a command that may carry a run on in this process.
func (f *runFlags) registerWorkers(cmd *cobra.Command) {
	f.registerKept(cmd)
	flags := cmd.Flags()
	flags.StringSliceVar(&f.call.allow, "allow", nil, "also allow the operations that match these `patterns`, as for \"call\"; repeatable")
	flags.StringToStringVar(&f.workerSettings, "worker-setting", nil, "a setting of the worker in this process as `NAME=value`, as for \"run\"; repeatable")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "write the log of coordinator and workers to standard error, as JSON lines")
	_ = cmd.RegisterFlagCompletionFunc("allow", completeOperations)
}

// checkWorkers returns the error of these flags.
func (f *runFlags) checkWorkers(changed func(flag string) bool) error {
	if err := f.checkWhere(changed); err != nil {
		return err
	}
	if changed("detach") && f.function == "" {
		return usage("--detach needs --function: a run on this machine goes on only as long as its process")
	}
	return f.check(changed)
}

// followState follows a deployed run that was carried on, or prints its state with --detach.
func (c *cli) followState(ctx context.Context, f *runFlags, d *deployed, state protocol.RunState, detach bool) error {
	switch {
	case !detach:
		return c.follow(ctx, f, d, state.RunID)
	case f.output == formatJSON:
		return c.printJSON(state)
	}
	return c.print("%s\n", state.RunID)
}

// carryAndPrint carries a run on in this process, and prints its result.
func (c *cli) carryAndPrint(ctx context.Context, f *runFlags, k keep, id, doing string, d *protocol.Redrive, act func(*runs.Keeper) (protocol.RunState, error)) error {
	local, ok := k.(*localKeep)
	if !ok {
		panic("meridian: a deployed run is carried on in this process")
	}
	state, request, err := c.carry(ctx, f, local, id, doing, d, act)
	if err != nil {
		return err
	}
	if state.Result != nil { // with the secrets that the store does not have
		return c.printKept(f, keptRun{state: state, result: *state.Result, request: request})
	}
	r, err := k.result(context.WithoutCancel(ctx), id)
	if err != nil {
		return err
	}
	return c.printKept(f, r)
}

// carry carries a run on in this process. What has happened is part of the live view.
func (c *cli) carry(ctx context.Context, f *runFlags, k *localKeep, id, doing string, d *protocol.Redrive, act func(*runs.Keeper) (protocol.RunState, error)) (state protocol.RunState, request protocol.Request, err error) {
	record, err := k.records.Request(ctx, id)
	if err != nil {
		return state, request, explainKept(err)
	}
	if request = record.Request; d != nil {
		request = d.Apply(request)
	}
	local, _, err := c.prepare(ctx, f, request)
	if err != nil {
		return state, request, source{}.explain(err)
	}
	page, err := k.events(ctx, id, 0)
	if err != nil {
		return state, request, err
	}
	keeper, timeout := c.keep(local, f, request).keeper, limit(request)
	if keeper.MaxRun > 0 && d == nil { // the time of the run has passed while nothing carried it on
		keeper.MaxRun += time.Since(record.StartedAt)
		timeout = keeper.MaxRun
	}
	events := c.sink(ctx, f, doing, timeout)
	if f.output != formatEvents {
		eachEvent(page.Events, events.event) // the keeper reports those that cannot be read
	}
	local.Events = events.event
	state, err = act(keeper)
	return state, request, errors.Join(explainKept(err), events.stop())
}
