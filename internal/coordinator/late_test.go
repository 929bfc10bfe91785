package coordinator_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/coordinator"
	"meridian/pkg/protocol"
)

// A run whose function's deadline is past has no time for anything, and is
// accounted for all the same.
func TestARunThatBeginsAfterItsDeadlineGivesACompleteResult(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]time.Duration{"now": 0, "a second ago": time.Second, "long ago": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-late))
				defer cancel()
				w := world{}
				c := &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}
				r := protocol.Request{Task: "act", Regions: []string{"us-east-1", "eu-west-1"}, Targets: protocol.Targets("s3")}
				got, err := c.Run(ctx, r)
				if err != nil {
					t.Fatalf("Run = %v", err)
				}
				assertAccounted(t, r, got)
				if want := "TIMED_OUT: NOT_STARTED NOT_STARTED"; statuses(got) != want || got.Error != protocol.ErrorTimeout || got.Hint != protocol.HintRaiseTimeout {
					t.Errorf("Run = %s, %s, hint %q; want %s, %s, %q", statuses(got), got.Error, got.Hint, want, protocol.ErrorTimeout, protocol.HintRaiseTimeout)
				}
			})
		})
	}
}

// A worker whose function has less time than the run timed out by itself: that is
// a failure like any other, to be retried and counted.
func TestAWorkersOwnDeadlineIsNotTheEndOfTheRun(t *testing.T) {
	t.Parallel()
	w := world{"us-east-1": {target: slowly(time.Hour)}}
	brief := briefly(w.invoker(t))
	for _, tt := range []struct {
		name     string
		retry    []protocol.Retrier
		limit    time.Duration
		want     string
		error    string
		hint     protocol.Hint
		attempts int
		took     time.Duration
	}{
		{
			name: "it is a failure", retry: []protocol.Retrier{}, limit: time.Minute,
			want: "FAILED: TIMED_OUT SUCCEEDED", error: protocol.ErrorExceedToleratedFailureThreshold, attempts: 1, took: 9 * time.Second,
			hint: protocol.HintRaiseWorkerTimeout,
		},
		{
			name: "it is retried", limit: time.Minute,
			retry: []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorTimeout}, MaxAttempts: new(2), BackoffRate: 1}},
			want:  "FAILED: TIMED_OUT SUCCEEDED", error: protocol.ErrorExceedToleratedFailureThreshold, attempts: 3, took: 29 * time.Second,
			hint: protocol.HintRaiseWorkerTimeout,
		},
		{
			name: "unless it is the end of the run too", limit: 10 * time.Second,
			retry: []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorTimeout}}},
			want:  "TIMED_OUT: TIMED_OUT SUCCEEDED", error: protocol.ErrorTimeout, attempts: 1, took: 8100 * time.Millisecond,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.limit)
				defer cancel()
				begin := time.Now()
				c := &coordinator.Coordinator{Invoker: brief, Tasks: w.tasks()}
				got, err := c.Run(ctx, protocol.Request{
					Task: "act", Regions: []string{"us-east-1", "eu-west-1"}, Targets: protocol.Targets("s3"), Retry: tt.retry,
				})
				if took := time.Since(begin); err != nil || statuses(got) != tt.want || got.Error != tt.error || took != tt.took {
					t.Errorf("Run = %s, %s, %v after %v; want %s, %s after %v", statuses(got), got.Error, err, took, tt.want, tt.error, tt.took)
				}
				if n := len(got.Regions[0].Attempts); n != tt.attempts {
					t.Errorf("%d attempts, want %d", n, tt.attempts)
				}
				if hint := got.Regions[0].Hint; hint != tt.hint || got.Regions[1].Hint != "" {
					t.Errorf("hint %q, want %q", hint, tt.hint)
				}
			})
		})
	}
}

// A time that is shorter than the clock's shortest is no time, not time without end.
func TestOnlyZeroMeansNoLimit(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*protocol.Request){
		"timeoutSeconds":       func(r *protocol.Request) { r.TimeoutSeconds = 1e-12 },
		"regionTimeoutSeconds": func(r *protocol.Request) { r.RegionTimeoutSeconds = 1e-12 },
		"targetTimeoutSeconds": func(r *protocol.Request) { r.TargetTimeoutSeconds = 1e-12 },
	} {
		r := protocol.Request{Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets("s3")}
		edit(&r)
		got, took := run(t, world{"us-east-1": {target: slowly(time.Minute)}}, r, 0)
		if got.Status == protocol.StatusSucceeded || took > time.Second {
			t.Errorf("%s of 1e-12: Run = %s after %v, want its end at once", name, got.Status, took)
		}
	}
}

// A budget is never more than a worker accepts, however far away the deadline is.
func TestABudgetIsNeverMoreThanAWorkerAccepts(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	for _, test := range []struct {
		limit, timeout time.Duration
	}{{3 * year, 0}, {46 * year, 0}, {math.MaxInt64, 0}, {46 * year, protocol.MaxSeconds * time.Second}} {
		got, _ := run(t, world{}, protocol.Request{
			Task: "act", Regions: []string{"us-east-1", "eu-west-1"}, Targets: protocol.Targets("s3"), TimeoutSeconds: test.timeout.Seconds(),
		}, test.limit)
		if statuses(got) != "SUCCEEDED: SUCCEEDED SUCCEEDED" {
			t.Errorf("Run of a function with %v left = %s: %s; want SUCCEEDED", test.limit, statuses(got), got.Regions[0].Cause)
		}
	}
}
