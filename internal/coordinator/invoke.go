package coordinator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"meridian/internal/fanout"
	"meridian/pkg/protocol"
)

// A reply is what one invocation brought back.
type reply struct {
	report    protocol.Attempt
	elapsedMs float64                  // the worker's own time
	truncated bool                     // whether the worker left something out
	targets   []protocol.TargetOutcome // without their outputs
	outputs   []json.RawMessage        // theirs, see outputs
}

// invoke makes one attempt at a unit: it asks for the targets that no attempt
// before has done, and believes the answer only if it fits the question.
func (c *Coordinator) invoke(ctx context.Context, u unit, prior []fanout.Attempt) (reply, error) {
	request := u.request(ctx, prior)
	payload, err := u.plan.envelope.Encode(request)
	if err != nil {
		return reply{}, &invocationError{err: fmt.Errorf("encode request for %s: %w", request.Region, err)}
	}
	answer, report, err := c.Invoker.Invoke(ctx, request.Region, payload)
	if err == nil && ctx.Err() != nil { // to read megabytes would take the time that is kept for the run's answer
		err = context.Cause(ctx)
	}
	if err != nil {
		return reply{}, &invocationError{reply: reply{report: report}, err: err, final: u.plan.once && mayHaveRun(err)}
	}
	result, err := protocol.DecodeRegionResult(answer)
	if err == nil {
		err = protocol.CheckAnswer(request, result)
	}
	if err != nil {
		return reply{}, &invocationError{reply: reply{report: report}, err: &badAnswerError{err}}
	}
	r := reply{report, result.ElapsedMs, result.Truncated, result.Targets, u.plan.outputs.keep(u.region, result.Targets)}
	if result.Status == protocol.StatusSucceeded && len(result.Targets) == len(u.targets) { // the common case
		return r, nil
	}
	whole := u.progress.add(u.targets, result.Targets)
	if whole == protocol.StatusSucceeded {
		return r, nil
	}
	return r, &invocationError{reply: r, err: &regionError{
		result: result, skip: whole == protocol.StatusSkipped, last: u.last(ctx, request.BudgetMs),
	}}
}

// last reports whether a worker that answers now, and was given so much time, was
// stopped by the run's end: that was the end of its time, and it is not further away
// than the reserve that the worker keeps. One that answers earlier was stopped by a
// timeout of its own function, and the run goes on.
func (u unit) last(ctx context.Context, budgetMs float64) bool {
	const rounding = time.Millisecond // more than a budget is rounded by
	reserve := protocol.Reserve(time.Duration(budgetMs * float64(time.Millisecond)))
	deadline, bounded := ctx.Deadline()
	return bounded && deadline.Equal(u.plan.endBy) && time.Until(deadline) <= reserve+rounding
}

// request is what the worker is asked. The budget is a duration, taken as late
// as can be.
func (u unit) request(ctx context.Context, prior []fanout.Attempt) protocol.RegionRequest {
	r := u.ask(prior)
	if deadline, ok := ctx.Deadline(); ok {
		r.BudgetMs = max(protocol.Milliseconds(time.Until(deadline)), 0.001)
	}
	return r
}

// ask is request without the budget.
func (u unit) ask(prior []fanout.Attempt) protocol.RegionRequest {
	asked := u.plan.request
	return protocol.RegionRequest{
		Version:    protocol.Version,
		RunID:      u.plan.runID,
		Region:     u.plan.regions[u.region],
		Batch:      u.batch,
		Attempt:    len(prior) + 1,
		Task:       asked.Task,
		Parameters: asked.Parameters,
		Targets:    u.progress.left(u.targets),
		Policy: protocol.TargetPolicy{
			MaxConcurrency: asked.TargetMaxConcurrency,
			TimeoutSeconds: asked.TargetTimeoutSeconds,
			Retry:          asked.TargetRetry,
		},
	}
}

// An invocationError is the failure of one invocation, with what it brought back
// all the same.
type invocationError struct {
	reply
	err   error
	final bool // whether it must not be made again
}

func (e *invocationError) Error() string { return e.err.Error() }

func (e *invocationError) Unwrap() error { return e.err }

// Final tells the engine not to try again what may have been done.
func (e *invocationError) Final() bool { return e.final }

// mayHaveRun reports whether the worker may have done its work though no answer
// came.
func mayHaveRun(err error) bool {
	var lost interface{ MayHaveRun() bool }
	return errors.As(err, &lost) && lost.MayHaveRun() || fanout.ErrorName(err) == protocol.ErrorLambdaClientTimeout
}

// A badAnswerError is an answer that cannot be believed.
type badAnswerError struct{ err error }

func (e *badAnswerError) Error() string { return e.err.Error() }

func (*badAnswerError) ErrorName() string { return protocol.ErrorBadAnswer }

func (e *badAnswerError) Unwrap() error { return e.err }

// A regionError is an answer after which the Region has not succeeded.
type regionError struct {
	result protocol.RegionResult
	skip   bool // whether every target of the unit was skipped
	last   bool // whether the worker has had all the time that the run had left
}

func (e *regionError) Error() string {
	if e.skip {
		return "every target was skipped"
	}
	return e.result.Cause
}

// ErrorName is the worker's, so that retriers can match it.
func (e *regionError) ErrorName() string { return e.result.Error }

// Interrupted tells the engine that the run's end stopped the worker, and no timeout of the
// Region's own. The run's time is not quite over yet, because a worker answers before
// its end, by its reserve.
func (e *regionError) Interrupted() bool { return e.last && e.result.Status == protocol.StatusTimedOut }

// Skip tells the engine that a Region with nothing to do is no failure.
func (e *regionError) Skip() bool { return e.skip }
