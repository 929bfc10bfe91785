package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"meridian/internal/awsapi/model"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

func (c *cli) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run a task in every Region at once and print the result",
		Long: `Run a task on every target in every Region at once, and print the outcome of each.
The default is the task "resolve" on the target "dynamodb" in every commercial
Region that needs no opt-in. The workers run in this process; with --function, a
deployed coordinator runs the same request. With --worker-function, a Lambda function
of your own does the work in the place of a task.

A list has names with commas or white space between them, or is a JSON array. A flag
that takes a list or JSON also takes @path, a file with it, or @-, standard input. A
file of --target may also have a row for each target, as JSON lines or CSV.
Without -f, and without a flag that says what to run or where, a request is read from
standard input if it has one.

Press Ctrl-C to stop the run and print the outcomes so far, and again to quit
without them.

A run in this process is kept in --store: "meridian show last" prints it again,
"meridian redrive last" does again what failed, and "meridian resume last" carries on a
run whose process has died.`,
		Example: `  meridian run --region us-east-1,us-east-2,eu-west-1 --task sleep -p seconds=1
  meridian run --region 'eu-*' --exclude-region eu-south-2 --target dynamodb,s3 -o json
  meridian run -f request.json --timeout 30s --tolerated-failure-count 2
  meridian run --region all --target '*' --dry-run
  meridian run --accounts accounts.yml --role Audit --region enabled --task probe
  meridian run --worker-function my-check --payload '{"url": "https://{region}.example.com", "item": "{target.input}"}' --region 'eu-*' --target @items.jsonl -o jsonl
  meridian run --function my-coordinator --aws-region eu-west-1 -f request.json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.runRequest(cmd.Context(), &f, cmd.Flags().Changed)
		},
	}
	f.registerWork(cmd)
	f.registerStore(cmd)
	f.registerOutput(cmd)
	f.registerCompare(cmd)
	return cmd
}

// runRequest reads the request, runs it, and prints the result.
func (c *cli) runRequest(ctx context.Context, f *runFlags, changed func(flag string) bool) error {
	if err := f.check(changed); err != nil {
		return err
	}
	if err := f.accounts.check(changed); err != nil {
		return err
	}
	if err := cmp.Or(f.checkOutput(changed), f.refusePrintedPage()); err != nil {
		return err
	}
	request, from, err := c.readRequest(ctx, f, changed)
	if err != nil {
		return err
	}
	if err := checkProfiles(f.function, request, from); err != nil {
		return err
	}
	if err := f.checkCompare(request); err != nil {
		return err
	}
	if f.dryRun && f.html != "" {
		return usage("--html cannot be combined with --dry-run: there is no result")
	}
	if f.dryRun {
		return c.printPlan(ctx, f, request, from)
	}
	if f.function != "" && f.output == formatEvents && !request.Kept() {
		return usage("-o events of a deployed run needs --keep: the events of others are not kept").
			hint("add --keep, or leave out --function")
	}
	if f.function != "" && f.output == formatEvents && f.html != "" {
		return usage("--html cannot be combined with -o events and --function").
			hint("run `meridian show last --html --function %s` afterwards", f.function)
	}
	if f.starts {
		return from.explain(c.startRemotely(ctx, f, request))
	}
	var result protocol.Result
	if f.function != "" {
		result, err = c.runRemotely(ctx, f, request)
	} else if err = c.identifyProfiles(ctx, f, &request); err == nil {
		if f.kept, err = c.openStore(ctx, f); err == nil {
			result, err = c.runLocally(ctx, f, request)
		}
	}
	if err != nil {
		return from.explain(err)
	}
	defer c.tidy(ctx, f.kept)()
	r := keptRun{result: result, request: request}
	err = c.printKept(f, r)
	if f.compare {
		c.compareWithLast(context.WithoutCancel(ctx), f, r)
	}
	return err
}

// check returns the error of flags that are not part of the request. A flag with an
// empty value, as from an unset variable, is refused and not taken for a missing one.
func (f *runFlags) check(changed func(flag string) bool) error {
	switch {
	case changed("key") && f.key == "":
		return usage(`--key: "": want the key that makes the start unique`)
	case changed("file") && f.file == "":
		return usage(`--file: "": want the path of a file, or - for standard input`)
	case changed("function") && f.function == "":
		return usage(`--function: "": want a function's name or ARN`).
			hint("leave out --function to run the request in this process, without AWS")
	case changed("worker-setting") && f.function != "":
		return usage("--worker-setting is for a worker in this process, not for --function").
			hint("set the environment of the deployed worker")
	case changed("allow") && f.function != "":
		return usage("--allow is for a worker in this process, not for --function").
			hint("set %s in the environment of the deployed worker", task.SettingCallAllow)
	case f.awsRegion != "" && f.function == "":
		return usage("--aws-region needs --function: it is the Region of that function").
			hint("set --region to choose the Regions to run in")
	}
	if err := f.checkStore(changed); err != nil {
		return err
	}
	return f.call.checkAllow()
}

// checkAllow returns the error of --allow.
func (f *callFlags) checkAllow() error {
	for _, pattern := range f.allow {
		if pattern == "reads" {
			continue
		}
		service, name, found := strings.Cut(pattern, ":")
		if _, err := path.Match(pattern, ""); err != nil || !found || strings.Contains(name, ":") {
			return usage("--allow: %q: want a pattern of operations, such as ec2:StopInstances or 's3:*'", pattern)
		}
		operations, err := listOperations("", "")
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(operations, func(o operationListing) bool { ok, _ := path.Match(pattern, o.Operation); return ok }) {
			return usage("--allow: %q: no operation matches it", pattern).hint("%s", nearOperation(service, name))
		}
	}
	return nil
}

// nearOperation returns a hint for an operation that there is not.
func nearOperation(service, name string) string {
	_, err := model.Lookup(service, name)
	switch unknown, ok := errors.AsType[model.UnknownError](err); {
	case !ok || unknown.Nearest == "":
		return "run `meridian operations --search word` to find operations"
	case unknown.Operation == "":
		return fmt.Sprintf("did you mean %s:%s?", unknown.Nearest, name)
	default:
		return fmt.Sprintf("did you mean %s:%s?", service, unknown.Nearest)
	}
}
