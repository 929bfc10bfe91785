package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// A wild is a way to workers in the same process on which everything happens. What
// happens to a call depends on its seed, its unit and the number of the attempt
// only, so that a seed means the same run however goroutines are scheduled.
type wild struct {
	seed   uint64
	danger float64 // the share of calls to which something happens
	worker invoke.InProcess

	mu       sync.Mutex
	attempts map[invoketest.Unit]int
	visits   map[string]int
	inFlight int
	peak     int
}

func newWild(seed uint64, danger float64) *wild {
	w := &wild{seed: seed, danger: danger, attempts: map[invoketest.Unit]int{}, visits: map[string]int{}}
	w.worker.Handle = (&regionworker.Worker{Tasks: w.tasks()}).Handle
	return w
}

// luck returns the random numbers for one thing.
func luck(seed uint64, thing ...any) *rand.Rand {
	h := fnv.New64a()
	_, _ = fmt.Fprintln(h, thing...)
	return rand.New(rand.NewPCG(seed, h.Sum64())) //nolint:gosec // repeatable on purpose
}

// Invoke goes the way to the worker, or does not arrive.
func (w *wild) Invoke(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
	request, err := protocol.DecodeRegionRequest(payload)
	if err != nil {
		panic(err)
	}
	number, leave := w.enter(invoketest.Unit{RunID: request.RunID, Region: region, Batch: request.Batch})
	defer leave()
	r := luck(w.seed, region, request.Batch, number)
	work := func() ([]byte, protocol.Attempt, error) { return w.worker.Invoke(ctx, region, payload) }
	if r.Float64() >= w.danger {
		return work()
	}
	ways := w.ways()
	return ways[r.IntN(len(ways))](ctx, r, work)
}

// regional says, by the seed, whether each Region has a limit of its own.
func (w *wild) regional() bool { return luck(w.seed, "regional").IntN(2) == 0 }

// enter counts a call, and returns its number and what counts its end.
func (w *wild) enter(u invoketest.Unit) (number int, leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.attempts[u]++
	w.inFlight++
	w.peak = max(w.peak, w.inFlight)
	return w.attempts[u], func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.inFlight--
	}
}

// visit counts the attempts at a target.
func (w *wild) visit(target string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.visits[target]++
	return w.visits[target]
}

type (
	work func() (answer []byte, report protocol.Attempt, err error)
	way  func(ctx context.Context, r *rand.Rand, work work) (answer []byte, report protocol.Attempt, err error)
)

// ways returns everything that may happen to a call.
func (w *wild) ways() []way {
	fail := func(name, message string) way {
		return func(_ context.Context, r *rand.Rand, _ work) ([]byte, protocol.Attempt, error) {
			e := &invoke.Error{Name: name, Message: message}
			if r.IntN(3) == 0 {
				e.Retry = time.Duration(r.IntN(5)) * time.Second
			}
			return nil, protocol.Attempt{}, e
		}
	}
	bring := func(answer string) way {
		return func(context.Context, *rand.Rand, work) ([]byte, protocol.Attempt, error) {
			return []byte(answer), protocol.Attempt{}, nil
		}
	}
	return []way{
		fail(protocol.ErrorLambdaThrottled, "Rate Exceeded."),
		fail(protocol.ErrorLambdaService, "try later"),
		fail(protocol.ErrorLambdaSDKClient, "connection reset by peer"),
		fail("Sandbox.Timedout", "Task timed out after 3.00 seconds"),
		fail(protocol.ErrorRuntime, "exit status 2"),
		fail("", ""),
		bring(""), bring("null"), bring("{}"), bring("<html>"), bring(`{"version":1}`),
		late, hang, deaf, cut, lying,
		func(context.Context, *rand.Rand, work) ([]byte, protocol.Attempt, error) { panic("the way has a bug") },
	}
}

// late takes its time, there or back.
func late(ctx context.Context, r *rand.Rand, work work) ([]byte, protocol.Attempt, error) {
	before := r.IntN(2) == 0
	if before && !sleep(ctx, drawTime(r)) {
		return nil, protocol.Attempt{}, ctx.Err()
	}
	answer, report, err := work()
	if !before && !sleep(ctx, drawTime(r)) {
		return nil, protocol.Attempt{}, ctx.Err()
	}
	return answer, report, err
}

// hang waits for the end of its time.
func hang(ctx context.Context, _ *rand.Rand, _ work) ([]byte, protocol.Attempt, error) {
	<-ctx.Done()
	return nil, protocol.Attempt{}, context.Cause(ctx)
}

// deaf ignores the end of its time.
func deaf(_ context.Context, r *rand.Rand, work work) ([]byte, protocol.Attempt, error) {
	time.Sleep(10 * drawTime(r))
	return work()
}

// cut loses the answer after the work.
func cut(_ context.Context, _ *rand.Rand, work work) ([]byte, protocol.Attempt, error) {
	if _, _, err := work(); err != nil {
		return nil, protocol.Attempt{}, err
	}
	return nil, protocol.Attempt{}, &invoke.Error{Name: protocol.ErrorLambdaSDKClient, Message: "connection reset by peer"}
}

// lying brings an answer that is not quite the right one.
func lying(_ context.Context, r *rand.Rand, work work) ([]byte, protocol.Attempt, error) {
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

// tasks returns the tasks, to which everything happens as well.
func (w *wild) tasks() *task.Registry {
	return registry(func(ctx context.Context, in task.Input[struct{}]) (told, error) {
		if r := luck(w.seed, in.Region, in.Target, w.visit(in.Region+in.Target)); r.Float64() < w.danger/4 {
			switch r.IntN(5) {
			case 0:
				return told{}, fmt.Errorf("%s is broken", in.Target)
			case 1:
				return told{}, task.Skip("nothing to do")
			case 2:
				panic("the task has a bug")
			case 3:
				time.Sleep(drawTime(r)) // deaf
			case 4:
				if !sleep(ctx, drawTime(r)) {
					return told{}, context.Cause(ctx)
				}
			}
		}
		return told{in.Region, in.Target}, nil
	})
}

// drawTime draws a time from milliseconds to a minute, each order of magnitude as
// often as the next.
func drawTime(r *rand.Rand) time.Duration {
	d := time.Millisecond
	for range r.IntN(5) {
		d *= 10
	}
	return d + time.Duration(r.Int64N(int64(5*d)))
}

// sleep reports whether ctx went on for d.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
