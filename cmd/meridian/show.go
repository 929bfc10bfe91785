package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"meridian/pkg/protocol"
)

// maxResultFile bounds a saved result. It is a guard against files of another kind.
const maxResultFile = 256 << 20

func (c *cli) showCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "show run|file",
		Short: "Print the result of a kept run, or of a file with a result",
		Long: `Print the result of a kept run with all of its outputs, in every form that "run" has,
or its events. A run is named by its id, the first characters of it, last, or last~1.

A file has a result as -o json prints it. Its rows are those of --task, unless the run
is kept.

A run that has not ended is printed as far as it is. Nothing is started.
The exit status is that of "run".`,
		Example: `  meridian show last
  meridian show 01JDCX4T -o csv --columns region,account,host
  meridian show last~1 -o json > result.json
  meridian show result.json -o wide
  meridian show last --function my-coordinator -o events`,
		Args: oneRun,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.show(cmd.Context(), &f, args[0], cmd.Flags().Changed)
		},
	}
	f.registerKept(cmd)
	cmd.Flags().StringVar(&f.task, "task", "", "the `name` of the task of a saved result")
	f.registerOutput(cmd)
	complete(cmd, "task", completeTasks)
	cmd.ValidArgsFunction = c.completeRuns(&f, cobra.ShellCompDirectiveDefault)
	return cmd
}

// registerKept adds the flags that say where kept runs are.
func (f *runFlags) registerKept(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	f.registerStore(cmd)
	flags.StringVar(&f.function, "function", "", "ask the deployed coordinator with this `name` or ARN (default the runs of this machine)")
	flags.StringVar(&f.awsRegion, "aws-region", "", "the `Region` of --function (default the ARN's, or AWS_REGION)")
	complete(cmd, "aws-region", completeRegions)
}

// registerStore adds the flag that says where the runs of this machine are.
func (f *runFlags) registerStore(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.store, "store", "", "the `place` where the runs of this machine are kept: a directory, s3:// and a bucket, or none (default $"+storeVariable+", or meridian/runs in the user's state directory)")
}

// checkWhere returns the error of the flags that say where kept runs are.
func (f *runFlags) checkWhere(changed func(flag string) bool) error {
	switch {
	case changed("function") && f.function == "":
		return usage(`--function: "": want a function's name or ARN`)
	case f.awsRegion != "" && f.function == "":
		return usage("--aws-region needs --function: it is the Region of that function")
	}
	return f.checkStore(changed)
}

// again returns the command line of another command about a run, with the flags that say where the
// run is kept. An invalid id may have come from anywhere: the command line has "last" in its place.
func (f *runFlags) again(command, runID string) string {
	if !protocol.ValidRunID(runID) {
		runID = lastRun
	}
	return "meridian " + command + " " + runID + f.place()
}

// place returns the flags that say where kept runs are, each after a blank.
func (f *runFlags) place() (flags string) {
	for _, flag := range [][2]string{{"store", f.store}, {"function", f.function}, {"aws-region", f.awsRegion}} {
		if flag[1] != "" {
			flags += " --" + flag[0] + " " + flag[1]
		}
	}
	return flags
}

// show prints a kept run, or the result in a file.
func (c *cli) show(ctx context.Context, f *runFlags, name string, changed func(flag string) bool) error {
	if err := f.checkWhere(changed); err != nil {
		return err
	}
	if err := f.checkOutput(changed); err != nil {
		return err
	}
	if f.output == formatEvents && f.html != "" {
		return usage("--html cannot be combined with -o events").hint("run `meridian show` again, without -o")
	}
	if !isRun(name) {
		return c.showFile(ctx, f, name)
	}
	if changed("task") {
		return usage("--task is for a file with a result: a kept run has its own")
	}
	k, id, err := c.locate(ctx, f, name)
	if err != nil {
		return err
	}
	if f.output == formatEvents {
		return c.showEvents(ctx, k, id)
	}
	r, err := k.result(ctx, id)
	if err != nil {
		return err
	}
	return c.printKept(f, r)
}

// showEvents prints the events of a run.
func (c *cli) showEvents(ctx context.Context, k keep, id string) error {
	for after := 0; ; {
		page, err := k.events(ctx, id, after)
		if err != nil {
			return err
		}
		if err := c.printLines(page.Events); err != nil {
			return err
		}
		if len(page.Events) == 0 {
			break
		}
		after = page.After
	}
	state, err := k.show(ctx, id)
	if err == nil && state.Status != protocol.StatusSucceeded {
		err = errRunFailed
	}
	return err
}

// printKept prints a run, with what can be done if it has not ended.
func (c *cli) printKept(f *runFlags, r keptRun) error {
	r.markInterrupted()
	if f.output != formatEvents && f.html != printedPage {
		f.next = f.nextStep(r)
		if err := c.printResult(r.result, r.request, f); err != nil {
			return err
		}
	}
	if err := c.writePage(f, r); err != nil {
		return err
	}
	if f.function != "" && r.result.Truncated && lacksOutputs(&r.result) {
		c.hint("the outputs that are left out are in the coordinator's bucket: read them with --store s3://BUCKET instead of --function")
	}
	return c.concluded(r.result, f)
}

// markInterrupted has the result of an interrupted run say so.
func (r *keptRun) markInterrupted() {
	if r.state.Interrupted {
		r.result.Cause = "interrupted: nothing carries the run on"
	}
}

// nextStep returns what to do about a run that has not ended, or "".
func (f *runFlags) nextStep(r keptRun) string {
	switch {
	case r.state.Interrupted:
		return fmt.Sprintf("run `%s` to carry the run on", f.again("resume", r.result.RunID))
	case r.result.Status == protocol.StatusRunning:
		return fmt.Sprintf("run `%s` to follow the run", f.again("watch", r.result.RunID))
	}
	return ""
}

// concluded returns the error of a run that did not succeed. JSON has no hints, so they are
// printed.
func (c *cli) concluded(result protocol.Result, f *runFlags) error {
	if result.Status == protocol.StatusSucceeded {
		return nil
	}
	if (f.output == formatJSON || f.output == formatEvents) && f.next != "" {
		c.hint("%s", f.next)
	}
	return errRunFailed
}

// hint writes a hint to standard error. There is nowhere to report an error of it.
func (c *cli) hint(format string, args ...any) {
	_, _ = io.WriteString(c.stderr, printable("hint: "+fmt.Sprintf(format, args...)+"\n"))
}

// showFile prints the result in a file.
func (c *cli) showFile(ctx context.Context, f *runFlags, name string) error {
	if f.output == formatEvents {
		return usage("%s: a file has a result, and no events", shownFile(name))
	}
	result, err := c.readResult(name)
	if err != nil {
		return err
	}
	r := keptRun{result: result, request: protocol.Request{Task: f.task}}
	if f.task == "" {
		r.request = c.requestOf(ctx, f, result.RunID)
	}
	return c.printKept(f, r)
}

// readResult reads a result as -o json prints it.
func (c *cli) readResult(name string) (protocol.Result, error) {
	input := c.stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return protocol.Result{}, usage("%v", err).hint("run `meridian runs` to list the runs")
		}
		defer func() { _ = file.Close() }() // only read
		input = file
	}
	data, err := io.ReadAll(io.LimitReader(input, maxResultFile))
	if err != nil {
		return protocol.Result{}, failure("%v", err)
	}
	result, err := protocol.DecodeResult(data)
	if err != nil || !slices.Contains(protocol.Statuses(), result.Status) {
		return result, usage("%s: it has no result of a run", shownFile(name)).hint("save one with `meridian run -o json`")
	}
	return result, nil
}

// requestOf returns the request of a run that is kept. For any other run it returns the request of a
// function, which lists any output as rows.
func (c *cli) requestOf(ctx context.Context, f *runFlags, runID string) protocol.Request {
	if k, err := c.keepOf(ctx, f); err == nil && protocol.ValidRunID(runID) {
		if r, err := k.result(ctx, runID); err == nil {
			return r.request
		}
	}
	return protocol.Request{Worker: &protocol.Worker{}}
}
