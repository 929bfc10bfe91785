package coordinator_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// An asked is a payload of the tests' functions.
type asked struct {
	Region  string  `json:"region"`
	Target  string  `json:"target"`
	Targets []asked `json:"targets"`
	Attempt int     `json:"attempt"`
}

// ask reads a payload.
func ask(payload string) (a asked) {
	_ = json.Unmarshal([]byte(payload), &a)
	return a
}

// A target is invoked again as often as a retrier of targetRetry that names its error says, and
// not at all when none does, or when the work may be done once.
func TestAWorkerIsInvokedAsOftenAsTargetRetryAllows(t *testing.T) {
	t.Parallel()
	named := []protocol.Retrier{{ErrorEquals: []string{"Busy"}, MaxAttempts: new(2), IntervalSeconds: 1}}
	all := []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorAll}, MaxAttempts: new(2), IntervalSeconds: 1}}
	refused := &invoke.Error{Name: protocol.ErrorLambdaThrottled, Message: "Rate exceeded"}
	lost := &invoke.Error{Name: protocol.ErrorLambdaSDKClient, Message: "lost", Sent: true}
	for name, test := range map[string]struct {
		idempotent bool
		retry      []protocol.Retrier
		err        error
		want       int // invocations
	}{
		"an error that is named":                   {true, named, functionError("Busy"), 3},
		"an error that is not":                     {true, named, functionError("Broken"), 1},
		"any error":                                {true, all, functionError("Broken"), 3},
		"no retriers":                              {true, nil, functionError("Broken"), 1},
		"none":                                     {true, []protocol.Retrier{}, refused, 1},
		"any error of work that is done once":      {false, all, functionError("Broken"), 1},
		"a loss of work that is done once":         {false, all, lost, 1},
		"a loss":                                   {true, nil, lost, 5},
		"a refusal of work that is done once":      {false, all, refused, 3},
		"an answer that is none":                   {true, all, nil, 3},
		"an answer that is none to work done once": {false, all, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &callers{answer: func(context.Context, string) (string, error) { return "", test.err }}
			result := f.employ(t, protocol.Request{
				Worker: &protocol.Worker{Function: "my-check", Idempotent: test.idempotent}, Regions: []string{"eu-west-1"},
				Targets: protocol.Targets("a"), TargetRetry: test.retry,
			})
			o := result.Regions[0]
			if len(f.payloads) != test.want || len(o.Attempts) != test.want || len(o.Targets[0].Attempts) != test.want ||
				result.Summary.TargetRetries != test.want-1 || o.Status != protocol.StatusFailed {
				t.Errorf("%d invocations, attempts %d and %d, %s; want %d, FAILED", len(f.payloads), len(o.Attempts), len(o.Targets[0].Attempts), o.Status, test.want)
			}
			for i, payload := range f.payloads {
				if got := ask(payload).Attempt; got != i+1 {
					t.Errorf("invocation %d says that it is attempt %d", i+1, got)
				}
			}
		})
	}
}

// targetTimeoutSeconds ends an invocation, and targetMaxConcurrency bounds those in flight in a
// Region.
func TestTargetTimeoutAndTargetMaxConcurrencyAreThoseOfInvocations(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	inFlight, most := map[string]int{}, map[string]int{}
	f := &callers{answer: func(ctx context.Context, payload string) (string, error) {
		a := ask(payload)
		mu.Lock()
		inFlight[a.Region]++
		most[a.Region] = max(most[a.Region], inFlight[a.Region])
		mu.Unlock()
		defer func() { mu.Lock(); inFlight[a.Region]--; mu.Unlock() }()
		wait := time.Second
		if a.Target == "t3" {
			wait = time.Minute
		}
		select {
		case <-time.After(wait):
			return `"done"`, nil
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}}
	var names []string
	for i := range 20 {
		names = append(names, fmt.Sprintf("t%d", i))
	}
	result := f.employ(t, protocol.Request{
		Worker: &protocol.Worker{Function: "my-check", Placement: protocol.PlacementRegional}, Regions: []string{"eu-west-1", "us-east-1"},
		Targets: protocol.Targets(names...), TargetMaxConcurrency: 4, TargetTimeoutSeconds: 2,
	})
	if diff := cmp.Diff(map[string]int{"eu-west-1": 4, "us-east-1": 4}, most); diff != "" {
		t.Errorf("invocations in flight (-want +got):\n%s", diff)
	}
	for _, region := range result.Regions {
		for _, o := range region.Targets {
			if slow := o.Target == "t3"; slow != (o.Status == protocol.StatusTimedOut) || slow != (o.Error == protocol.ErrorTimeout) {
				t.Errorf("%s in %s: %s %s", o.Target, region.Region, o.Status, o.Error)
			}
		}
	}
	if c := result.Summary.Targets; c.Succeeded != 38 || c.TimedOut != 2 {
		t.Errorf("targets %+v, want 38 done and 2 timed out", c)
	}
}

// A batch is answered by a list of outputs, or by what failed; anything else fails all of it.
func TestABatchIsAnsweredByOutputsOrByFailures(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string][]string{
		`[1,{"b":2},null]`: {`a SUCCEEDED 1`, `b SUCCEEDED {"b":2}`, `c SUCCEEDED null`},
		`{"failures":[]}`:  {`a SUCCEEDED `, `b SUCCEEDED `, `c SUCCEEDED `},
		`{"failures":[{"target":"b","error":"Busy","cause":"full"},{"target":"c"}]}`: {
			`a SUCCEEDED `, `b FAILED Busy: full`, `c FAILED States.TaskFailed: `,
		},
		`[1,2]`:                         {"", "", "", "the function's answer has 2 outputs for 3 targets"},
		`{}`:                            {"", "", "", `the function's answer to a batch is neither a list of 3 outputs nor an object with "failures"`},
		`"ok"`:                          {"", "", "", `the function's answer to a batch is neither a list of 3 outputs nor an object with "failures"`},
		`{"failures":[{"target":"d"}]}`: {"", "", "", `the function's answer has a failure of "d", which is not in the batch, or has it twice`},
		`{"failures":[{"target":"a"},{"target":"a"}]}`: {"", "", "", `the function's answer has a failure of "a", which is not in the batch, or has it twice`},
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			f := &callers{answer: func(context.Context, string) (string, error) { return answer, nil }}
			result := f.employ(t, protocol.Request{
				Worker: &protocol.Worker{Function: "my-check"}, Regions: []string{"eu-west-1"}, Targets: protocol.Targets("a", "b", "c"), MaxTargetsPerInvocation: 3,
			})
			got := result.Regions[0].Targets
			for i, o := range got {
				told := fmt.Sprintf("%s %s %s", o.Target, o.Status, o.Output)
				if o.Status == protocol.StatusFailed {
					told += o.Error + ": " + o.Cause
				}
				if len(want) == 4 {
					want[i] = fmt.Sprintf("%s FAILED %s: %s", o.Target, protocol.ErrorBadAnswer, want[3])
				}
				if told != want[i] || len(o.Attempts) != 1 {
					t.Errorf("got %s after %d attempts, want %s after 1", told, len(o.Attempts), want[i])
				}
			}
		})
	}
}

// Of a batch only the targets are tried again whose errors a retrier names.
func TestOfABatchOnlyWhatMayBeTriedAgainIs(t *testing.T) {
	t.Parallel()
	f := &callers{answer: func(_ context.Context, payload string) (string, error) {
		a := ask(payload)
		var failures []string
		for _, target := range a.Targets {
			if name, ok := strings.CutPrefix(target.Target, "fails-"); ok && (name != "Busy" || a.Attempt < 3) {
				failures = append(failures, fmt.Sprintf(`{"target":%q,"error":%q,"cause":"attempt %d"}`, target.Target, name, a.Attempt))
			}
		}
		return `{"failures":[` + strings.Join(failures, ",") + `]}`, nil
	}}
	result := f.employ(t, protocol.Request{
		Worker: &protocol.Worker{Function: "my-check", Idempotent: true}, Regions: []string{"eu-west-1"}, MaxTargetsPerInvocation: 9,
		Targets: protocol.Targets("ok", "fails-Broken", "fails-Busy", "fails-Slow"), TargetRetry: []protocol.Retrier{
			{ErrorEquals: []string{"Busy"}, MaxAttempts: new(5)}, {ErrorEquals: []string{"Slow"}, MaxAttempts: new(1)},
		},
	})
	want := []string{
		"eu-west-1 ok SUCCEEDED  x1",
		"eu-west-1 fails-Broken FAILED  x1 Broken: attempt 1",
		"eu-west-1 fails-Busy SUCCEEDED  x3",
		"eu-west-1 fails-Slow FAILED  x4 Slow: attempt 4",
	}
	if diff := cmp.Diff(want, lines(result)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if o := result.Regions[0]; o.Status != protocol.StatusFailed || len(f.payloads) != 4 {
		t.Errorf("the Region is %s (%s: %s) after %d invocations, want FAILED after 4", o.Status, o.Error, o.Cause, len(f.payloads))
	}
}

// Each account has its own function, which is invoked with the role of the account.
func TestAWorkerIsInvokedInEachAccount(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var roles []string
	f := &callers{}
	c := &coordinator.Coordinator{Tasks: task.Builtin(), Functions: func(w protocol.Worker) (coordinator.Function, error) {
		found, err := f.functions(w)
		found.As = func(access *protocol.Access, region, _ string) coordinator.Invoker {
			if access != nil {
				mu.Lock()
				defer mu.Unlock()
				roles = append(roles, access.Role+" from "+region)
			}
			return f
		}
		return found, err
	}}
	result, err := c.Run(t.Context(), protocol.Request{
		Worker:  &protocol.Worker{Function: "my-check", Payload: json.RawMessage(`"{account} {region}"`)},
		Regions: []string{"eu-west-1", "us-east-1"}, Accounts: []protocol.Account{{ID: "111111111111"}, {ID: "222222222222"}}, Role: "invoker",
	})
	if err != nil || result.Status != protocol.StatusSucceeded {
		t.Fatalf("Run = %s %s, %v", result.Status, result.Cause, err)
	}
	want := []string{"arn:aws:iam::111111111111:role/invoker from eu-west-1", "arn:aws:iam::222222222222:role/invoker from eu-west-1"}
	if diff := cmp.Diff(want, roles); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	slices.Sort(f.payloads)
	if got := strings.Join(f.payloads, ", "); got != `"111111111111 eu-west-1", "111111111111 us-east-1", "222222222222 eu-west-1", "222222222222 us-east-1"` {
		t.Errorf("payloads %s", got)
	}
}

// A function that cannot be invoked here is refused, by a plan that was made elsewhere too.
func TestAWorkerThatCannotBeInvokedHereIsRefused(t *testing.T) {
	t.Parallel()
	f := &callers{}
	c := &coordinator.Coordinator{Tasks: task.Builtin(), Functions: f.functions}
	r := protocol.Request{Worker: &protocol.Worker{Function: "my-check"}, Regions: []string{"eu-west-1"}}
	plan, err := c.Plan(r, 0)
	if err != nil {
		t.Fatal(err)
	}
	c.Functions = func(protocol.Worker) (coordinator.Function, error) {
		return coordinator.Function{}, errors.New("is not allowed; allow it")
	}
	if _, err := c.Plan(r, 0); err == nil || err.Error() != `worker.function: "my-check": is not allowed; allow it` {
		t.Errorf("Plan = %v", err)
	}
	result := c.Execute(t.Context(), plan)
	if o := result.Regions[0]; o.Status != protocol.StatusFailed || o.Cause != "is not allowed; allow it" || f.payloads != nil {
		t.Errorf("the Region is %s: %s, after %d invocations", o.Status, o.Cause, len(f.payloads))
	}
}

// A function that speaks the protocol gets the requests of a regionworker, with the parameters of
// the account, but without the account: the function is the account's own. Its task is any name.
func TestAWorkerThatSpeaksTheProtocolGetsRegionRequests(t *testing.T) {
	t.Parallel()
	f := &callers{answer: func(_ context.Context, payload string) (string, error) {
		var r protocol.RegionRequest
		if err := json.Unmarshal([]byte(payload), &r); err != nil || r.Task != "mine" || r.Account != nil || string(r.Parameters) != `{"a":1}` {
			return "", functionError("Unexpected: " + payload)
		}
		answer := protocol.RegionResult{Version: r.Version, RunID: r.RunID, Region: r.Region, Batch: r.Batch, Status: protocol.StatusSucceeded}
		for _, target := range r.Targets {
			answer.Targets = append(answer.Targets, protocol.TargetOutcome{Target: target, Status: protocol.StatusSucceeded, Output: r.Inputs[target]})
		}
		data, err := json.Marshal(answer)
		return string(data), err
	}}
	result := f.employ(t, protocol.Request{
		Worker: &protocol.Worker{Function: "my-worker", Protocol: true}, Task: "mine", Parameters: json.RawMessage(`{"a":0}`),
		Regions: []string{"eu-west-1"}, Accounts: []protocol.Account{{ID: "111111111111", Parameters: json.RawMessage(`{"a":1}`)}},
		Targets: []protocol.Target{{Name: "a", Input: json.RawMessage(`{"x":1}`)}, {Name: "b"}},
	})
	if diff := cmp.Diff([]string{`eu-west-1 a SUCCEEDED {"x":1} x0`, `eu-west-1 b SUCCEEDED  x0`}, lines(result)); diff != "" || len(f.payloads) != 1 {
		t.Errorf("outcomes of %d invocations (-want +got):\n%s", len(f.payloads), diff)
	}
}
