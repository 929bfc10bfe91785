package faults_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// A ledger has what became of each target, as its task saw it.
type ledger struct {
	mu             sync.Mutex
	started, ended map[echo]bool
}

// tasks returns tasks that take a time for each target, and write into the ledger.
func (l *ledger) tasks(takes time.Duration) *task.Registry {
	l.started, l.ended = map[echo]bool{}, map[echo]bool{}
	write := func(in map[echo]bool, e echo) {
		l.mu.Lock()
		defer l.mu.Unlock()
		in[e] = true
	}
	return registry(func(ctx context.Context, in task.Input[struct{}]) (echo, error) {
		e := echo{in.Region, in.Target.Name}
		write(l.started, e)
		if !invoketest.Wait(ctx, takes) {
			return echo{}, context.Cause(ctx)
		}
		write(l.ended, e)
		return e, nil
	})
}

// compare returns where a result is not what the tasks saw. What is lost with an
// invocation whose answer did not come is ABORTED, whatever became of it. complete says
// that every answer came.
func (l *ledger) compare(got protocol.Result, complete bool) (problems []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range got.Regions {
		for _, t := range r.Targets {
			e := echo{r.Region, t.Target}
			wrong := false
			switch t.Status { //nolint:exhaustive // a run that is not kept is never RUNNING
			case protocol.StatusSucceeded:
				wrong = !l.ended[e]
			case protocol.StatusNotStarted:
				wrong = l.started[e]
			case protocol.StatusAborted:
				wrong = complete && (!l.started[e] || l.ended[e])
			case protocol.StatusFailed, protocol.StatusTimedOut, protocol.StatusSkipped:
				wrong = true
			}
			if wrong {
				problems = append(problems, fmt.Sprintf("%v is %s; its task started %t, ended %t", e, t.Status, l.started[e], l.ended[e]))
			}
		}
	}
	return problems
}

// interrupts returns when the runs of the matrix are interrupted, in beats. A target takes
// one beat, and a run without an interrupt six.
func interrupts() []float64 { return []float64{0, 0.5, 1, 1.5, 2, 3.25, 5.9} }

// interrupt makes the run of a row that is interrupted after some beats: with the workers
// in this process, or over HTTP.
func (s scale) interrupt(t *testing.T, beats float64, overHTTP bool, r *row) {
	t.Helper()
	request := s.request()
	request.MaxConcurrency, request.TargetMaxConcurrency, request.RegionTimeoutSeconds, request.Retry = s.regions, 1, 0, []protocol.Retrier{}
	r.units = s.regions * batches
	var l ledger
	worker := (&regionworker.Worker{Tasks: l.tasks(s.beat)}).Handle
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	after := time.Duration(beats * float64(s.beat))
	defer time.AfterFunc(after, func() { cancel(errors.New("interrupt signal received")) }).Stop()
	if !overHTTP {
		c := &chaos{worker: invoke.InProcess{Handle: worker}, attempts: map[invoketest.Unit]int{}}
		r.answer = carryOut(ctx, t, c, request, limitBeats*s.beat, *loopback)
		r.account = accountOf(request, r.answer.result)
		r.problems = r.account.compareAttempts(c.attempts, false, false)
	} else {
		server := s.server(t, worker)
		r.answer = carryOut(ctx, t, newFleet(t, server, request.Regions, false), request, limitBeats*s.beat, *loopback)
		r.account = accountOf(request, r.answer.result)
		r.problems = r.account.compareAttempts(server.Attempts(), false, true)
	}
	complete := !overHTTP
	for _, region := range r.answer.result.Regions {
		for _, a := range region.Attempts {
			complete = complete && !a.Abandoned // the process may have stalled
		}
	}
	r.problems = append(r.problems, r.account.check(r.answer)...)
	r.problems = append(r.problems, l.compare(r.answer.result, complete)...)
	// Over HTTP the last answers may be on their way when the run is interrupted.
	all := overHTTP && r.account.succeeded == r.account.asked
	if status := r.answer.result.Status; status != protocol.StatusAborted && !all {
		r.problems = append(r.problems, fmt.Sprintf("the run is %s: %s", status, r.answer.result.Cause))
	}
}

// An end is a way in which runs end.
type end struct {
	name  string
	ctx   func(context.Context) (context.Context, context.CancelFunc)
	edit  func(*protocol.Request)
	cause string // of the run, "" if it has none
}

func ends() []end {
	cancelled := func(after time.Duration, cause error) func(context.Context) (context.Context, context.CancelFunc) {
		return func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			if after == 0 {
				cancel(cause)
			}
			stop := time.AfterFunc(after, func() { cancel(cause) }).Stop
			return ctx, func() { stop(); cancel(nil) }
		}
	}
	deadline := func(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
		return func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, d) }
	}
	none := func(*protocol.Request) {}
	const past, unfinished = "the function's deadline had passed before the run began", "; 2 of 2 Regions not finished"
	return []end{
		{"a deadline that had passed", deadline(-time.Second), none, past + unfinished},
		{"a deadline that passes now", deadline(0), none, past + unfinished},
		{"a deadline that passes at once", deadline(1), none, ""},
		{"a deadline", deadline(20 * time.Second), none, "invocation timed out after 18s; 3 of 3 targets not finished" + unfinished},
		{"timeoutSeconds", deadline(time.Hour), func(r *protocol.Request) { r.TimeoutSeconds = 10 }, "invocation timed out after 9s; 3 of 3 targets not finished" + unfinished},
		{"regionTimeoutSeconds", deadline(time.Hour), func(r *protocol.Request) { r.RegionTimeoutSeconds = 10 }, "2 of 2 failed, 0 tolerated; us-east-1: States.Timeout: invocation timed out after 9s; 3 of 3 targets not finished"},
		{"targetTimeoutSeconds", deadline(time.Hour), func(r *protocol.Request) { r.TargetTimeoutSeconds = 10 }, ""},
		{"cancelled before it began", cancelled(0, nil), none, "cancelled" + unfinished},
		{"cancelled", cancelled(5*time.Second, nil), none, "cancelled" + unfinished},
		{"interrupted", cancelled(5*time.Second, errors.New("interrupt signal received")), none, "interrupt signal received" + unfinished},
		{"failFast", deadline(time.Hour), func(r *protocol.Request) { r.FailFast, r.Parameters = true, json.RawMessage(`{"first":"fails"}`) }, "1 of 2 failed, 0 tolerated; us-east-1: 3 of 3 targets failed; dynamodb: States.TaskFailed: as the test wants it"},
		{"minSuccessful", deadline(time.Hour), func(r *protocol.Request) { r.MinSuccessful, r.Parameters = 1, json.RawMessage(`{"first":"succeeds"}`) }, ""},
	}
}

// cutTasks returns tasks that never end by themselves. With the parameter first, those of
// the first Region do, after 5 s. fail is what they return when their context ends.
func cutTasks(fail func(ctx context.Context) error) *task.Registry {
	type parameters struct {
		First string `json:"first,omitzero"`
	}
	return task.NewRegistry(task.New("tell", "tell the Region and the target", func(ctx context.Context, in task.Input[parameters]) (echo, error) {
		takes := time.Hour
		if in.Region == "us-east-1" && in.Parameters.First != "" {
			takes = 5 * time.Second
		}
		switch {
		case !invoketest.Wait(ctx, takes):
			return echo{}, fail(ctx)
		case in.Parameters.First == "fails":
			return echo{}, errors.New("as the test wants it")
		}
		return echo{in.Region, in.Target.Name}, nil
	}))
}

// However a run ends, and whatever its tasks say then, its causes are sentences. None has
// the words of package context.
func TestEveryCauseIsASentence(t *testing.T) {
	t.Parallel()
	said := map[string]func(ctx context.Context) error{
		"the context's error": func(ctx context.Context) error { return ctx.Err() },
		"its cause":           context.Cause,
		"wrapped": func(ctx context.Context) error {
			return &url.Error{Op: "Get", URL: "https://example.com", Err: ctx.Err()}
		},
		"beside another": func(ctx context.Context) error { return errors.Join(errors.New("broken"), ctx.Err()) },
		"of its own": func(ctx context.Context) error {
			own, cancel := context.WithTimeout(context.WithoutCancel(ctx), 0)
			defer cancel()
			return own.Err()
		},
	}
	for _, e := range ends() {
		for name, fail := range said {
			for _, overHTTP := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, over HTTP %t", e.name, name, overHTTP), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						e.check(t, cutTasks(fail), overHTTP)
						time.Sleep(2 * time.Hour) // until abandoned attempts have ended, as the bubble requires
					})
				})
			}
		}
	}
}

// check makes a run that ends in this way.
func (e end) check(t *testing.T, tasks *task.Registry, overHTTP bool) {
	t.Helper()
	r := protocol.Request{Task: "tell", Regions: []string{"us-east-1", "eu-west-1"}, Targets: protocol.Targets("dynamodb", "s3", "sqs")}
	e.edit(&r)
	handle := (&regionworker.Worker{Tasks: tasks}).Handle
	var invoker coordinator.Invoker = invoke.InProcess{Handle: handle}
	if overHTTP {
		invoker = newFleet(t, invoketest.NewMemoryServer(t, handle), r.Regions, true)
	}
	var told bytes.Buffer
	encoder := json.NewEncoder(&told)
	c := &coordinator.Coordinator{Invoker: invoker, Tasks: tasks, Events: func(e protocol.Event) {
		if err := encoder.Encode(e); err != nil {
			t.Error(err)
		}
	}}
	ctx, cancel := e.ctx(t.Context())
	defer cancel()
	got, err := c.Run(ctx, r)
	if err == nil {
		err = encoder.Encode(got)
	}
	if err != nil {
		t.Fatal(err)
	}
	if e.cause != "" && got.Cause != e.cause {
		t.Errorf("the run's cause is %q, want %q", got.Cause, e.cause)
	}
	for _, words := range []error{context.Canceled, context.DeadlineExceeded} {
		if bytes.Contains(told.Bytes(), []byte(words.Error())) {
			t.Errorf("a cause says %q: %s", words, told.Bytes())
		}
	}
}

// An invocation that still waits for its connection when the run ends was not started, and
// has no attempt and no cost.
func TestAnInvocationThatWasNotSentWasNotStarted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		end  func(*protocol.Request, context.CancelCauseFunc)
		want protocol.Status // of the run
	}{
		"interrupted": {func(_ *protocol.Request, cancel context.CancelCauseFunc) {
			time.AfterFunc(2*time.Second, func() { cancel(errors.New("interrupt signal received")) })
		}, protocol.StatusAborted},
		"out of time": {func(r *protocol.Request, _ context.CancelCauseFunc) { r.TimeoutSeconds = 2 }, protocol.StatusTimedOut},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := scale{regions: 3, beat: time.Second}
				request := s.request()
				server := invoketest.NewMemoryServer(t, handler())
				server.DecideConnections(func(region string, _ int) invoketest.ConnectionFault {
					if region == faultyRegion {
						return invoketest.Unanswered
					}
					return invoketest.Connects
				})
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				tt.end(&request, cancel)
				got := carryOut(ctx, t, newFleet(t, server, request.Regions, false), request, limitBeats*s.beat, false)
				for _, problem := range accountOf(request, got.result).check(got) {
					t.Error(problem)
				}
				if got.result.Status != tt.want {
					t.Errorf("the run is %s, want %s", got.result.Status, tt.want)
				}
				for _, region := range got.result.Regions {
					if want := region.Region == faultyRegion; (region.Status == protocol.StatusNotStarted) != want ||
						(len(region.Attempts) == 0) != want || (region.Usage == nil) != want {
						t.Errorf("%s is %s with attempts %+v, usage %+v", region.Region, region.Status, region.Attempts, region.Usage)
					}
				}
			})
		})
	}
}

// When a run ends early, invocations of Lambda that are about to be answered are waited
// for, if their answers are needed. Here us-east-1 decides after 1 s, eu-west-1 answers a
// moment later, and ap-south-1 never does.
func TestAnEarlyEndWaitsForAnswersThatAreOnTheirWay(t *testing.T) {
	t.Parallel()
	const first, wait = time.Second, 250 * time.Millisecond
	for _, tt := range []struct {
		name  string
		fault invoketest.Fault // of us-east-1
		edit  func(*protocol.Request, context.CancelCauseFunc)
		want  string
		took  time.Duration
	}{
		{
			"interrupted", nil, func(_ *protocol.Request, cancel context.CancelCauseFunc) {
				time.AfterFunc(first, func() { cancel(errors.New("interrupt signal received")) })
			}, "ABORTED: SUCCEEDED SUCCEEDED ABORTED", first + wait,
		},
		{
			"failFast", invoketest.FunctionError("Unhandled", `{"errorType":"Task.Broken"}`),
			func(r *protocol.Request, _ context.CancelCauseFunc) { r.FailFast = true },
			"FAILED: FAILED SUCCEEDED ABORTED", first + wait,
		},
		{
			"minSuccessful", nil, func(r *protocol.Request, _ context.CancelCauseFunc) { r.MinSuccessful = 1 },
			"SUCCEEDED: SUCCEEDED ABORTED ABORTED", first,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				request := protocol.Request{
					Task: "tell", Regions: []string{"us-east-1", "eu-west-1", "ap-south-1"}, Targets: protocol.Targets("dynamodb", "s3"),
					Retry: []protocol.Retrier{},
				}
				server := invoketest.NewMemoryServer(t, handler())
				server.Decide(func(c invoketest.Call) invoketest.Fault {
					return map[string]invoketest.Fault{
						"us-east-1":  invoketest.After(invoketest.Fixed(first), tt.fault),
						"eu-west-1":  invoketest.After(invoketest.Fixed(first+wait/2), nil),
						"ap-south-1": invoketest.Hang,
					}[c.Unit.Region]
				})
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				tt.edit(&request, cancel)
				begin := time.Now()
				got := carryOut(ctx, t, newFleet(t, server, request.Regions, false), request, time.Minute, false)
				took := time.Since(begin)
				for _, problem := range accountOf(request, got.result).check(got) {
					t.Error(problem)
				}
				words := []string{string(got.result.Status) + ":"}
				for _, region := range got.result.Regions {
					words = append(words, string(region.Status))
				}
				if line := strings.Join(words, " "); line != tt.want || took != tt.took {
					t.Errorf("the run is %s after %v, want %s after %v", line, took, tt.want, tt.took)
				}
			})
		})
	}
}
