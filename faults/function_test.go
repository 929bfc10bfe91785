package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
	"meridian/pkg/protocol"
)

// A caller is a function of a caller's. It counts how often it has run for each Region and
// target, and answers with both.
type caller struct {
	mu   sync.Mutex
	runs map[echo]int
}

// run is the function.
func (c *caller) run(_ context.Context, payload []byte) ([]byte, error) {
	var asked echo
	if err := json.Unmarshal(payload, &asked); err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.runs[asked]++
	c.mu.Unlock()
	return payload, nil
}

// A misfortune is what happens to every invocation of a function.
type misfortune struct {
	hazard

	want  string // the error; "" means that it is not checked
	again bool   // whether it is documented that the function has not run
}

// misfortunes returns what can happen to an invocation: each of Lambda's errors after the
// function has run, what a function does wrong, and what breaks on the way.
func misfortunes() (all []misfortune) {
	for _, h := range errorsAfterWork() {
		all = append(all, misfortune{hazard: h, again: !h.ran})
	}
	answered := func(body string) invoketest.Fault {
		return invoketest.AfterWork(invoketest.Answer(http.StatusOK, body))
	}
	for _, f := range []struct {
		name  string
		fault invoketest.Fault
		want  string
	}{
		{"an error with a type", invoketest.FunctionError(invoke.Unhandled, `{"errorType":"MyError","errorMessage":"no"}`), "MyError"},
		{"an error without a type", invoketest.FunctionError(invoke.Unhandled, `{"errorMessage":"no"}`), protocol.ErrorLambdaUnknown},
		{"an error that is no JSON", invoketest.FunctionError(invoke.Handled, `no`), protocol.ErrorLambdaUnknown},
		{"a timeout of its own", invoketest.TimedOut(3 * time.Second), "Sandbox.Timedout"},
		{"a crash", invoketest.Crashed("signal: killed"), "Runtime.ExitError"},
		{"an answer that is too large", invoketest.TooLarge, protocol.ErrorResponseSizeTooLarge},
		{"an answer of 6 MB and one byte", answered(`"` + strings.Repeat("x", protocol.MaxPayloadBytes-1) + `"`), protocol.ErrorResponseSizeTooLarge},
		{"no JSON", answered("<html>"), protocol.ErrorBadAnswer},
		{"nothing", answered(""), protocol.ErrorBadAnswer},
		{"no UTF-8", answered("\"\xff\""), protocol.ErrorBadAnswer},
		{"no answer in time", invoketest.Hang, protocol.ErrorTimeout},
		{"a connection cut after the work", invoketest.CutAfterWork, protocol.ErrorLambdaSDKClient},
		{"a connection cut after the request", invoketest.CutAfterRequest, protocol.ErrorLambdaSDKClient},
		{"an answer cut short", invoketest.AfterWork(invoketest.CutInAnswer(1000, 10)), protocol.ErrorLambdaSDKClient},
	} {
		all = append(all, misfortune{hazard: simple(f.name, f.fault), want: f.want})
	}
	return all
}

// Work that may be done once is never repeated after an error that does not rule out that the
// function has run, whatever the retriers say. Other work is done as often as they allow.
func TestAFunctionIsInvokedAsOftenAsItMay(t *testing.T) {
	t.Parallel()
	const retries = 2
	everything := []protocol.Retrier{
		{ErrorEquals: []string{"MyError", protocol.ErrorResponseSizeTooLarge}, MaxAttempts: new(retries), IntervalSeconds: 1},
		{ErrorEquals: []string{protocol.ErrorAll}, MaxAttempts: new(retries), IntervalSeconds: 1},
	}
	for _, m := range misfortunes() {
		for _, way := range []struct {
			name       string
			idempotent bool
			retry      []protocol.Retrier
			want       int // invocations of a target; 0 means that the default retriers decide
		}{
			{"once, any error is retried", false, everything[1:], 1},
			{"once, by default", false, nil, 1},
			{"any error is retried", true, everything, 1 + retries},
			{"not retried", true, []protocol.Retrier{}, 1},
		} {
			want := way.want
			if m.again && !way.idempotent {
				want = 0 // it depends on whether the documentation of Invoke has the error
			}
			t.Run(m.name+", "+way.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					invokeWith(t, m, &protocol.Worker{Function: "my-check", Idempotent: way.idempotent}, way.retry, want)
				})
			})
		}
	}
}

// coordinatorOf returns a coordinator of functions on a server.
func coordinatorOf(server *invoketest.Server) *coordinator.Coordinator {
	functions := invoke.NewFunctions(server.Config(), invoke.Settings{Dial: server.Dial})
	return &coordinator.Coordinator{Tasks: tasks(), Functions: coordinator.LambdaFunctions(functions), MemoryMB: 256}
}

// invokeWith runs a function over two targets in two Regions. A misfortune meets every
// invocation. Each target must be tried as often as want says; 0 means that this is not checked.
func invokeWith(t *testing.T, m misfortune, worker *protocol.Worker, retry []protocol.Retrier, want int) {
	t.Helper()
	function := &caller{runs: map[echo]int{}}
	server := invoketest.NewMemoryServer(t, function.run)
	fault := m.fault(time.Second)
	server.Decide(func(invoketest.Call) invoketest.Fault { return fault })
	c := coordinatorOf(server)
	r := protocol.Request{
		Worker: worker, Regions: []string{"us-east-1", "eu-west-1"}, Targets: protocol.Targets("a", "b"), TargetRetry: retry,
		TargetTimeoutSeconds: 5, TimeoutSeconds: 100,
	}
	result, err := c.Run(t.Context(), r)
	if err != nil {
		t.Fatalf("Run = %v", err)
	}
	for _, region := range result.Regions {
		if problems := repeated(region); !worker.Idempotent && problems != nil {
			t.Error(strings.Join(problems, "\n"))
		}
		for _, o := range region.Targets {
			tries := len(o.Attempts)
			if runs := function.runs[echo{region.Region, o.Target}]; runs > tries || !m.again && !worker.Idempotent && tries > 1 {
				t.Errorf("%s in %s has run %d times, in %d attempts", o.Target, region.Region, runs, tries)
			}
			if want > 0 && tries != want {
				t.Errorf("%s in %s was tried %d times, want %d", o.Target, region.Region, tries, want)
			}
			if failed := o.Status == protocol.StatusFailed || o.Status == protocol.StatusTimedOut; !failed || m.want != "" && o.Error != m.want {
				t.Errorf("%s in %s is %s (%s: %s), want %s", o.Target, region.Region, o.Status, o.Error, o.Cause, m.want)
			}
		}
	}
	if calls, told := len(server.Requests()), result.Summary.Attempts; calls != told {
		t.Errorf("the server had %d calls, the result tells of %d", calls, told)
	}
}

// A function with a limit of its own is throttled, and every target is done once.
func TestAFunctionThatIsThrottledDoesEveryTargetOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		function := &caller{runs: map[echo]int{}}
		server := invoketest.NewMemoryServer(t, function.run)
		server.Limit(10)
		server.Decide(func(invoketest.Call) invoketest.Fault {
			return invoketest.After(invoketest.Fixed(100*time.Millisecond), invoketest.Work)
		})
		c := coordinatorOf(server)
		var names []string
		for i := range 200 {
			names = append(names, fmt.Sprintf("target-%d", i))
		}
		result, err := c.Run(t.Context(), protocol.Request{
			Worker: &protocol.Worker{Function: "my-check"}, Regions: []string{"us-east-1", "eu-west-1"}, Targets: protocol.Targets(names...), TimeoutSeconds: 100,
		})
		if err != nil || result.Status != protocol.StatusSucceeded || result.Summary.Throttled == 0 {
			t.Fatalf("Run = %s: %s, %d throttled, %v", result.Status, result.Cause, result.Summary.Throttled, err)
		}
		for _, region := range result.Regions {
			for i, o := range region.Targets {
				var told echo
				if err := json.Unmarshal(o.Output, &told); err != nil || told != (echo{region.Region, names[i]}) || o.Target != names[i] {
					t.Errorf("target %d, %s in %s, has the output %s", i, o.Target, region.Region, o.Output)
				}
				if n := function.runs[told]; n != 1 {
					t.Errorf("%s in %s has run %d times", o.Target, region.Region, n)
				}
			}
		}
	})
}
