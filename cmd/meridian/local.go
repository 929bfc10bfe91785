package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"meridian/internal/awsapi/sdkconfig"
	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// localTimeoutSeconds is the timeout of a run in this process that sets none: a
// person is waiting for it.
const localTimeoutSeconds = 60

// runLocally runs the request with workers in this process, and keeps the run in the store that
// is open.
func (c *cli) runLocally(ctx context.Context, f *runFlags, request protocol.Request) (protocol.Result, error) {
	if f.kept == nil && request.Kept() {
		return protocol.Result{}, usage("the run cannot be kept: there is no store").
			hint("set --store to a directory, or leave out the key and keep")
	}
	if f.kept == nil && request.TimeoutSeconds == 0 {
		request.TimeoutSeconds = localTimeoutSeconds
	}
	local, plan, err := c.prepare(ctx, f, request)
	if err != nil {
		return protocol.Result{}, err
	}
	events := c.sink(ctx, f, "running", limit(request))
	local.Events = events.event
	begin := time.Now()
	result, err := c.keep(local, f, request).run(ctx, request, plan)
	if err != nil && len(result.Regions) > 0 { // the work is done
		c.note("the run is not kept to its end: %v", err)
		err = nil
	}
	err = errors.Join(err, events.stop())
	if err == nil && result.StartedAt.Before(begin) {
		c.note("the key belongs to run %s, which was started at %s: this is its result", result.RunID, result.StartedAt.Local().Format(time.DateTime))
	}
	return result, err
}

// prepare returns what carries the request out in this process, and the plan. It refuses a
// request that cannot succeed here.
func (c *cli) prepare(ctx context.Context, f *runFlags, request protocol.Request) (*coordinator.Coordinator, coordinator.Plan, error) {
	var none coordinator.Plan
	log := c.log(f.verbose)
	slog.SetDefault(log) // takes what net/http logs, too
	own := task.NewAWS(f.memoryMB, f.configuration, profile)
	tasks, err := f.configure(c.lookup, own)
	if err != nil {
		return nil, none, usage("%v", err)
	}
	functions, err := functions(ctx, request, own)
	if err != nil {
		return nil, none, err
	}
	worker := &regionworker.Worker{Tasks: tasks, Log: log}
	local := &coordinator.Coordinator{
		Invoker:   invoke.InProcess{Handle: worker.Handle},
		Tasks:     tasks,
		Functions: functions,
		Log:       log,
	}
	plan, err := local.Plan(request, 0)
	if err != nil {
		return nil, none, err
	}
	if f.stopping {
		return local, plan, nil // nothing is invoked
	}
	if err := f.checkAllowed(c.lookup, plan.Request); err != nil {
		return nil, none, err
	}
	t, _ := tasks.Task(plan.Request.Task)
	if needsOwn(request) && (plan.AskEnabled || plan.AskOrganization || t.CallsAWS || request.Worker != nil) {
		if err := c.signInOnce(ctx, f); err != nil {
			return nil, none, err
		}
	}
	return local, plan, nil
}

// functions returns what invokes the function of a request that has a worker. The Region of the
// configuration counts, and there is no default: a function of that name elsewhere is another.
func functions(ctx context.Context, request protocol.Request, own *task.AWS) (coordinator.Functions, error) {
	if request.Worker == nil {
		return nil, nil
	}
	cfg, err := sdkconfig.Load(ctx)
	if err != nil {
		return nil, explainConfig(err)
	}
	all := invoke.NewFunctions(cfg, invoke.Settings{MemoryMB: localMemoryMB})
	if own != nil {
		all.Credentials = own.Credentials
	}
	return coordinator.LambdaFunctions(all), nil
}

// localMemoryMB is the memory that answers of functions may take a part of in this process.
const localMemoryMB = 2048

// signInOnce fails if there are no credentials for workers in this process: each Region
// would fail with the same error.
func (c *cli) signInOnce(ctx context.Context, f *runFlags) error {
	cfg, err := f.configuration(ctx)
	if err != nil {
		return explainConfig(err)
	}
	return c.signIn(ctx, cfg.Credentials, f.verbose)
}

// configure returns the tasks with their settings: those of the flags, then those of the
// environment.
func (f *runFlags) configure(environment task.Settings, own *task.AWS) (*task.Registry, error) {
	unknown := maps.Clone(f.workerSettings)
	tasks, err := task.Builtin().Configure(func(name string) string {
		delete(unknown, name)
		if name == task.SettingCallAllow {
			return f.callAllow(environment)
		}
		if value, set := f.workerSettings[name]; set {
			return value
		}
		return environment(name)
	}, own)
	for name := range unknown {
		if err == nil {
			err = fmt.Errorf("--worker-setting: %q: no task has this setting", name)
		}
	}
	return tasks, err
}

// callAllow returns which operations workers in this process may call: those that only
// read, unless a setting says otherwise, and those of --allow. The person at the command
// line is the worker's operator.
func (f *runFlags) callAllow(environment task.Settings) string {
	value, set := f.workerSettings[task.SettingCallAllow]
	if !set {
		value = cmp.Or(environment(task.SettingCallAllow), "reads")
	}
	return strings.Join(append([]string{value}, f.call.allow...), ",")
}

// checkAllowed refuses a request for an operation that workers in this process may not
// call: each Region would fail with the same error.
func (f *runFlags) checkAllowed(environment task.Settings, request protocol.Request) error {
	if request.Task != callTask {
		return nil
	}
	err := task.CheckCallAllowed(f.callAllow(environment), protocol.TargetNames(request.Targets))
	if refused, ok := errors.AsType[*task.NotAllowedError](err); ok {
		return usage("%s is not allowed: %s", refused.Operation, refused.Why).
			hint("allow it with --allow %s, or with %s=%s in the environment", refused.Operation, task.SettingCallAllow, refused.Operation)
	}
	return nil
}

// configuration returns the SDK's configuration for workers in this process. It is loaded
// once.
func (f *runFlags) configuration(ctx context.Context) (aws.Config, error) {
	if f.aws != nil {
		return *f.aws, nil
	}
	cfg, err := sdkconfig.Load(ctx, config.WithDefaultRegion("us-east-1"))
	if err == nil {
		f.aws = &cfg
	}
	return cfg, err
}

// profile returns the SDK's configuration with the credentials of a profile.
func profile(ctx context.Context, name string) (aws.Config, error) {
	return sdkconfig.Load(ctx, config.WithDefaultRegion("us-east-1"), config.WithSharedConfigProfile(name))
}

// log returns the log for standard error, with a line for each target too, or one that
// discards its records.
func (c *cli) log(verbose bool) *slog.Logger {
	if !verbose {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewJSONHandler(escapedWriter{c.stderr}, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
