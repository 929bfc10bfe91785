package fanout_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/fanout"
)

// told is an error that answers everything that the engine asks.
type told struct {
	skip, final, interrupted bool
	wait                     time.Duration
}

func (told) Error() string               { return "long" }
func (told) ErrorName() string           { return "Name" }
func (t told) RetryAfter() time.Duration { return t.wait }
func (t told) Final() bool               { return t.final }
func (t told) Interrupted() bool         { return t.interrupted }
func (t told) Skip() bool                { return t.skip }

func TestRestateSaysTheSameToTheEngine(t *testing.T) {
	t.Parallel()
	for _, err := range []told{{}, {skip: true}, {final: true}, {interrupted: true}, {wait: 3 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			policy := fanout.Policy{Retry: []fanout.Retrier{{ErrorEquals: []string{"Name"}, MaxAttempts: new(1)}}}
			run := func(err error) (fanout.Outcome[int], time.Duration) {
				begin := time.Now()
				outcomes, _ := fanout.Map(t.Context(), policy, []int{0}, func(context.Context, int, []fanout.Attempt) (int, error) { return 0, err })
				return outcomes[0], time.Since(begin)
			}
			want, took := run(err)
			got, again := run(fanout.Restate(err, "Name", "short"))
			if got.Status != want.Status || len(got.Attempts) != len(want.Attempts) || again != took ||
				got.Attempts[0].Name != want.Attempts[0].Name || got.Err.Error() != "short" {
				t.Errorf("an error %+v: %s after %d attempts and %v (%v); restated %s after %d and %v (%v)",
					err, want.Status, len(want.Attempts), took, want.Err, got.Status, len(got.Attempts), again, got.Err)
			}
		})
	}
	got := fanout.Restate(told{}, "Short", "short")
	if errors.As(got, new(told)) || fanout.ErrorName(got) != "Short" {
		t.Errorf("Restate holds the error, or its name is %q", fanout.ErrorName(got))
	}
}
