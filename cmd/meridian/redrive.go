package main

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"meridian/internal/endpoints"
	"meridian/internal/runs"
	"meridian/pkg/protocol"
)

// redriveFlags are the flags of "redrive".
type redriveFlags struct {
	runFlags
	only   []string
	detach bool
}

func (c *cli) redriveCommand() *cobra.Command {
	var f redriveFlags
	cmd := &cobra.Command{
		Use:   "redrive run|file",
		Short: "Do again what did not succeed in a kept run that has ended",
		Long: `Do again what did not succeed in a kept run that has ended, or a part of it, and print
the result of the whole run. What has succeeded, or was skipped, stays as it is. The run
is named by its id, the first characters of it, last, or last~1, or by a file with its
result. If the run of a file is not kept, -f has its request, and the run is kept from
then on.

A run of this machine is carried on in this process. With --function, the deployed
coordinator does it, and the command follows the run unless --detach is set.`,
		Example: `  meridian redrive last
  meridian redrive last --only region=eu-west-1 --only error=States.Timeout --target-timeout 30s
  meridian redrive result.json --max-concurrency 5
  meridian redrive result.json -f request.json
  meridian redrive 01JDCX4T --function my-coordinator --detach`,
		Args: oneRun,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.redrive(cmd.Context(), &f, args[0], cmd.Flags().Changed)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVar(&f.only, "only", nil, "do again only what has this `property`: region=eu-west-1, account=111122223333 or error=States.Timeout; repeatable: an outcome has to match one property of each kind that is given (default everything that did not succeed)")
	flags.StringVarP(&f.file, "file", "f", "", "the JSON file at `path` with the request of a file with a result")
	f.registerPolicies(cmd)
	f.registerWorkers(cmd)
	flags.BoolVar(&f.detach, "detach", false, "with --function, do not wait for the end of the run")
	f.registerOutput(cmd)
	complete(cmd, "only", completeOnly)
	_ = cmd.RegisterFlagCompletionFunc("file", cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)) // offers files
	cmd.ValidArgsFunction = c.completeRuns(&f.runFlags, cobra.ShellCompDirectiveDefault)
	return cmd
}

// completeOnly offers what --only selects by.
func completeOnly(typed string) []cobra.Completion {
	if strings.HasPrefix(typed, "region=") {
		var regions []cobra.Completion
		for _, r := range endpoints.AllRegions() {
			regions = append(regions, "region="+r.Name)
		}
		return regions
	}
	return []cobra.Completion{"region=", "account=", "error="}
}

// registerPolicies adds the flags for the policies that a redrive can replace.
func (f *runFlags) registerPolicies(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Var(&f.timeout, "timeout", "`time` for the redrive, such as 90s or 90 (default that of the request)")
	flags.Var(&f.regionTimeout, "region-timeout", "`time` for one attempt of an invocation (default that of the request)")
	flags.Var(&f.targetTimeout, "target-timeout", "`time` for one attempt of a target (default that of the request)")
	flags.IntVar(&f.maxConcurrency, "max-concurrency", 0, "run at most `n` invocations at once (default that of the request)")
	flags.IntVar(&f.targetMaxConcurrency, "target-max-concurrency", 0, "run at most `n` targets at once in each worker (default that of the request)")
	flags.StringVar(&f.retry, "retry", "", "retriers for invocations, a `JSON` array (default that of the request)")
	flags.StringVar(&f.targetRetry, "target-retry", "", "retriers for targets, a `JSON` array (default that of the request)")
}

// redrive redrives a run, and prints its result.
func (c *cli) redrive(ctx context.Context, f *redriveFlags, name string, changed func(flag string) bool) error {
	if err := cmp.Or(f.checkOutput(changed), f.refusePrintedPage()); err != nil {
		return err
	}
	if err := c.readFlagFiles(ctx, &f.runFlags); err != nil {
		return err
	}
	d, err := f.wanted(changed)
	if err != nil {
		return err
	}
	k, id, err := c.findResult(ctx, f, name, changed)
	if err != nil {
		return err
	}
	if err := c.warnOfInterrupted(ctx, k, id); err != nil {
		return err
	}
	if remote, ok := k.(*deployed); ok {
		state, err := remote.state(ctx, protocol.Command{Command: protocol.CommandRedrive, RunID: id, Redrive: &d})
		if err != nil {
			return err
		}
		return c.followState(ctx, &f.runFlags, remote, state, f.detach)
	}
	err = c.carryAndPrint(ctx, &f.runFlags, k, id, "redriving", &d, func(k *runs.Keeper) (protocol.RunState, error) {
		return k.Redrive(ctx, id, d)
	})
	if invalid, ok := errors.AsType[*protocol.InvalidRequestError](err); ok {
		return refuseRedrive(invalid.Faults)
	}
	return err
}

// findResult is find for the id of a run, or for a file with its result.
func (c *cli) findResult(ctx context.Context, f *redriveFlags, name string, changed func(flag string) bool) (keep, string, error) {
	if isRun(name) {
		if f.file != "" {
			return nil, "", usage("--file is for a file with a result: a kept run has its request")
		}
		return c.find(ctx, &f.runFlags, name, changed)
	}
	result, err := c.readResult(name)
	if err != nil {
		return nil, "", err
	}
	k, id, err := c.find(ctx, &f.runFlags, result.RunID, changed)
	if err != nil {
		return nil, "", err
	}
	if _, err = k.show(ctx, id); err == nil {
		return k, id, nil
	}
	if complaint, ok := errors.AsType[*complaintError](err); !ok || complaint.status != exitUsage { // else there is no such run
		return nil, "", err
	}
	if _, isLocal := k.(*localKeep); !isLocal || f.file == "" {
		return nil, "", usage("%s: its run, %s, is not kept here", shownFile(name), id).
			hint("set --store or --function to where the run is kept, or -f to its request")
	}
	return k, id, c.importResult(ctx, f, name, result)
}

// importResult keeps the run of a file, with the request of -f.
func (c *cli) importResult(ctx context.Context, f *redriveFlags, name string, result protocol.Result) error {
	if result.Status == protocol.StatusRunning {
		return usage("%s: its run has not ended", shownFile(name))
	}
	data, err := c.awaitFile(ctx, "file", f.file)
	if err != nil {
		return err
	}
	from := source{file: shownFile(f.file)}
	request, faults := protocol.DecodeRequest(data)
	if err := faults.Err(); err != nil {
		return from.explain(err)
	}
	if err := c.identifyProfiles(ctx, &f.runFlags, &request); err != nil {
		return from.explain(err)
	}
	local, _, err := c.prepare(ctx, &f.runFlags, request)
	if err != nil {
		return from.explain(err)
	}
	err = c.keep(local, &f.runFlags, request).keeper.Import(ctx, request, result)
	if mismatch, ok := errors.AsType[*runs.MismatchError](err); ok {
		return usage("%s: %v", shownFile(name), mismatch).hint("set -f to the request that the result came from")
	}
	return from.explain(explainKept(err))
}

// wanted returns what the flags select, and the policies that they replace.
func (f *redriveFlags) wanted(changed func(flag string) bool) (protocol.Redrive, error) {
	var d protocol.Redrive
	kinds := map[string]*[]string{"region": &d.Regions, "account": &d.Accounts, "error": &d.Errors}
	for _, only := range f.only {
		kind, value, _ := strings.Cut(only, "=")
		list, known := kinds[kind]
		if !known || value == "" {
			return d, usage("--only: %q: want region=, account= or error= and a value", only)
		}
		*list = append(*list, value)
	}
	if changed("timeout") {
		d.TimeoutSeconds = new(float64(f.timeout))
	}
	if changed("region-timeout") {
		d.RegionTimeoutSeconds = new(float64(f.regionTimeout))
	}
	if changed("target-timeout") {
		d.TargetTimeoutSeconds = new(float64(f.targetTimeout))
	}
	if changed("max-concurrency") {
		d.MaxConcurrency = &f.maxConcurrency
	}
	if changed("target-max-concurrency") {
		d.TargetMaxConcurrency = &f.targetMaxConcurrency
	}
	var r protocol.Request
	var faults protocol.Faults
	for _, list := range []struct{ flag, field, text string }{{"retry", "retry", f.retry}, {"target-retry", "targetRetry", f.targetRetry}} {
		if changed(list.flag) {
			faults = append(faults, decodeField(&r, list.field, list.text)...)
		}
	}
	d.Retry, d.TargetRetry = r.Retry, r.TargetRetry
	if faults = faults.And(d.Validate()); faults != nil {
		return d, refuseRedrive(faults)
	}
	return d, nil
}

// refuseRedrive returns the usage error of faults of a redrive, with the flags that set its fields.
func refuseRedrive(faults protocol.Faults) error {
	faults = source{}.placed(faults)
	for i := range faults {
		if path := faults[i].Path; path == "--region" || strings.HasPrefix(path, "--account") || strings.HasPrefix(path, "--errors") {
			faults[i].Path = "--only"
		}
	}
	return refuse(faults)
}

// warnOfInterrupted says how many targets may have been done already, and may not be done twice.
func (c *cli) warnOfInterrupted(ctx context.Context, k keep, id string) error {
	state, err := k.show(ctx, id)
	if err != nil || state.Result == nil {
		return err
	}
	n := 0
	for _, region := range state.Result.Regions {
		for _, target := range region.Targets {
			if target.Error == protocol.ErrorInterrupted {
				n++
			}
		}
	}
	if n > 0 {
		c.note("%s failed with %s and may have been done already", count(n, "target"), protocol.ErrorInterrupted)
	}
	return nil
}
