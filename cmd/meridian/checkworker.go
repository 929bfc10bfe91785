package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"meridian/internal/workercheck"
	"meridian/pkg/protocol"
)

// checkFlags are the flags of "check-worker".
type checkFlags struct {
	function, awsRegion, region     string
	task, parameters, failingTarget string
	targets                         []string
	output                          format
	verbose                         bool
}

func (c *cli) checkWorkerCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check-worker [-- program [argument...]]",
		Short: "Check that a worker in any language speaks the protocol",
		Long: `Invokes a worker as a coordinator does, with one target, a batch, too little time, a
target that fails, a version that does not exist and more, and prints for each check what
it found and how to mend it. The worker is a deployed Lambda function, or a program behind
"--" that is started for each invocation, with the request on standard input and the answer
on standard output. The worker does the work of the targets several times.`,
		Example: `  meridian check-worker --failing-target broken -- python3 examples/worker-python/worker.py
  meridian check-worker --function my-worker --aws-region eu-west-1 --target a,b,c --failing-target nosuch`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.checkWorker(cmd.Context(), &f, args, cmd.Flags().Changed)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.function, "function", "", "check the deployed worker with this `name` or ARN")
	flags.StringVar(&f.awsRegion, "aws-region", "", "the `Region` of --function (default the ARN's, or AWS_REGION)")
	flags.StringVar(&f.region, "region", "", "the `Region` to ask the worker to work in (default eu-west-1)")
	flags.StringVar(&f.task, "task", "", "the `name` of the task to ask for (default check)")
	flags.StringArrayVar(&f.targets, "target", nil, "`names` of targets that the worker can do; repeatable (default check-1 to check-8)")
	flags.StringVar(&f.failingTarget, "failing-target", "", "the `name` of a target that the worker fails for")
	flags.StringVar(&f.parameters, "parameters", "", "the parameters of the task as a `JSON` object")
	addOutput(cmd, &f.output)
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "pass on what the program writes to standard error")
	complete(cmd, "aws-region", completeRegions)
	complete(cmd, "region", completeRegions)
	return cmd
}

// checkWorker makes the checks and prints their findings.
func (c *cli) checkWorker(ctx context.Context, f *checkFlags, program []string, changed func(flag string) bool) error {
	switch {
	case changed("function") == (len(program) > 0):
		return usage("want either --function or a program to check").
			hint("run `meridian check-worker -- python3 worker.py`, or `meridian check-worker --function NAME`")
	case f.awsRegion != "" && !changed("function"):
		return usage("--aws-region needs --function: it is the Region of that function").
			hint("set --region to choose the Region to work in")
	}
	checker, err := f.checker()
	if err != nil {
		return err
	}
	if checker.Worker, err = c.workerToCheck(ctx, f, program); err != nil {
		return err
	}
	findings, counts := []workercheck.Finding{}, map[workercheck.Verdict]int{}
	for finding := range checker.Run(ctx) {
		if ctx.Err() != nil {
			return failure("check the worker: %v", context.Cause(ctx))
		}
		if len(findings) == 0 && finding.Verdict == workercheck.NotChecked {
			return explainCall(ctx, strings.Join(append(program, f.function), " "), &protocol.Request{}, finding.Err)
		}
		findings = append(findings, finding)
		counts[finding.Verdict]++
		if f.output == formatTable && (len(findings) == 1 || findings[0].Verdict == workercheck.Passed) {
			if err := c.printFinding(finding); err != nil {
				return err
			}
		}
	}
	if f.output == formatJSON {
		err = c.printJSON(findings)
	} else {
		err = c.printCounts(findings, counts)
	}
	if err == nil && counts[workercheck.Passed] < len(findings) {
		return errRunFailed
	}
	return err
}

// checker returns what the flags say to check a worker with.
func (f *checkFlags) checker() (workercheck.Checker, error) {
	checker := workercheck.Checker{Region: f.region, Task: f.task, FailingTarget: f.failingTarget}
	var r protocol.Request
	if f.targets != nil {
		if faults := decodeNames("targets", f.targets, &checker.Targets); faults != nil {
			return checker, refuse(source{}.placed(faults))
		}
	}
	if f.parameters != "" {
		if faults := decodeField(&r, "parameters", f.parameters); faults != nil {
			return checker, refuse(source{}.placed(faults))
		}
		checker.Parameters = r.Parameters
	}
	for i, target := range checker.Targets {
		if slices.Contains(checker.Targets[:i], target) {
			return checker, usage("--target: %q: given twice", target)
		}
	}
	if f.targets != nil && len(checker.Targets) == 0 {
		return checker, usage("--target: no name given")
	}
	return checker, nil
}

// workerToCheck returns the worker: a deployed function, or a program.
func (c *cli) workerToCheck(ctx context.Context, f *checkFlags, program []string) (workercheck.Invoker, error) {
	if len(program) > 0 {
		if _, err := exec.LookPath(program[0]); err != nil {
			return nil, usage("%v", err)
		}
		stderr := io.Writer(nil)
		if f.verbose {
			stderr = printableWriter{c.stderr}
		}
		return workercheck.Process{Command: program, Stderr: stderr}, nil
	}
	function, _, err := c.lambda(ctx, f.function, f.awsRegion, f.verbose)
	return function, err
}

// printFinding prints a finding on a line, and how to mend it on another.
func (c *cli) printFinding(f workercheck.Finding) error {
	verdict := map[workercheck.Verdict]string{workercheck.Passed: "ok", workercheck.Failed: "FAILED", workercheck.NotChecked: "not checked"}[f.Verdict]
	text := fmt.Sprintf("%-11s  %-15s  %s\n", verdict, f.Check, strings.ReplaceAll(f.Found, "\n", " "))
	if f.Mend != "" {
		text += fmt.Sprintf("%13shint: %s\n", "", f.Mend)
	}
	return c.print("%s", text)
}

// printCounts prints how many checks had each verdict, after a line for those that were not
// made because the first did not pass.
func (c *cli) printCounts(findings []workercheck.Finding, counts map[workercheck.Verdict]int) error {
	if findings[0].Verdict != workercheck.Passed {
		others := findings[len(findings)-1]
		others.Check = count(len(findings)-1, "other check")
		if err := c.printFinding(others); err != nil {
			return err
		}
	}
	return c.print("\n%d of %d checks passed, %d failed, %d not checked\n",
		counts[workercheck.Passed], len(findings), counts[workercheck.Failed], counts[workercheck.NotChecked])
}
