package main

import (
	"context"

	"github.com/spf13/cobra"

	"meridian/pkg/protocol"
)

func (c *cli) startCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Start a run in a deployed coordinator and print its id",
		Long: `Start a run in a deployed coordinator that keeps runs, and print its id without waiting
for its end. The flags are those of "run". "meridian watch" follows the run, "show"
prints it, and "stop" stops it.`,
		Example: `  meridian start -f request.json --function my-coordinator
  id=$(meridian start --task probe --region all --function my-coordinator)
  meridian watch "$id" --function my-coordinator`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if changed := cmd.Flags().Changed; f.function == "" && !changed("function") {
				return usage("start needs --function: a run on this machine goes on only as long as its process").
					hint("use `meridian run`")
			}
			f.starts = true
			return c.runRequest(cmd.Context(), &f, cmd.Flags().Changed)
		},
	}
	f.registerWork(cmd)
	addOutput(cmd, &f.output)
	return cmd
}

// startRemotely starts the request in a deployed coordinator, and prints the run's id.
func (c *cli) startRemotely(ctx context.Context, f *runFlags, request protocol.Request) error {
	if err := request.Validate().Err(); err != nil {
		return err
	}
	d, err := c.deployed(ctx, f)
	if err != nil {
		return err
	}
	state, err := d.start(ctx, request)
	if err != nil {
		return err
	}
	if f.output == formatJSON {
		return c.printJSON(state)
	}
	if err := c.print("%s\n", state.RunID); err != nil {
		return err
	}
	if isTerminal(c.stderr) {
		c.hint("run `%s` to follow the run, or `%s` to look it up", f.again("watch", state.RunID), f.again("show", state.RunID))
	}
	return nil
}

// streamRemotely starts the request in a deployed coordinator, and prints the run's events as they
// happen. The result that it returns has no outcomes.
func (c *cli) streamRemotely(ctx context.Context, f *runFlags, request protocol.Request) (protocol.Result, error) {
	var none protocol.Result
	d, err := c.deployed(ctx, f)
	if err != nil {
		return none, err
	}
	state, err := d.start(ctx, request)
	if err != nil {
		return none, err
	}
	_, err = c.poll(ctx, d, state.RunID, c.printLines)
	if ctx.Err() != nil {
		return none, f.stoppedWatching(state.RunID)
	}
	if err == nil {
		state, err = d.show(ctx, state.RunID)
	}
	return protocol.Result{RunID: state.RunID, Status: state.Status}, err
}
