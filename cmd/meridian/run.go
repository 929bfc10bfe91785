package main

import (
	"context"

	"github.com/spf13/cobra"

	"meridian/internal/report"
	"meridian/pkg/protocol"
)

func (c *cli) runCommand(ctx context.Context) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run one job in every Region asked for, and print what came back",
		Long: `Run a task on every target in every Region asked for, all at once, and print
what came back from each. Without flags: the task "resolve" on the target
"dynamodb" in every commercial Region, by workers in this process. With
--function, the same request is run by the coordinator deployed as that function.

Ctrl-C ends the run and prints what there is; a second one ends the program.`,
		Example: `  meridian run --region us-east-1,us-east-2,eu-west-1 --task sleep -p seconds=1
  meridian run --region 'eu-*' --exclude-region eu-south-2 --target dynamodb,s3 -o json
  meridian run -f request.json --timeout 30s --tolerated-failure-count 2
  meridian run --region all --target '*' --dry-run
  meridian run --function my-coordinator --aws-region eu-west-1 -f request.json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.runRequest(ctx, &f, cmd.Flags().Changed)
		},
	}
	f.register(cmd)
	return cmd
}

// runRequest reads the request, has it run, and prints the result.
func (c *cli) runRequest(ctx context.Context, f *runFlags, changed func(flag string) bool) error {
	if err := f.check(changed); err != nil {
		return err
	}
	request, from, err := c.readRequest(ctx, f, changed)
	if err != nil {
		return err
	}
	if f.dryRun {
		return c.printPlan(f, request, from)
	}
	var result protocol.Result
	if f.function != "" {
		result, err = c.runRemotely(ctx, f, request)
	} else {
		result, err = c.runLocally(ctx, f, request)
	}
	if err != nil {
		return from.explain(err)
	}
	if err := c.printResult(result, f.output); err != nil {
		return err
	}
	if result.Status != protocol.StatusSucceeded {
		return errRunFailed
	}
	return nil
}

// check returns what is wrong with flags that are no part of the request. An empty
// value, as of a variable that is not set, does not mean that the flag is not there.
func (f *runFlags) check(changed func(flag string) bool) error {
	switch {
	case changed("file") && f.file == "":
		return usage(`--file: "": want the path of a file, or - for standard input`)
	case changed("function") && f.function == "":
		return usage(`--function: "": want a function's name or ARN`).
			hint("without --function the request runs in this process, without AWS")
	case f.awsRegion != "" && f.function == "":
		return usage("--aws-region is where --function is; it needs that one").
			hint("--region says where to run")
	}
	return nil
}

func (c *cli) printResult(r protocol.Result, f format) error {
	if f == formatJSON {
		return c.printJSON(r)
	}
	options := report.Options{Width: width(c.stdout), Color: c.colorful(c.stdout)}
	if err := report.Text(c.stdout, r, options); err != nil {
		return failure("write output: %v", err)
	}
	return nil
}
