// Package coordinator runs one request in every Region it asks for and gathers
// one result.
//
// The Lambda function functions/coordinator calls [Coordinator.Answer]; the command
// line and the tests call [Coordinator.Run]. An [Invoker] reaches the workers.
//
// # Plan, run, gather
//
// A request becomes a [Plan], a value that can be stored. A run carries a plan out: it
// fans out over the plan's invocations with the engine, and holds everything that
// changes meanwhile. What each invocation brings is gathered into one result.
// Coordinator.Events is called with what happens on the way.
//
// A kept run is carried on by one [Generation] after the other. Each writes its events to a [Log];
// a [History] is what they say, and [Coordinator.Rebuild] makes the result of it.
//
// # What Run promises
//
// A bad request is refused whole, every fault named, before anything has been
// invoked. A result lists every Region and every target of the request, once,
// in the order asked for. It is returned before the context's deadline, with a
// [protocol.Reserve] to spare, and more for a large run on little CPU: what was
// not done by then is TIMED_OUT or NOT_STARTED. No invocation starts with less than a
// Reserve of the run's time left. When the run ends early, what workers have done so far
// is in the result, as far as their answers come soon. One Region's failure, whatever it
// is, and whatever its worker answers, leaves the others alone, unless the request
// asks to stop.
//
// # What Carry promises
//
// The same for all generations of a run together, also if some of them die: no attempt is
// forgotten, a retry waits for the rest of its wait, and work that may not be done twice is not,
// see [Log]. Timeouts, tolerances and waves count over all generations. The log has the whole
// result, except the outputs that can have secrets.
package coordinator

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"meridian/pkg/protocol"
)

// An Invoker calls the regionworker that serves a Region. It returns the worker's
// answer and what it knows of the attempt, also beside an error: it sets RequestID and
// Metrics, the coordinator sets the rest. Nil Metrics mean that the invocation cannot
// have cost anything. The error may be one of those that the engine asks, see
// internal/fanout: a retrier matches its ErrorName, and a retry waits for its
// RetryAfter. Only an Error of internal/invoke can say that nothing has run, and what to
// do. When ctx is cancelled, an answer is still taken if it comes within the run's grace;
// NotStarted of the error says whether nothing was sent. Many goroutines call Invoke at
// once.
type Invoker interface {
	Invoke(ctx context.Context, region string, payload []byte) (answer []byte, attempt protocol.Attempt, err error)
}

// A Preparer is an Invoker that is faster when it knows the run's size.
type Preparer interface {
	// Prepare gets the number of invocations that will be in flight at once, by
	// Region. It returns without waiting for anything.
	Prepare(ctx context.Context, calls map[string]int)
}

// A Measurer is an Invoker that knows how far away the workers are.
type Measurer interface {
	// RoundTrip returns how long a request to a Region's worker and a refusal take at
	// least, and false while that is not known. It does not block.
	RoundTrip(region string) (time.Duration, bool)
}

// A Holder is an Invoker that bounds the memory of the answers that are held at once, and
// whose calls may wait for a connection.
type Holder interface {
	// InvokeHeld is Invoke, but payload is called when the request is sent, with the time since the
	// call began, and again when it moves to another connection. The answer is held until release
	// is called. release returns how long the answer waited for others before it was read. It is
	// nil beside an error.
	InvokeHeld(ctx context.Context, region string, payload func(waited time.Duration) []byte) (
		answer []byte, release func() (waited time.Duration), attempt protocol.Attempt, err error)
}

// Tasks knows which tasks there are.
type Tasks interface {
	// Idempotent reports whether a request's work may be done twice; false when there is
	// no such task.
	Idempotent(name string, parameters json.RawMessage, targets []string) bool

	// Omits returns a function that says why a target is left out of a plan in a Region,
	// or "": named says that the request names the Region itself, and earlier has the
	// Regions before it in which the target is not left out. Nil means that none is.
	// Check has found nothing wrong with the request.
	Omits(name string, parameters json.RawMessage) func(region string, named bool, target string, earlier []string) (cause string)

	// Check returns what is wrong with a task's name, its parameters or its targets,
	// with JSON paths from the request's root.
	Check(name string, parameters json.RawMessage, targets []string) protocol.Faults

	// TakesInput reports whether the task called name takes inputs of targets; also true when
	// there is no such task.
	TakesInput(name string) bool

	// Secret returns a function that reports whether the output of a target can have a secret, and
	// so is not kept. Nil means that none can. Check has found nothing wrong with the request.
	Secret(name string, parameters json.RawMessage) func(target string) bool

	// DefaultTarget returns the only target of a request for the task called name that
	// has none. It is never empty.
	DefaultTarget(name string, parameters json.RawMessage) string

	// LeastTime returns how long the work of the task called name takes for a target at
	// least, or 0 when that is not known.
	LeastTime(name string, parameters json.RawMessage) time.Duration

	// Skips returns a function that says why a target would be skipped in a Region,
	// or "" when it would not be, or when only a try can tell. Check has found
	// nothing wrong with the task and its parameters.
	Skips(name string, parameters json.RawMessage) func(region, target string) (cause string)
}

// A Coordinator runs requests. It may be used by several goroutines at once.
type Coordinator struct {
	// Invoker reaches the workers. If it is a [Preparer], it is prepared before a
	// run's first invocation. Required.
	Invoker Invoker

	// Tasks checks a request's task. Required.
	Tasks Tasks

	// Functions returns what invokes the worker of a request. Nil means that requests with a
	// worker are refused.
	Functions Functions

	// Regional says that each Region has a worker of its own, and so a limit of
	// its own on what runs at once; throttling in one then slows only that one.
	// False means that one worker serves them all.
	Regional bool

	// Regions lists the Regions that have a worker, if each has its own. Globs then match
	// these, opt-in or not, in every partition, and other names are refused. Nil means that
	// they are not known: any Region may have one.
	Regions []string

	// Bundle says that one invocation takes several Regions of an account, so that the
	// account's role is assumed once for them. It is for workers on Lambda, each in a
	// process of its own. Where each Region has a worker, it has no effect.
	Bundle bool

	// Windows is what earlier runs have shown of the limits of workers: of the Invoker's
	// function, and of callers' functions. Nil means that nothing is remembered.
	Windows *Windows

	// MemoryMB is the coordinator's memory: 20 invocations may be in flight for each
	// MB, 5,000 at most, their requests may take an eighth of it, and it is a factor of
	// the cost. Zero means that it is not known: it counts as 256, and a run has no
	// price.
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

	// Events is called with each event of a run, in order, from the goroutine that
	// called Run. No attempt starts until it returns, so it must be quick, and must
	// not wait for anything outside the process. What an event points to belongs to
	// the run: encode or copy what is needed later. Nil means that no events are
	// made.
	Events func(protocol.Event)
}

// Answer carries out a request and returns the result as JSON of at most limit
// bytes; 0 means no limit. faults are those that were found while the request was
// read. The error is a [protocol.InvalidRequestError] when the request was refused:
// for those faults, for others, or because its outcomes could not fit.
func (c *Coordinator) Answer(
	ctx context.Context, r protocol.Request, faults protocol.Faults, limit int,
) ([]byte, error) {
	p, err := c.PlanDecoded(r, faults, limit)
	if err != nil {
		return nil, err
	}
	result := c.Execute(ctx, p)
	return protocol.Fit(&result, limit)
}

// Run carries out a request and returns what became of it. The error is nil or
// a [protocol.InvalidRequestError]; that a run failed is in its result.
func (c *Coordinator) Run(ctx context.Context, r protocol.Request) (protocol.Result, error) {
	p, err := c.Plan(r, 0)
	if err != nil {
		return protocol.Result{}, err
	}
	return c.Execute(ctx, p), nil
}

// Plan makes a request ready to be run, within a function's limit on the answer; 0
// means no limit. Nothing is invoked. The error is nil or a
// [protocol.InvalidRequestError].
func (c *Coordinator) Plan(r protocol.Request, limit int) (Plan, error) {
	return c.PlanDecoded(r, r.Validate(), limit)
}

// PlanDecoded is Plan for a request that was decoded, with the faults that were found then.
func (c *Coordinator) PlanDecoded(r protocol.Request, faults protocol.Faults, limit int) (Plan, error) {
	p, faults := c.plan(r, faults, limit)
	return p, faults.Err()
}

// Execute carries out a plan that a Coordinator made, here or elsewhere, and returns
// what became of it. It does not change the plan.
func (c *Coordinator) Execute(ctx context.Context, p Plan) protocol.Result {
	begin := time.Now()
	ready := c.Complete(ctx, p, begin)
	r, ctx, cancel := c.newRun(ctx, &ready, begin, nil)
	defer cancel()
	return r.execute(ctx)
}
