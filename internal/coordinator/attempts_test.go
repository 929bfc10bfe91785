package coordinator_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/pkg/protocol"
)

// batchOfTwo is a request for a batch whose invocations get one beside them after a second.
func batchOfTwo() protocol.Request {
	return protocol.Request{
		Worker: &protocol.Worker{Function: "f", Idempotent: true, Payload: []byte(`{}`)}, Regions: []string{"eu-west-1"},
		Targets: protocol.Targets("a", "b"), MaxTargetsPerInvocation: 2, TargetRetry: []protocol.Retrier{{ErrorEquals: []string{"Oops"}}},
		Hedge: &protocol.Hedge{AfterSeconds: 1, MaxExtraPercentage: 100},
	}
}

const ofBoth, ofB = `{"targets":[{"target":"a","input":null},{"target":"b","input":null}]}`, `{"targets":[{"target":"b","input":null}]}`

// inTurn returns what a function answers to its invocations, each after a time.
func inTurn(after time.Duration, answers ...func() (string, error)) func(context.Context, string) (string, error) {
	var n atomic.Int32
	return func(ctx context.Context, _ string) (string, error) {
		k := int(n.Add(1)) - 1
		select {
		case <-time.After(after):
			return answers[k]()
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// answering returns an answer of a function.
func answering(answer string) func() (string, error) {
	return func() (string, error) { return answer, nil }
}

// What one of two invocations beside each other has done or given up, the other one does not try
// again.
func TestNoBatchIsInvokedWithoutTargets(t *testing.T) {
	t.Parallel()
	oops := func() (string, error) { return "", functionError("Oops") }
	for name, second := range map[string]func() (string, error){
		"the other one fails":       oops,
		"the other one tells of it": answering(`{"failures":[{"target":"a","error":"Oops"},{"target":"b","error":"Oops"}]}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &callers{answer: inTurn(3*time.Second, answering(`{"failures":[{"target":"a","error":"Bad"},{"target":"b","error":"Bad"}]}`), second)}
			result := f.employ(t, batchOfTwo())
			if diff := cmp.Diff([]string{ofBoth, ofBoth}, f.payloads); diff != "" {
				t.Errorf("payloads (-want +got):\n%s", diff)
			}
			if s := result.Summary; s.Attempts != 2 || s.Targets.Failed != 2 || result.Regions[0].Status != protocol.StatusFailed {
				t.Errorf("Run = %v, summary %+v; want 2 attempts that failed", lines(result), s)
			}
		})
	}
}

// A target has the attempts of the invocations that it was in, also if one brought nothing back.
func TestATargetHasNoAttemptThatItWasNotIn(t *testing.T) {
	t.Parallel()
	partly := answering(`{"failures":[{"target":"b","error":"Oops"}]}`)
	for name, test := range map[string]struct {
		answer func(context.Context, string) (string, error)
		want   []string
	}{
		"another one was faster": {
			inTurn(0, partly, func() (string, error) { time.Sleep(time.Minute); return `[1]`, nil }, answering(`[2]`)),
			[]string{"eu-west-1 a SUCCEEDED  x1", "eu-west-1 b SUCCEEDED 2 x3"},
		},
		"it was abandoned": {
			inTurn(0, partly, func() (string, error) { time.Sleep(time.Minute); return `[1]`, nil }, func() (string, error) { time.Sleep(time.Minute); return `[1]`, nil }),
			[]string{"eu-west-1 a SUCCEEDED  x1", "eu-west-1 b FAILED  x3 Oops"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := batchOfTwo()
			r.TargetTimeoutSeconds = 10
			f := &callers{answer: test.answer}
			result := f.employ(t, r)
			if diff := cmp.Diff(test.want, lines(result)); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			if a := result.Regions[0].Targets[0].Attempts[0]; a.WaitMs != 0 {
				t.Errorf("the attempt that succeeded has a wait of %v ms before a retry", a.WaitMs)
			}
			if s := result.Summary; s.TargetAttempts != 4 || s.TargetRetries != 1 {
				t.Errorf("summary %+v, want 4 attempts of targets, 1 of them a retry", s)
			}
			if diff := cmp.Diff([]string{ofBoth, ofB, ofB}, f.payloads); diff != "" {
				t.Errorf("payloads (-want +got):\n%s", diff)
			}
		})
	}
}

// A function that ignores the end of its time may still be at work.
func TestWorkThatIsDoneOnceIsNotRepeatedAfterItWasAbandoned(t *testing.T) {
	t.Parallel()
	f := &callers{answer: func(context.Context, string) (string, error) { time.Sleep(time.Minute); return `1`, nil }}
	result := f.employ(t, protocol.Request{
		Worker: &protocol.Worker{Function: "f"}, Regions: []string{"eu-west-1"}, TargetTimeoutSeconds: 10,
		TargetRetry: []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorAll}}},
	})
	want := []string{"eu-west-1 f TIMED_OUT  x1 States.Timeout: attempt timed out after 10s"}
	if diff := cmp.Diff(want, lines(result)); diff != "" || len(f.payloads) != 1 {
		t.Errorf("%d invocations, outcomes (-want +got):\n%s", len(f.payloads), diff)
	}
}
