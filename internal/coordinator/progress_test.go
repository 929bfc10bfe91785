package coordinator_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/coordinator"
	"meridian/pkg/protocol"
)

// targetStatuses returns what became of a Region's targets, with the errors of those
// that have one and the number of their attempts.
func targetStatuses(r protocol.RegionOutcome) (all []string) {
	for _, t := range r.Targets {
		is := fmt.Sprintf("%s %s %s %d", t.Target, t.Status, t.Error, len(t.Attempts))
		all = append(all, strings.Join(strings.Fields(is), " "))
	}
	return all
}

// Each of two invocations beside each other does what the other one cannot.
func TestATargetThatOneOfTwoHedgedInvocationsHasDoneIsDone(t *testing.T) {
	t.Parallel()
	var s3, sqs atomic.Int32
	halves := func(ctx context.Context, target string) error {
		_ = slowly(2*time.Second)(ctx, target)
		if target == "s3" && s3.Add(1) > 1 || target == "sqs" && sqs.Add(1) < 2 {
			return named("Test.Half")
		}
		return nil
	}
	w := world{"us-east-1": {target: halves}}
	w.idempotent(true)
	got, took := run(t, w, protocol.Request{
		Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets("s3", "sqs"),
		Hedge: &protocol.Hedge{AfterSeconds: 1, MaxExtraPercentage: 100},
	}, 0)
	want := []string{"s3 SUCCEEDED 2", "sqs SUCCEEDED 2"}
	if diff := cmp.Diff(want, targetStatuses(got.Regions[0])); diff != "" || statuses(got) != "SUCCEEDED: SUCCEEDED" {
		t.Errorf("Run = %s, targets (-want +got):\n%s", statuses(got), diff)
	}
	for _, target := range got.Regions[0].Targets {
		if target.Output == nil {
			t.Errorf("%s has no output", target.Target)
		}
	}
	if s := got.Summary; s.Hedges != 1 || s.Retries != 0 || s.TargetAttempts != 4 || s.TargetRetries != 0 {
		t.Errorf("Summary = %+v, want 1 hedge, 4 attempts of targets and no retries", s)
	}
	if took != 3*time.Second || s3.Load() != 2 || sqs.Load() != 2 {
		t.Errorf("Run took %v and worked on s3 %d times, on sqs %d times; want 3s, 2 and 2", took, s3.Load(), sqs.Load())
	}
}

// The run's time is over before a retry comes to it.
func TestATargetThatWasTriedIsNotOneWhoseTurnNeverCame(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	act := func(ctx context.Context, target string) error {
		if calls.Add(1) <= 2 {
			return named("Test.Broken")
		}
		return slowly(time.Hour)(ctx, target)
	}
	got, _ := run(t, world{"us-east-1": {target: act}}, protocol.Request{
		Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets("s3", "sqs"), TargetMaxConcurrency: 1, TimeoutSeconds: 10,
		Retry: []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorAll}}},
	}, 0)
	want := []string{"s3 TIMED_OUT States.Timeout 2", "sqs FAILED Test.Broken 1"}
	if diff := cmp.Diff(want, targetStatuses(got.Regions[0])); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
}

// Without a number of its own a run has as many in flight as there are, and those
// beside them.
func TestTheOnlyInvocationOfARunIsHedged(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	act := func(ctx context.Context, target string) error {
		if calls.Add(1) == 1 {
			return slowly(time.Hour)(ctx, target)
		}
		return nil
	}
	for _, tt := range []struct {
		maxConcurrency int
		want           time.Duration
	}{{0, time.Second}, {2, time.Second}, {1, 60 * time.Second}} {
		calls.Store(0)
		w := world{"us-east-1": {target: act}}
		w.idempotent(true)
		_, took := run(t, w, protocol.Request{
			Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets("s3"), MaxConcurrency: tt.maxConcurrency,
			RegionTimeoutSeconds: 61, Hedge: &protocol.Hedge{AfterSeconds: 1, MaxExtraPercentage: 100},
		}, 0)
		if took != tt.want {
			t.Errorf("maxConcurrency %d: Run took %v, want %v", tt.maxConcurrency, took, tt.want)
		}
	}
}

// "*" stands for hundreds of targets, which count like those that are named.
func TestNoRegionHasMoreThanTenThousandTargets(t *testing.T) {
	t.Parallel()
	r := protocol.Request{Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets(protocol.EveryService)}
	for len(r.Targets) < protocol.MaxTargets {
		r.Targets = append(r.Targets, protocol.Target{Name: fmt.Sprintf("target-%d", len(r.Targets))})
	}
	c := &coordinator.Coordinator{Tasks: world{}.tasks(), Invoker: invokerFunc(nil)}
	_, err := c.Run(t.Context(), r)
	if err == nil || !strings.Contains(err.Error(), `targets: with every service in the place of "*" a Region has 10`) {
		t.Errorf("Run of %d targets, one of which is *, = %v; want it refused", len(r.Targets), err)
	}
}
