package coordinator_test

import (
	"context"
	"fmt"
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

// The function's JSON is the target's output, and its error's type the target's error.
func TestTheAnswerOfAWorkerIsTheOutcomeOfItsTarget(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"object": `{"a":1}`, "null": `null`, "text": `"x"`, "empty": ``, "no JSON": `<html>`, "deep": strings.Repeat("[", 2000) + strings.Repeat("]", 2000),
		"looks like an error": `{"errorMessage":"x"}`,
	}
	f := &callers{answer: func(_ context.Context, payload string) (string, error) {
		target := ask(payload).Target
		answer, known := answers[target]
		if !known {
			return "", functionError(target)
		}
		return answer, nil
	}}
	result := f.employ(t, protocol.Request{
		Worker: &protocol.Worker{Function: "my-check", Placement: protocol.PlacementRegional}, Regions: []string{"eu-west-1"},
		Targets: protocol.Targets("object", "null", "text", "empty", "no JSON", "deep", "looks like an error", "MyError"),
	})
	want := []string{
		`eu-west-1 object SUCCEEDED {"a":1} x1`,
		`eu-west-1 null SUCCEEDED null x1`,
		`eu-west-1 text SUCCEEDED "x" x1`,
		`eu-west-1 empty FAILED  x1 Meridian.BadAnswer: the function's answer is empty; want JSON`,
		`eu-west-1 no JSON FAILED  x1 Meridian.BadAnswer: the function's answer is not JSON: <html>`,
		`eu-west-1 deep FAILED  x1 Meridian.BadAnswer: the function's answer: arrays and objects are nested more than 1000 deep`,
		`eu-west-1 looks like an error SUCCEEDED {"errorMessage":"x"} x1`,
		`eu-west-1 MyError FAILED  x1 MyError: it is broken`,
	}
	if diff := cmp.Diff(want, lines(result)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if o := result.Regions[0]; o.Error != protocol.ErrorExceedToleratedFailureThreshold || o.WorkerRegion != "eu-west-1" ||
		o.Cause != "4 of 8 targets failed; empty: Meridian.BadAnswer: the function's answer is empty; want JSON" {
		t.Errorf("the Region has %s: %s in %s", o.Error, o.Cause, o.WorkerRegion)
	}
	if s := result.Summary; s.TargetAttempts != 8 || s.Attempts != 8 || s.TargetRetries != 0 {
		t.Errorf("summary %+v, want 8 attempts", s)
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
				told := fmt.Sprintf("%s %s %s", o.Target, o.Status, string(o.Output))
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

// The accounts of an organization are not known before the run.
func TestThePreviewOfAWorkerHasRoomForTheIdsOfAccounts(t *testing.T) {
	t.Parallel()
	c := &coordinator.Coordinator{Tasks: task.Builtin(), Functions: (&callers{}).functions}
	preview, err := c.Preview(protocol.Request{
		Worker: &protocol.Worker{Function: "f", Payload: []byte(`"{account}"`)}, Regions: []string{"eu-west-1"},
		Organization: &protocol.Organization{}, Role: "r",
	}, 0)
	if want := len(`"111122223333"`); err != nil || preview.PayloadBytes != want {
		t.Errorf("Preview = %d bytes, %v; want %d", preview.PayloadBytes, err, want)
	}
}
