package coordinator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"meridian/internal/fanout"
	"meridian/internal/invoke"
	"meridian/pkg/protocol"
)

// A reply is what one invocation brought back.
type reply struct {
	report       protocol.Attempt
	workerRegion string                   // where the worker ran; empty means unknown
	older        bool                     // whether the worker is older than this coordinator
	truncated    bool                     // whether the worker left something out
	at           []int                    // the indexes of targets in the unit; nil means all
	targets      []protocol.TargetOutcome // without their outputs
	outputs      []*protocol.Output       // of targets, nil where there is none

	kept     *protocol.Answer  // what the log has of it; nil if the run is not kept
	recorded *protocol.Attempt // of an attempt of an earlier generation
}

// invoke makes one attempt at a unit: it asks for the targets that no attempt before
// has done, and accepts the answer only if it fits the request.
//
// What is done before and after the call is in functions of its own, to keep the stacks
// small: thousands of attempts wait at once, and a larger frame here doubles the 8 KB
// that the stack of each takes.
func (r *run) invoke(ctx context.Context, u unit, prior []fanout.Attempt) (*reply, error) {
	if refused := r.plan.Regions[u.region].Refused; refused != nil {
		return nil, &invocationError{err: refused, final: true}
	}
	if err := r.logged(ctx); err != nil {
		return nil, err
	}
	request, at, payload := r.request(ctx, u, len(prior))
	if at != nil && len(at) == 0 { // a hedge that starts when the slow invocation has answered
		return nil, &invocationError{err: errNothingLeft, final: true}
	}
	answer, release, report, err := r.call(ctx, r.invokers[r.plan.Regions[u.region].Account], r.region(u), payload)
	defer release()
	if err == nil && errors.Is(ctx.Err(), context.DeadlineExceeded) { // reading megabytes would use up the time kept for the run's answer
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, r.failed(u, &reply{report: report, at: at}, err)
	}
	return r.read(ctx, u, request, at, answer, report)
}

var errNothingLeft = errors.New("not invoked: the invocation beside it has done all of it")

// request returns the request of an attempt at a unit, the indexes of its targets in the
// unit, and what encodes the request when it is sent. The wait for a connection is taken
// off the worker's budget.
func (r *run) request(ctx context.Context, u unit, prior int) (request *protocol.RegionRequest, at []int, payload func(waited time.Duration) []byte) {
	asked, at := r.plan.ask(u, prior, r.inputs)
	request = &asked
	var left time.Duration // a duration, taken as late as possible
	deadline, bounded := ctx.Deadline()
	if bounded {
		left = time.Until(deadline)
	}
	account := r.plan.Regions[u.region].Account
	return request, at, func(waited time.Duration) []byte {
		if bounded {
			request.BudgetMs = min(max(protocol.Milliseconds(left-waited), 0.001), protocol.MaxBudgetMs)
		}
		return r.dialect.encode(account, request)
	}
}

// read reads the answer to a request for the targets of a unit at these indexes.
func (r *run) read(
	ctx context.Context, u unit, request *protocol.RegionRequest, at []int, answer []byte, report protocol.Attempt,
) (*reply, error) {
	result, err := r.dialect.read(request, answer)
	if err != nil {
		return nil, r.failed(u, &reply{report: report, at: at}, newBadAnswerError(err))
	}
	result.Error, result.Cause = protocol.CutErrorName(result.Error), shorten(result.Cause)
	got := &reply{
		report: report, workerRegion: result.WorkerRegion, older: isOlder(result.WorkerVersion), truncated: result.Truncated, at: at,
		kept: r.keepAnswer(ctx, u, at, result.Targets), targets: result.Targets,
	}
	got.outputs = keep(r.outputs, result.Targets)
	if result.Status == protocol.StatusSucceeded && at == nil && u.regions == 1 { // the common case
		return got, nil
	}
	whole := u.progress.add(len(u.targets), at, result.Targets)
	if whole == protocol.StatusSucceeded {
		return got, nil
	}
	if r.plan.Request.Direct() {
		return got, r.unfinished(u, got, result)
	}
	if t := u.progress.givenUp(); t != nil && result.Status == protocol.StatusSucceeded { // a redrive has left it as it is
		result.Status, result.Error = protocol.StatusFailed, protocol.ErrorExceedToleratedFailureThreshold
		result.Cause = protocol.CutCause(fmt.Sprintf("%s: %s: %s", t.Target, t.Error, t.Cause))
	}
	deadline, bounded := ctx.Deadline()
	early := !bounded || isEarly(deadline, request.BudgetMs)
	return got, r.failed(u, got, &regionError{
		result: result, skip: whole == protocol.StatusSkipped,
		early: early, stopped: errors.Is(ctx.Err(), context.Canceled) || !early && deadline.Equal(r.endBy),
	})
}

// failed returns the failure of an invocation that brought got. Work that may not be done
// twice is invoked again only after an error that says that nothing has run. No invocation is
// made again when the one beside it, a hedge, has left no target to try.
func (r *run) failed(u unit, got *reply, err error) error {
	e, ok := errors.AsType[*invoke.Error](err)
	final := r.plan.AtMostOnce && (!ok || e.MayHaveRun()) || !u.progress.open()
	return &invocationError{reply: got, err: brief(err), final: final}
}

// unfinished returns the failure of an invocation of a function after which targets of its unit
// have failed. A target is given up if no retrier names its error. The error is the one of the
// first target that is tried again.
func (r *run) unfinished(u unit, got *reply, result *protocol.RegionResult) error {
	why := r.giveUp(u, got)
	if !u.progress.open() { // what has failed here is done, or given up, by a hedge
		why = nil
	}
	final := why == nil
	if final && result.Status == protocol.StatusSucceeded {
		why = u.progress.givenUp()
	}
	if why != nil {
		result.Status, result.Error = protocol.StatusFailed, why.Error
		result.Cause = fmt.Sprintf("%s: %s: %s", why.Target, why.Error, why.Cause)
	}
	return &invocationError{reply: got, err: &regionError{result: result}, final: final}
}

// giveUp gives up the targets of an answer that have failed with errors that no retrier names. It
// returns the first one that failed and may be tried again, or nil.
func (r *run) giveUp(u unit, got *reply) (again *protocol.TargetOutcome) {
	for i := range got.targets {
		switch t := &got.targets[i]; {
		case t.Status != protocol.StatusFailed:
		case r.plan.AtMostOnce || !r.policy.Retries(t.Error):
			u.progress.giveUp(index(got.at, i), t)
		case again == nil:
			again = t
		}
	}
	return again
}

// isEarly reports whether a worker that answers now, and has this budget until the deadline,
// was not stopped by the end of its budget: more time is left than its reserve and its least
// useful time. If its time ran out, a timeout of its own function was the cause.
func isEarly(deadline time.Time, budgetMs float64) bool {
	const rounding = time.Millisecond // more than a budget is rounded by
	budget := protocol.Duration(budgetMs)
	return time.Until(deadline) > protocol.Reserve(budget)+protocol.UsefulTime(budget)+rounding
}

// An invocationError is the failure of one invocation, with what it brought back.
type invocationError struct {
	reply *reply // nil means that nothing was invoked
	err   error
	final bool // whether it must not be made again
}

func (e *invocationError) Error() string { return e.err.Error() }

func (e *invocationError) Unwrap() error { return e.err }

// Final implements [fanout.FinalError]: what may have been done is not tried again.
func (e *invocationError) Final() bool { return e.final }

// A badAnswerError is an answer that does not fit its request.
type badAnswerError struct{ name, cause string }

// newBadAnswerError returns err with the name and the cause that the result has. The name is
// the function's own when the answer is its error, which lost the header that marks it.
func newBadAnswerError(err error) *badAnswerError {
	name := protocol.ErrorBadAnswer
	if failed, ok := errors.AsType[*protocol.FunctionError](err); ok {
		name = protocol.CutErrorName(failed.ErrorName())
	}
	return &badAnswerError{name, protocol.Cause(err)}
}

func (e *badAnswerError) Error() string { return e.cause }

func (e *badAnswerError) ErrorName() string { return e.name }

// A regionError is an answer after which the Region has not succeeded.
type regionError struct {
	result  *protocol.RegionResult
	skip    bool // whether every target of the unit was skipped
	early   bool // whether the worker's budget had not ended
	stopped bool // whether the run's end stopped the worker
}

func (e *regionError) Error() string {
	if e.skip {
		return "every target was skipped"
	}
	return e.result.Cause
}

// ErrorName returns the worker's error name, for retriers to match.
func (e *regionError) ErrorName() string { return e.result.Error }

// Interrupted implements [fanout.InterruptedError]: the run's end stopped the worker,
// not a timeout of the Region's own, and no target had failed before. The run's time is
// not quite over yet when a worker answers before the end of its budget, by its reserve.
func (e *regionError) Interrupted() bool {
	return e.stopped && e.result.Status != protocol.StatusFailed
}

// Skip implements [fanout.SkipError]: a Region with nothing to do is no failure.
func (e *regionError) Skip() bool { return e.skip }
