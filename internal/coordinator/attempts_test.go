package coordinator_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/internal/invoke"
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

// ruin is a function that fails in many ways. It counts how often it may have run for each
// target, and how often it got no target.
type ruin struct {
	ways []int // of its invocations, in turn

	mu   sync.Mutex
	next int
	ran  map[string]int
	none int
}

// answer is what the function does.
func (f *ruin) answer(ctx context.Context, payload string) (string, error) {
	of := ask(payload)
	if of.Target != "" {
		of.Targets = append(of.Targets, asked{Target: of.Target})
	}
	f.mu.Lock()
	way := f.ways[f.next%len(f.ways)]
	f.next++
	if len(of.Targets) == 0 {
		f.none++
	}
	refused := way%8 == 0
	var failures []string
	for i, t := range of.Targets {
		if !refused {
			f.ran[of.Region+t.Target]++
		}
		if way>>i&1 == 1 {
			failures = append(failures, fmt.Sprintf(`{"target":%q,"error":%q}`, t.Target, []string{"A", "B"}[way%2]))
		}
	}
	f.mu.Unlock()
	if refused {
		return "", &invoke.Error{Name: protocol.ErrorLambdaThrottled, Message: "too many"}
	}
	select {
	case <-time.After(time.Duration(way*37%8000) * time.Millisecond):
	case <-ignored(way%7 == 0, ctx.Done()):
		return "", ctx.Err()
	}
	switch way % 8 {
	case 1:
		return "", functionError("A")
	case 2:
		return `not JSON`, nil
	case 3:
		return "", &invoke.Error{Name: protocol.ErrorLambdaSDKClient, Message: "lost", Sent: true}
	}
	return `{"failures":[` + strings.Join(failures, ",") + `]}`, nil
}

// ignored returns c, or a channel from which nothing comes.
func ignored(ignore bool, c <-chan struct{}) <-chan struct{} {
	if ignore {
		return nil
	}
	return c
}

// Whatever fails, work that may not be done twice is not done twice, no batch is empty, and a
// target has an attempt for each time that the function may have run for it.
func TestWorkIsRepeatedOnlyIfItMayBe(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		r := protocol.Request{
			Worker: &protocol.Worker{Function: "f", Idempotent: rapid.Bool().Draw(rt, "idempotent")}, Regions: []string{"eu-west-1", "us-east-1"},
			Targets:                 protocol.Targets("a", "b", "c"),
			MaxTargetsPerInvocation: rapid.IntRange(1, 3).Draw(rt, "batch"), TimeoutSeconds: rapid.SampledFrom([]float64{0, 12}).Draw(rt, "timeout"),
			TargetTimeoutSeconds: rapid.SampledFrom([]float64{0, 5}).Draw(rt, "target timeout"), FailFast: rapid.Bool().Draw(rt, "fail fast"),
			TargetRetry: []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorAll}, MaxAttempts: new(2)}},
		}
		if r.Worker.Idempotent {
			r.TargetRetry[0].ErrorEquals = rapid.SampledFrom([][]string{{"A"}, {protocol.ErrorAll}}).Draw(rt, "errors")
			r.Hedge = &protocol.Hedge{AfterSeconds: 1, MaxExtraPercentage: 100}
		}
		f := &ruin{ways: rapid.SliceOfN(rapid.IntRange(0, 1000), 1, 12).Draw(rt, "ways"), ran: map[string]int{}}
		result := (&callers{answer: f.answer}).employ(t, r)
		for _, region := range result.Regions {
			for _, o := range region.Targets {
				if ran := f.ran[region.Region+o.Target]; ran > 1 && !r.Worker.Idempotent || ran > len(o.Attempts) {
					rt.Errorf("%s in %s has %d attempts, and was run %d times", o.Target, region.Region, len(o.Attempts), ran)
				}
			}
		}
		if f.none > 0 {
			rt.Errorf("%d invocations had no targets", f.none)
		}
	})
}
