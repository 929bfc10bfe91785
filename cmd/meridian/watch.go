package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"meridian/pkg/protocol"
)

const (
	// pollEvery is the time between two polls for events: each costs an invocation of a coordinator.
	pollEvery = time.Second

	// quietFor is how long no events come before the command checks whether the run is interrupted.
	quietFor = 20 * time.Second

	// mostFailures is how many polls for events in a row may fail: they may be throttled.
	mostFailures = 3

	// resultTries is how often the result of a run is read again after its last event, until it is there.
	resultTries = 10
)

func (c *cli) watchCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "watch run",
		Short: "Follow a kept run until it ends, and print its result",
		Long: `Follow a kept run of another process, or of a deployed coordinator, until it ends, and
print its result as "run" does. A run is named by its id, the first characters of it,
last, or last~1. Ctrl-C ends watching and not the run.`,
		Example: `  meridian watch last
  meridian watch 01JDCX4T --function my-coordinator
  meridian watch last --function my-coordinator -o events`,
		Args: oneRun,
		RunE: func(cmd *cobra.Command, args []string) error {
			changed := cmd.Flags().Changed
			if err := errors.Join(f.checkWhere(changed), f.checkOutput(changed), f.refusePrintedPage()); err != nil {
				return err
			}
			k, id, err := c.locate(cmd.Context(), &f, args[0])
			if err != nil {
				return err
			}
			return c.follow(cmd.Context(), &f, k, id)
		},
	}
	f.registerKept(cmd)
	f.registerOutput(cmd)
	cmd.ValidArgsFunction = c.completeRuns(&f, cobra.ShellCompDirectiveNoFileComp)
	return cmd
}

// follow shows a run until it has ended or is interrupted, and prints it.
func (c *cli) follow(ctx context.Context, f *runFlags, k keep, id string) error {
	timeout := time.Duration(0) // of a deployed run it is not known
	if local, ok := k.(*localKeep); ok {
		if record, err := local.records.Request(ctx, id); err == nil { // else the events have the error
			timeout = limit(record.Request)
		}
	}
	view := c.watch(ctx, "watching", timeout, f.verbose || f.output == formatEvents)
	ended, err := c.poll(ctx, k, id, func(lines []json.RawMessage) error {
		if f.output == formatEvents {
			return c.printLines(lines)
		}
		eachEvent(lines, view.event)
		return nil
	})
	view.stop()
	if ctx.Err() != nil {
		return f.stoppedWatching(id)
	}
	if err != nil {
		return err
	}
	r, err := resultOf(ctx, k, id, ended)
	if err != nil {
		return err
	}
	return c.printKept(f, r)
}

// resultOf returns a run. The result of one that has ended is written after its last event.
func resultOf(ctx context.Context, k keep, id string, ended bool) (keptRun, error) {
	r, err := k.result(ctx, id)
	for n := 0; err == nil && ended && r.result.Status == protocol.StatusRunning && n < resultTries; n++ {
		wait(ctx, pollEvery)
		r, err = k.result(ctx, id)
	}
	return r, err
}

// stoppedWatching returns the error of a command that was interrupted while it followed a run.
func (f *runFlags) stoppedWatching(id string) error {
	return failure("stopped watching; the run goes on").
		hint("run `%s` to follow it again, or `%s` to stop it", f.again("watch", id), f.again("stop", id))
}

// poll hands over the events of a run as they come, until the run has ended or is interrupted.
func (c *cli) poll(ctx context.Context, k keep, id string, each func([]json.RawMessage) error) (ended bool, err error) {
	after, failures, heard, looked := 0, 0, time.Now(), false
	for {
		page, err := k.events(ctx, id, after)
		complaint, _ := errors.AsType[*complaintError](err)
		switch {
		case ctx.Err() != nil:
			return false, context.Cause(ctx)
		case complaint != nil && complaint.status == exitNoResult && failures < mostFailures:
			failures++
		case err != nil:
			return false, err
		case len(page.Events) > 0:
			if err := each(page.Events); err != nil {
				return false, err
			}
			after, ended, failures, heard = page.After, page.Ended, 0, time.Now()
			continue // there may be more
		case ended:
			return true, nil
		case !looked, time.Since(heard) > quietFor:
			looked = true
			state, err := k.show(ctx, id)
			if err == nil && state.Interrupted {
				return false, nil
			}
			if err == nil && state.Status != protocol.StatusRunning {
				ended = true
				continue // its last events may have come since
			}
			heard = time.Now()
		}
		wait(ctx, pollEvery)
	}
}

// eachEvent calls f for the events that this program knows.
func eachEvent(lines []json.RawMessage, f func(protocol.Event)) {
	for _, line := range lines {
		if e, err := protocol.DecodeEvent(line); err == nil { // a newer coordinator may have others
			f(e)
		}
	}
}

// wait waits for d, or for the end of ctx.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
