package fanout_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/fanout"
)

// A cutShortError is one that says whether the run's time was over.
type cutShortError bool

func (cutShortError) Error() string { return "the time was over" }

func (cutShortError) ErrorName() string { return fanout.NameTimeout }

func (c cutShortError) Interrupted() bool { return bool(c) }

func TestAnItemThatTheRunsEndCutIsNoFailure(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		cut       bool
		tolerance fanout.Tolerance
		want      fanout.Status
		attempts  int
	}{
		{"cut", true, fanout.Tolerance{}, fanout.TimedOut, 1},
		{"cut, and so much is tolerated", true, fanout.Tolerance{FailureCount: new(1)}, fanout.Succeeded, 1},
		{"not cut: it has timed out by itself, and is retried", false, fanout.Tolerance{}, fanout.Failed, 1 + 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			retry := []fanout.Retrier{{ErrorEquals: []string{fanout.NameAll}, IntervalSeconds: 1e-9, MaxAttempts: new(2)}}
			outcomes, verdict := fanout.Map(t.Context(), fanout.Policy{Retry: retry, Tolerance: tt.tolerance}, []error{nil, cutShortError(tt.cut)},
				func(_ context.Context, err error, _ []fanout.Attempt) (int, error) { return 0, err })
			got := []fanout.Status{outcomes[0].Status, outcomes[1].Status, verdict.Status}
			if diff := cmp.Diff([]fanout.Status{fanout.Succeeded, fanout.TimedOut, tt.want}, got); diff != "" {
				t.Errorf("statuses (-want +got):\n%s", diff)
			}
			if n := len(outcomes[1].Attempts); n != tt.attempts {
				t.Errorf("%d attempts, want %d", n, tt.attempts)
			}
			if tt.want == fanout.TimedOut && !errors.Is(verdict.Err, cutShortError(true)) {
				t.Errorf("verdict = %v, want %v", verdict.Err, cutShortError(true))
			}
		})
	}
}

// A finalError is an error that no retrier applies to.
type finalError struct{}

func (finalError) Error() string { return "it may have been done" }

func (finalError) Final() bool { return true }

func TestNoRetrierAppliesToWhatIsFinal(t *testing.T) {
	t.Parallel()
	retry := []fanout.Retrier{{ErrorEquals: []string{fanout.NameAll}, IntervalSeconds: 1e-9}}
	outcomes, _ := fanout.Map(t.Context(), fanout.Policy{Retry: retry}, []int{0},
		func(context.Context, int, []fanout.Attempt) (int, error) { return 0, finalError{} })
	if o := outcomes[0]; o.Status != fanout.Failed || len(o.Attempts) != 1 || o.Attempts[0].Name != fanout.NameTaskFailed {
		t.Errorf("%s after %d attempts, want FAILED after 1", o.Status, len(o.Attempts))
	}
}
