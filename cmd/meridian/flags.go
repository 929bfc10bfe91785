package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"meridian/internal/report"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// runFlags are the flags of "run".
type runFlags struct {
	file                                             string
	regions, excludeRegions, targets                 []string
	partition                                        string
	task, parameters, name, key                      string
	pairs                                            []string // of --param
	maxConcurrency, targetMaxConcurrency, maxTargets int
	timeout, regionTimeout, targetTimeout            seconds
	retry, targetRetry, hedge                        string
	toleratedPercentage                              float64
	toleratedCount, minSuccessful                    int
	failFast, keep                                   bool
	stopping                                         bool // whether the run is carried on only to end it
	function, awsRegion, store                       string
	workerSettings                                   map[string]string
	output                                           format
	columns, sort, countBy                           string
	html                                             string // the file of the page; empty means none
	call                                             callFlags
	accounts                                         accountFlags
	worker                                           workerFlags
	files                                            map[*string]string // the paths of files by the values that were read from them
	targetPlaces                                     []string           // of each target, see targetList
	targetNotes                                      []string           // on files of targets
	arguments                                        bool               // whether the targets are arguments of the command
	selection                                        report.Selection
	verbose, dryRun                                  bool
	starts                                           bool                 // whether the command starts a run and does not wait for it
	observe                                          func(protocol.Event) // gets the events instead of a live view
	compare                                          bool                 // whether to print what changed since the last run of the name
	next                                             string               // the hint for a result that is RUNNING
	aws                                              *aws.Config          // once it is loaded
	kept                                             *runStore            // once it is open; nil means that runs are not kept
	memoryMB                                         int                  // what answers of AWS may take a part of; 0 is the default of task.NewAWS
}

// registerWork adds the flags that say what to run, where and how.
func (f *runFlags) registerWork(cmd *cobra.Command) {
	f.registerRegions(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&f.targets, "target", nil, "`names` of the targets to work on in each Region, or * for every service listed there, or @path for a file with names or rows; repeatable (default "+protocol.DefaultTarget+"; with --worker-function, the function's name)")
	flags.StringVar(&f.task, "task", "", "the `name` of the task to run on each target: "+strings.Join(task.Builtin().Names(), ", ")+" (default "+protocol.DefaultTask+")")
	flags.StringArrayVarP(&f.pairs, "param", "p", nil, "a parameter of the task as `key=value`; a value that is not JSON is a string; repeatable; \"meridian tasks\" lists them")
	flags.StringVar(&f.parameters, "parameters", "", "all parameters of the task as a `JSON` object; --param adds to them")
	f.worker.register(cmd)
	flags.StringVarP(&f.file, "file", "f", "", "read the request from the JSON file at `path`, or from standard input for -; flags override its fields")
	complete(cmd, "task", completeTasks)
	complete(cmd, "target", completeTargets)
	_ = cmd.RegisterFlagCompletionFunc("param", completeParameters)
	_ = cmd.RegisterFlagCompletionFunc("file", cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)) // offers files
	f.registerLimits(cmd)
}

// registerRegions adds the flags that say where to run.
func (f *runFlags) registerRegions(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVar(&f.regions, "region", nil, "`names` or globs of the Regions to run in; * means those that need no opt-in, all means every Region, enabled those that are enabled in the account; repeatable (default *)")
	flags.StringArrayVar(&f.excludeRegions, "exclude-region", nil, "`names` or globs of Regions to leave out; repeatable")
	flags.StringVar(&f.partition, "partition", "", "the `id` of the partition whose Regions globs match (default "+protocol.DefaultPartition+")")
	complete(cmd, "region", completeRunRegions)
	complete(cmd, "exclude-region", completeRegions)
	complete(cmd, "partition", completePartitions)
	f.accounts.register(cmd)
}

// registerLimits adds the flags that say how to run.
func (f *runFlags) registerLimits(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.name, "name", "", "a `name` for the run")
	flags.StringVar(&f.key, "key", "", "a `key` that starts the run once: the same request with it attaches to that run; a run with a key is kept")
	flags.BoolVar(&f.keep, "keep", false, "keep the run: it survives the end of the coordinator, and can be looked up, stopped and redriven")
	flags.Var(&f.timeout, "timeout", fmt.Sprintf("`time` for the whole run, such as 90s or 90 (default %ds; with --function, until its deadline)", localTimeoutSeconds))
	flags.Var(&f.regionTimeout, "region-timeout", "`time` for one attempt of an invocation (default the rest of the run)")
	flags.Var(&f.targetTimeout, "target-timeout", "`time` for one attempt of a target (default the rest of the invocation)")
	flags.StringVar(&f.retry, "retry", "", "retriers for invocations: a `JSON` array as in the Amazon States Language but in lowerCamelCase; [] turns retries off (default retries Lambda's own errors)")
	flags.StringVar(&f.hedge, "hedge", "", "when to start a second attempt beside a slow invocation: a `JSON` object such as {\"afterPercentile\":95} (default never)")
	flags.StringVar(&f.targetRetry, "target-retry", "", "retriers for targets: a `JSON` array of the same form (default none; for the task call, throttles and transient errors are tried again)")
	flags.IntVar(&f.toleratedCount, "tolerated-failure-count", 0, "let the run succeed with up to `n` failed Regions (default none)")
	flags.Float64Var(&f.toleratedPercentage, "tolerated-failure-percentage", 0, "let the run succeed with up to `n` percent of its Regions failed (default none)")
	flags.BoolVar(&f.failFast, "fail-fast", false, "stop as soon as more Regions have failed than are tolerated")
	flags.IntVar(&f.minSuccessful, "min-successful", 0, "stop as soon as `n` Regions have succeeded")
	flags.IntVar(&f.maxConcurrency, "max-concurrency", 0, "run at most `n` invocations at once (default all of them)")
	flags.IntVar(&f.targetMaxConcurrency, "target-max-concurrency", 0, fmt.Sprintf("run at most `n` targets at once in each worker (default %d)", protocol.DefaultTargetMaxConcurrency))
	flags.IntVar(&f.maxTargets, "max-targets-per-invocation", 0, fmt.Sprintf("send at most `n` targets with one invocation (default %d)", protocol.DefaultMaxTargetsPerInvocation))
	flags.StringVar(&f.function, "function", "", "run the request in the deployed coordinator with this `name` or ARN")
	flags.StringVar(&f.awsRegion, "aws-region", "", "the `Region` of --function (default the ARN's, or AWS_REGION)")
	flags.StringToStringVar(&f.workerSettings, "worker-setting", nil, "a setting of the worker in this process as `NAME=value`, before that of the environment, such as MERIDIAN_PROBE_ALLOW_PORTS=8443; repeatable")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print the plan and invoke nothing")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "write the log of coordinator and workers to standard error, as JSON lines")
	complete(cmd, "aws-region", completeRegions)
}

// registerOutput adds the flags that say what to print of a result.
func (f *runFlags) registerOutput(cmd *cobra.Command) {
	addOutput(cmd, &f.output, formatCSV, formatJSONL, formatRegions, formatWide, formatLine, formatEvents)
	flags := cmd.Flags()
	flags.StringVar(&f.columns, "columns", "", "the `names` of the columns of the rows, in order (default all)")
	flags.StringVar(&f.sort, "sort", "", "the `names` of the columns to sort the rows by; a - before a name reverses the order")
	flags.StringVar(&f.countBy, "count-by", "", "print how many rows have the same values in the columns with these `names`, such as region")
	addPage(cmd, &f.html, namelessPage)
}

// A setting is a flag that sets a field of the request.
type setting struct {
	flag, field string
	apply       func(*protocol.Request) protocol.Faults
}

// set returns a setting without faults.
func set(flag, field string, apply func(*protocol.Request)) setting {
	return setting{flag, field, func(r *protocol.Request) protocol.Faults { apply(r); return nil }}
}

// settings returns the flags that set a field, in the order to apply them:
// --parameters before --param, which adds to it.
func (f *runFlags) settings() []setting {
	list := func(flag, field string, values []string, into func(*protocol.Request) *[]string) setting {
		return setting{flag, field, func(r *protocol.Request) protocol.Faults { return decodeNames(field, values, into(r)) }}
	}
	decode := func(flag, field string, text *string) setting {
		return setting{flag, field, func(r *protocol.Request) protocol.Faults { return decodeField(r, field, *text) }}
	}
	return slices.Concat(f.call.settings(), f.accounts.settings(), f.worker.settings(), []setting{
		list("region", "regions", f.regions, func(r *protocol.Request) *[]string { return &r.Regions }),
		list("exclude-region", "excludeRegions", f.excludeRegions, func(r *protocol.Request) *[]string { return &r.ExcludeRegions }),
		set("partition", "partition", func(r *protocol.Request) { r.Partition = f.partition }),
		{"target", "targets", f.applyTargets},
		set("task", "task", func(r *protocol.Request) { r.Task = f.task }),
		decode("parameters", "parameters", &f.parameters),
		{"param", "parameters", f.applyPairs},
		set("name", "name", func(r *protocol.Request) { r.Name = f.name }),
		set("key", "key", func(r *protocol.Request) { r.Key = f.key }),
		set("keep", "keep", func(r *protocol.Request) { r.Keep = f.keep }),
		set("timeout", "timeoutSeconds", func(r *protocol.Request) { r.TimeoutSeconds = float64(f.timeout) }),
		set("region-timeout", "regionTimeoutSeconds", func(r *protocol.Request) { r.RegionTimeoutSeconds = float64(f.regionTimeout) }),
		set("target-timeout", "targetTimeoutSeconds", func(r *protocol.Request) { r.TargetTimeoutSeconds = float64(f.targetTimeout) }),
		decode("retry", "retry", &f.retry),
		decode("hedge", "hedge", &f.hedge),
		decode("target-retry", "targetRetry", &f.targetRetry),
		set("tolerated-failure-count", "toleratedFailureCount", func(r *protocol.Request) { r.ToleratedFailureCount = &f.toleratedCount }),
		set("tolerated-failure-percentage", "toleratedFailurePercentage", func(r *protocol.Request) { r.ToleratedFailurePercentage = &f.toleratedPercentage }),
		set("fail-fast", "failFast", func(r *protocol.Request) { r.FailFast = f.failFast }),
		set("min-successful", "minSuccessful", func(r *protocol.Request) { r.MinSuccessful = f.minSuccessful }),
		set("max-concurrency", "maxConcurrency", func(r *protocol.Request) { r.MaxConcurrency = f.maxConcurrency }),
		set("target-max-concurrency", "targetMaxConcurrency", func(r *protocol.Request) { r.TargetMaxConcurrency = f.targetMaxConcurrency }),
		set("max-targets-per-invocation", "maxTargetsPerInvocation", func(r *protocol.Request) { r.MaxTargetsPerInvocation = f.maxTargets }),
	})
}

// decodeNames reads the names of a field from the values of its flag.
func decodeNames(field string, values []string, into *[]string) protocol.Faults {
	*into = []string{}
	for _, text := range values {
		names, err := parseNames(text)
		if err != nil {
			return protocol.Faults{protocol.NewFault(field, text, err.Error())}
		}
		*into = append(*into, names...)
	}
	return nil
}

// decodeField reads JSON into one field of the request, as strictly as DecodeRequest
// does.
func decodeField(r *protocol.Request, field, text string) protocol.Faults {
	if !json.Valid([]byte(text)) {
		return protocol.Faults{protocol.NewFault(field, text, "is not JSON")}
	}
	return protocol.DecodeStrict(fmt.Appendf(nil, "{%q:%s}", field, text), r)
}

// applyPairs sets parameters one by one.
func (f *runFlags) applyPairs(r *protocol.Request) protocol.Faults {
	parameters, ok := members(r.Parameters)
	if !ok {
		return nil // decodeField, or the task, returns that fault
	}
	given := map[string]bool{}
	for _, pair := range f.pairs {
		key, value, found := strings.Cut(pair, "=")
		if !found || key == "" {
			return protocol.Faults{protocol.NewFault("parameters", pair, "want key=value")}
		}
		raw := json.RawMessage(value)
		if !json.Valid(raw) {
			raw, _ = json.Marshal(value) // a string has no error
		}
		if given[key] {
			return protocol.Faults{protocol.NewFault("parameters."+key, raw, "given twice")}
		}
		given[key], parameters[key] = true, raw
	}
	encoded, err := json.Marshal(parameters)
	if err != nil {
		return protocol.Faults{protocol.NewFault("parameters", f.pairs, err.Error())}
	}
	r.Parameters = encoded
	return nil
}

// members returns the members of a JSON object, none for nil. It returns false if raw is no
// object or has a name twice.
func members(raw json.RawMessage) (map[string]json.RawMessage, bool) {
	all := map[string]json.RawMessage{}
	if raw == nil {
		return all, true
	}
	if json.Unmarshal(raw, &all) != nil {
		return nil, false
	}
	n := 0
	d := json.NewDecoder(bytes.NewReader(raw))
	_, _ = d.Token() // the brace; that raw is an object has been checked
	for ; d.More(); n++ {
		var value json.RawMessage
		_, _ = d.Token()
		_ = d.Decode(&value)
	}
	return all, n == len(all)
}
