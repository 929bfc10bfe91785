package faults_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"meridian/internal/fanout"
	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// A chaos is an invoker of workers in this process whose calls have random faults. The
// fault of a call depends only on the seed, its unit and the number of the attempt, so
// that a seed gives the same run however goroutines are scheduled.
type chaos struct {
	seed   uint64
	danger float64 // the share of calls with a fault
	worker invoke.InProcess

	mu       sync.Mutex
	attempts map[invoketest.Unit]int
	visits   map[string]int
	inFlight int
	peak     int
}

func newChaos(seed uint64, danger float64) *chaos {
	c := &chaos{seed: seed, danger: danger, attempts: map[invoketest.Unit]int{}, visits: map[string]int{}}
	c.worker.Handle = (&regionworker.Worker{Tasks: c.tasks()}).Handle
	return c
}

// random returns a source of random numbers for one key.
func random(seed uint64, thing ...any) *rand.Rand {
	h := fnv.New64a()
	_, _ = fmt.Fprintln(h, thing...)
	return rand.New(rand.NewPCG(seed, h.Sum64())) //nolint:gosec // repeatable on purpose
}

// A notSentError is the end of a context before a call was sent.
type notSentError struct{ error }

func (notSentError) NotStarted() bool { return true }

// Invoke calls the worker, with a fault or without. A call whose context has ended is not
// counted. One with a fault that is counted was sent, whatever the worker's invoker says of it.
func (c *chaos) Invoke(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
	if ctx.Err() != nil {
		return nil, protocol.Attempt{}, notSentError{context.Cause(ctx)}
	}
	request, err := protocol.DecodeRegionRequest(payload)
	if err != nil {
		panic(err)
	}
	place := region
	if request.Account != nil {
		place = request.Account.Account + " " + region
	}
	unit := invoketest.Unit{RunID: request.RunID, Region: place, Batch: request.Batch}
	number, leave := c.enter(unit)
	defer leave()
	r := random(c.seed, place, request.Batch, number)
	if r.Float64() >= c.danger {
		answer, report, err := c.worker.Invoke(ctx, region, payload)
		if isNotStarted(err) { // the run has ended since it was counted
			c.leaveOut(unit)
		}
		return answer, report, err
	}
	work := func() ([]byte, protocol.Attempt, error) {
		answer, report, err := c.worker.Invoke(ctx, region, payload)
		if isNotStarted(err) { // what the caller cannot know
			err = context.Cause(ctx)
		}
		return answer, report, err
	}
	faults := c.faults()
	return faults[r.IntN(len(faults))](ctx, r, work)
}

// regional decides by the seed whether each Region has a limit of its own.
func (c *chaos) regional() bool { return random(c.seed, "regional").IntN(2) == 0 }

// enter counts a call and returns its number. The caller calls leave at its end.
func (c *chaos) enter(u invoketest.Unit) (number int, leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attempts[u]++
	c.inFlight++
	c.peak = max(c.peak, c.inFlight)
	return c.attempts[u], func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.inFlight--
	}
}

// leaveOut takes back that a call was counted.
func (c *chaos) leaveOut(u invoketest.Unit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.attempts[u]--; c.attempts[u] == 0 {
		delete(c.attempts, u)
	}
}

// isNotStarted reports whether an error says that the worker was not called.
func isNotStarted(err error) bool {
	e, ok := errors.AsType[fanout.NotStartedError](err)
	return ok && e.NotStarted()
}

// visit counts the attempts at a target.
func (c *chaos) visit(target string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.visits[target]++
	return c.visits[target]
}

type (
	work  func() (answer []byte, report protocol.Attempt, err error)
	fault func(ctx context.Context, r *rand.Rand, work work) (answer []byte, report protocol.Attempt, err error)
)

// faults returns all the faults of a call.
func (c *chaos) faults() []fault {
	fail := func(name, message string) fault {
		return func(_ context.Context, r *rand.Rand, _ work) ([]byte, protocol.Attempt, error) {
			e := &invoke.Error{Name: name, Message: message}
			if r.IntN(3) == 0 {
				e.Retry = time.Duration(r.IntN(5)) * time.Second
			}
			return nil, protocol.Attempt{}, e
		}
	}
	reply := func(answer string) fault {
		return func(context.Context, *rand.Rand, work) ([]byte, protocol.Attempt, error) {
			return []byte(answer), protocol.Attempt{}, nil
		}
	}
	return []fault{
		fail(protocol.ErrorLambdaThrottled, "Rate Exceeded."),
		fail(protocol.ErrorLambdaService, "try later"),
		fail(protocol.ErrorLambdaSDKClient, "connection reset by peer"),
		fail("Sandbox.Timedout", "Task timed out after 3.00 seconds"),
		fail(protocol.ErrorRuntime, "exit status 2"),
		fail("", ""),
		reply(""), reply("null"), reply("{}"), reply("<html>"), reply(`{"version":1}`),
		late, hang, ignoreContext, loseAnswer, falsify,
		func(context.Context, *rand.Rand, work) ([]byte, protocol.Attempt, error) {
			panic("the invoker has a bug")
		},
	}
}

// late delays the request or the answer.
func late(ctx context.Context, r *rand.Rand, work work) ([]byte, protocol.Attempt, error) {
	before := r.IntN(2) == 0
	if before && !invoketest.Wait(ctx, drawTime(r)) {
		return nil, protocol.Attempt{}, ctx.Err()
	}
	answer, report, err := work()
	if !before && !invoketest.Wait(ctx, drawTime(r)) {
		return nil, protocol.Attempt{}, ctx.Err()
	}
	return answer, report, err
}

// hang waits until the context ends.
func hang(ctx context.Context, _ *rand.Rand, _ work) ([]byte, protocol.Attempt, error) {
	<-ctx.Done()
	return nil, protocol.Attempt{}, context.Cause(ctx)
}

// ignoreContext takes long, and ignores that its context ends.
func ignoreContext(_ context.Context, r *rand.Rand, work work) ([]byte, protocol.Attempt, error) {
	time.Sleep(10 * drawTime(r))
	return work()
}

// loseAnswer loses the answer after the work is done.
func loseAnswer(_ context.Context, _ *rand.Rand, work work) ([]byte, protocol.Attempt, error) {
	if _, _, err := work(); err != nil {
		return nil, protocol.Attempt{}, err
	}
	return nil, protocol.Attempt{}, &invoke.Error{Name: protocol.ErrorLambdaSDKClient, Message: "connection reset by peer"}
}

// falsify returns an answer that is wrong in one place.
func falsify(_ context.Context, r *rand.Rand, work work) ([]byte, protocol.Attempt, error) {
	answer, report, err := work()
	if err != nil {
		return nil, report, err
	}
	result, err := protocol.DecodeRegionResult(answer)
	if err != nil {
		panic(err)
	}
	targets := result.Targets
	i, j := r.IntN(len(targets)), r.IntN(len(targets))
	switch r.IntN(6) {
	case 0:
		result.RunID += "X"
	case 1:
		result.Region = "us-gov-west-1"
	case 2:
		result.Batch++
	case 3:
		result.Targets = append(targets, targets[i])
	case 4:
		result.Targets = targets[:i]
	case 5:
		targets[i].Target, targets[j].Target = targets[j].Target+"?", targets[i].Target
	}
	answer, err = json.Marshal(result)
	if err != nil {
		panic(err)
	}
	return answer, report, nil
}

// tasks returns the tasks, which have random faults too.
func (c *chaos) tasks() *task.Registry {
	return registry(func(ctx context.Context, in task.Input[struct{}]) (echo, error) {
		if r := random(c.seed, in.Region, in.Target.Name, c.visit(in.Region+in.Target.Name)); r.Float64() < c.danger/4 {
			switch r.IntN(5) {
			case 0:
				return echo{}, fmt.Errorf("%s is broken", in.Target.Name)
			case 1:
				return echo{}, task.Skip("nothing to do")
			case 2:
				panic("the task has a bug")
			case 3:
				time.Sleep(drawTime(r)) // it ignores its context
			case 4:
				if !invoketest.Wait(ctx, drawTime(r)) {
					return echo{}, context.Cause(ctx)
				}
			}
		}
		return echo{in.Region, in.Target.Name}, nil
	})
}

// drawTime draws a duration from milliseconds to a minute. All orders of magnitude are
// equally likely.
func drawTime(r *rand.Rand) time.Duration {
	d := time.Millisecond
	for range r.IntN(5) {
		d *= 10
	}
	return d + time.Duration(r.Int64N(int64(5*d)))
}
