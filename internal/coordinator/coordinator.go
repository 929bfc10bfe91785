// Package coordinator runs one request in every Region it asks for and gathers
// one result: it plans the invocations, fans out over them with the engine, and
// accounts for every Region and every target.
//
// The door of the Lambda function functions/coordinator calls
// [Coordinator.Answer]; the command line and the tests call [Coordinator.Run].
// Who does a Region's work is behind [Invoker].
//
// # What Run promises
//
// A bad request is refused whole, every fault named, before anything has been
// invoked. A result lists every Region and every target of the request, once,
// in the order asked for. It is there before the context's deadline, with a
// [protocol.Reserve] to spare, and more for a large run on little CPU: what was
// not done by then is TIMED_OUT or NOT_STARTED. One Region's failure, whatever it
// is, and whatever its worker answers, leaves the others alone, unless the request
// asks to stop.
package coordinator

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"meridian/internal/fanout"
	"meridian/pkg/protocol"
)

// An Invoker calls the regionworker that serves a Region. It returns the worker's
// answer and what it knows of the attempt, also beside an error: it sets RequestID and
// Metrics, the coordinator sets the rest. Nil Metrics mean that the invocation cannot
// have cost anything. A retrier matches the error's ErrorName. Many goroutines call
// Invoke at once.
type Invoker interface {
	Invoke(ctx context.Context, region string, payload []byte) (answer []byte, attempt protocol.Attempt, err error)
}

// A Preparer is an Invoker that is faster when it knows what comes.
type Preparer interface {
	// Prepare is told how many invocations there will be at once, by Region. It does
	// not wait for anything.
	Prepare(ctx context.Context, calls map[string]int)
}

// Tasks knows which tasks there are.
type Tasks interface {
	// Idempotent reports whether the work of the task called name may be done twice.
	// It may not when there is no such task.
	Idempotent(name string) bool

	// Check returns what is wrong with a task's name, its parameters or its targets,
	// with JSON paths from the request's root.
	Check(name string, parameters json.RawMessage, targets []string) protocol.Faults

	// Skips returns a function that says why a target would be skipped in a Region,
	// or "" when it would not be, or nobody can know before it is tried. Check has
	// found nothing wrong with the task and its parameters.
	Skips(name string, parameters json.RawMessage) func(region, target string) (cause string)
}

// A Coordinator runs requests. It may be used by several goroutines at once.
type Coordinator struct {
	// Invoker reaches the workers. If it is a [Preparer], it is told of a run's
	// invocations before the first. Required.
	Invoker Invoker

	// Tasks checks a request's task. Required.
	Tasks Tasks

	// Regional says that each Region has a worker of its own, and so a limit of
	// its own on what runs at once; throttling in one then slows only that one.
	// False means that one worker serves them all.
	Regional bool

	// MemoryMB is the coordinator's memory: 20 invocations may be in flight for each
	// MB, 5,000 at most, and it is a factor of the cost. Zero means that it is not
	// known: 5,000 may be in flight, and a run has no price.
	MemoryMB int

	// Billing is what the cost of a run is worked out from. Zero means that the
	// coordinator is no Lambda function, and that its results have no cost.
	Billing Billing

	// CPU is how much of a CPU core the coordinator has, as in 0.14. The less it is,
	// the more of its time a large run keeps for its end. Zero means a whole core,
	// and so does more than 1.
	CPU float64

	// Log gets a line for the start and the end of a run and one for each Region
	// that did not succeed. Nil means no log.
	Log *slog.Logger

	// Settled is called as each Region settles: how many have, of how many, and
	// what became of this one, without its targets' outputs. The first call, with
	// none and nil, says that the run starts. It is called from Run's own goroutine,
	// and nothing starts until it returns. Nil means that nobody wants to know.
	Settled func(done, total int, r *protocol.RegionOutcome)
}

// Answer carries out a request and returns the result as JSON of at most limit
// bytes; 0 means no limit. faults are those that were found while the request was
// read. The error is a [protocol.InvalidRequestError] when the request was refused:
// for those faults, for others, or because its outcomes could not fit.
func (c *Coordinator) Answer(
	ctx context.Context, r protocol.Request, faults protocol.Faults, limit int,
) ([]byte, error) {
	p, faults := c.plan(r, faults, limit)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	result := c.run(ctx, p)
	return protocol.Fit(&result, limit)
}

// Run carries out a request and returns what became of it. The error is nil or
// a [protocol.InvalidRequestError]; that a run failed is in its result.
func (c *Coordinator) Run(ctx context.Context, r protocol.Request) (protocol.Result, error) {
	p, faults := c.plan(r, r.Validate(), 0)
	if err := faults.Err(); err != nil {
		return protocol.Result{}, err
	}
	return c.run(ctx, p), nil
}

// run fans out over the plan's invocations and gathers their outcomes.
func (c *Coordinator) run(ctx context.Context, p *plan) protocol.Result {
	begin := time.Now()
	ctx, cancel := c.withinTime(ctx, p, begin)
	defer cancel()
	log := c.logger(p)
	logStart(ctx, log, p)

	g := c.newGathering(p, begin)
	settled := c.Settled
	if settled == nil {
		settled = func(int, int, *protocol.RegionOutcome) {}
	}
	settled(0, len(g.regions), nil)
	if invoker, ok := c.Invoker.(Preparer); ok {
		invoker.Prepare(ctx, p.atOnce())
	}
	outcomes, verdict := fanout.Each(ctx, p.policy, p.units, c.invoke)
	for i, o := range outcomes {
		logPanic(ctx, log, p.units[i], o)
		if region := g.add(i, o); region != nil {
			logRegion(ctx, log, region)
			settled(g.done, len(g.regions), region)
		}
	}
	result := g.result(verdict())
	logEnd(ctx, log, result)
	return result
}
