package main

import (
	"context"
	"log/slog"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// localTimeoutSeconds is the timeout of a run in this process that sets none: a
// person is waiting for it.
const localTimeoutSeconds = 60

// runLocally runs the request with workers in this process.
func (c *cli) runLocally(ctx context.Context, f *runFlags, request protocol.Request) (protocol.Result, error) {
	if request.TimeoutSeconds == 0 {
		request.TimeoutSeconds = localTimeoutSeconds
	}
	log := c.log(f.verbose)
	tasks, err := task.Builtin().Configure(c.lookup)
	if err != nil {
		return protocol.Result{}, usage("%v", err)
	}
	worker := &regionworker.Worker{Tasks: tasks, Log: log}
	watch := c.watch(ctx, "running", f.verbose)
	defer watch.stop()
	local := &coordinator.Coordinator{
		Invoker: invoke.InProcess{Handle: worker.Handle},
		Tasks:   tasks,
		Log:     log,
		Events:  watch.event,
	}
	return local.Run(ctx, request)
}

// log returns the log for standard error, with a line for each target too, or one that
// discards its records.
func (c *cli) log(verbose bool) *slog.Logger {
	if !verbose {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewJSONHandler(escapedWriter{c.stderr}, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
