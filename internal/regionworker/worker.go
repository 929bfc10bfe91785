// Package regionworker does the work of a Region, or of several Regions of an account: it
// decodes one invocation, runs its task over its targets with the fan-out engine, and answers
// with one outcome per target.
//
// The Lambda function functions/regionworker calls it. The command line and the tests
// call it in their own process, with the same bytes.
//
// # What Handle promises
//
// The answer lists every target of the request, once, in its order, one Region after the
// other. The targets of several Regions run at once. Handle returns
// before the end of the request's budget and before the function's deadline, with a
// [protocol.Reserve] to spare; targets that are unfinished by then are TIMED_OUT or
// NOT_STARTED. A target is not started with less than a [protocol.UsefulTime] left. When
// its context is cancelled, Handle answers with what it has; the targets that were
// running are ABORTED. The answer fits into Lambda's response, and no more outputs are
// kept than fit into it: the largest are dropped, and their outcomes say so. The error is
// nil unless the request could not be read or the answer could not be built.
package regionworker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"meridian/internal/fanout"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// A Worker handles invocations. Several goroutines can use it at once.
type Worker struct {
	// Tasks are the tasks that the worker can run. Required.
	Tasks *task.Registry

	// Region is the AWS Region in which the worker runs; its answers say it. Empty means
	// that it does not run on Lambda.
	Region string

	// MemoryMB is the worker's memory, which bounds the attempts that it keeps, see
	// [protocol.MostAttempts]. Zero means that it is not known.
	MemoryMB int

	// Log gets one record for each invocation, with the stack of a panic before it, and
	// at DEBUG one for each target. Nil means no log.
	Log *slog.Logger
}

// Handle handles one invocation: a RegionRequest in, a RegionResult out, both as
// JSON.
func (w *Worker) Handle(ctx context.Context, payload []byte) ([]byte, error) {
	begin := time.Now()
	request, err := protocol.DecodeRegionRequest(payload)
	if err != nil {
		return nil, err
	}
	work, faults := w.Tasks.Prepare(request.Task, request.Parameters)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	budget := budgetOf(ctx, begin, request.BudgetMs)
	ctx = task.WithAccess(task.WithRunID(ctx, request.RunID), request.Account)
	ctx, cancel := withinBudget(ctx, begin, budget)
	defer cancel()
	work = checked(work)
	if request.Policy.Retry == nil {
		request.Policy.Retry, work = transientRetry(), onlyTransient(work)
	}
	result := w.run(ctx, begin, request, w.policy(request.Policy, budget), work)
	return protocol.Fit(&result, protocol.MaxPayloadBytes)
}

// budgetOf returns how long an invocation that began at begin can take, including its
// answer: the smaller of the request's budget and the time to the function's deadline.
// Zero means that there is neither.
func budgetOf(ctx context.Context, begin time.Time, budgetMs float64) time.Duration {
	budget := durationOf(budgetMs, time.Millisecond)
	if deadline, ok := ctx.Deadline(); ok {
		if left := deadline.Sub(begin); budget == 0 || left < budget {
			budget = max(left, 1)
		}
	}
	return budget
}

// withinBudget returns the context of the work. It ends a reserve before the budget
// does.
func withinBudget(ctx context.Context, begin time.Time, budget time.Duration) (context.Context, context.CancelFunc) {
	if budget == 0 {
		return context.WithCancel(ctx)
	}
	if deadline, ok := ctx.Deadline(); ok && !begin.Before(deadline) {
		return context.WithDeadlineCause(context.WithoutCancel(ctx), begin, errPast)
	}
	left := budget - protocol.Reserve(budget)
	return context.WithDeadlineCause(ctx, begin.Add(left), &fanout.TimeoutError{What: "invocation", After: left})
}

var errPast = errors.New("the function's deadline had passed before the invocation began")

// run runs the work on the targets and gathers their outcomes.
func (w *Worker) run(
	ctx context.Context, begin time.Time, request protocol.RegionRequest, p fanout.Policy, work task.Work,
) protocol.RegionResult {
	log, items := w.logger(request), itemsOf(request)
	result := protocol.RegionResult{
		Version: request.Version, RunID: request.RunID, Region: request.Region, Batch: request.Batch,
		WorkerVersion: protocol.Version, WorkerRegion: w.Region, Targets: make([]protocol.TargetOutcome, len(items)),
	}
	p.Groups = groupsOf(request)
	outputs, kept := protocol.NewOutputs(protocol.MaxPayloadBytes), make([]*protocol.Output, len(items))
	outcomes, verdict := fanout.Each(ctx, p, items,
		func(ctx context.Context, i item, _ []fanout.Attempt) (*protocol.Output, error) {
			output, err := work(ctx, i.region, i.target)
			return outputs.Keep(output), brief(err)
		})
	panicked := false
	for n, o := range outcomes {
		i := items[n]
		result.Targets[n], kept[n] = outcomeOf(i.target.Name, begin, o)
		logTarget(ctx, log, i.region, result.Targets[n], kept[n])
		panicked = panicked || logPanic(ctx, log, i, o.Err)
	}
	for i := range kept { // now none is dropped any more
		kept[i].PutInto(&result.Targets[i])
		result.Truncated = result.Truncated || result.Targets[i].DroppedOutputBytes > 0
	}
	conclude(&result, items, verdict())
	result.ElapsedMs = protocol.Milliseconds(time.Since(begin))
	logEnd(ctx, log, request, &result)
	return result
}

// An item is one target of one Region.
type item struct {
	region string
	target protocol.Target
}

// itemsOf returns the items of a request, in the order of the answer.
func itemsOf(r protocol.RegionRequest) []item {
	var items []item
	for _, region := range r.Work() {
		items = slices.Grow(items, len(region.Targets))
		for _, target := range region.Targets {
			items = append(items, item{region.Region, protocol.Target{Name: target, Input: r.Inputs[target]}})
		}
	}
	return items
}

// groupsOf returns the Region of each item, by its number, or nil for a single one. So a
// Region that does not answer takes no more than its share of what runs at once.
func groupsOf(r protocol.RegionRequest) (groups []int) {
	for i, region := range r.Regions {
		groups = append(groups, slices.Repeat([]int{i}, len(region.Targets))...)
	}
	return groups
}

// checked returns work that fails if its output cannot be part of an answer. Then only
// this target fails, instead of the whole answer being lost.
func checked(work task.Work) task.Work {
	return func(ctx context.Context, region string, target protocol.Target) (json.RawMessage, error) {
		out, err := work(ctx, region, target)
		if err != nil {
			return nil, err
		}
		if err := protocol.CheckOutput(out); err != nil {
			return nil, fmt.Errorf("output: %w", err)
		}
		return out, nil
	}
}

// brief returns err with no more of its name and its text than an answer carries: the
// engine keeps it until the end.
func brief(err error) error {
	name := fanout.ErrorName(err)
	if short := protocol.CutErrorName(name); err != nil && (len(short) < len(name) || len(err.Error()) > protocol.MaxCauseBytes) {
		return fanout.Restate(err, short, protocol.Cause(err))
	}
	return err
}

// policy returns the engine's policy for the targets of one invocation. It tolerates no
// failure, and no failure stops other targets: the coordinator decides what a Region's
// failure means. Half of the reserve is for work that ignores its context, the other
// half for encoding the answer.
func (w *Worker) policy(p protocol.TargetPolicy, budget time.Duration) fanout.Policy {
	retriers := make([]fanout.Retrier, len(p.Retry))
	for i, r := range p.Retry {
		retriers[i] = fanout.Retrier(r)
	}
	return fanout.Policy{
		MaxConcurrency: cmp.Or(p.MaxConcurrency, protocol.DefaultTargetMaxConcurrency),
		MaxAttempts:    protocol.MostAttempts(w.MemoryMB),
		Timeout:        durationOf(p.TimeoutSeconds, time.Second),
		Grace:          protocol.Reserve(budget) / 2,
		UsefulTime:     protocol.UsefulTime(budget),
		Retry:          retriers,
	}
}

// durationOf returns n units, but at least 1 ns unless n is 0: only 0 means no limit.
func durationOf(n float64, unit time.Duration) time.Duration {
	if n == 0 {
		return 0
	}
	return max(time.Duration(n*float64(unit)), 1)
}
