package fanout_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/internal/fanout"
)

// failing fails its attempts with errs in turn, at once, and then succeeds.
func failing(errs ...error) item {
	steps := make([]item, 0, len(errs)+1)
	for _, err := range errs {
		steps = append(steps, fail(0, err))
	}
	return inTurn(append(steps, ok(0, "done"))...)
}

// waitsOf returns the waits between the attempts of an outcome, and checks that
// they are what passed between their starts, for attempts that take no time.
func waitsOf(t *testing.T, o fanout.Outcome[string]) []time.Duration {
	t.Helper()
	var waits []time.Duration
	for i, a := range o.Attempts[1:] {
		before := o.Attempts[i]
		waits = append(waits, before.Wait)
		if got := a.Start.Sub(before.Start); got != before.Wait {
			t.Errorf("attempt %d started %v after the one before, want the wait, %v", i+1, got, before.Wait)
		}
	}
	if last := o.Attempts[len(o.Attempts)-1]; last.Wait != 0 {
		t.Errorf("the last attempt has a wait of %v after it, want none", last.Wait)
	}
	return waits
}

func on(names ...string) fanout.Retrier { return fanout.Retrier{ErrorEquals: names} }

func TestRetriersMeanWhatTheyMeanInTheAmazonStatesLanguage(t *testing.T) {
	t.Parallel()
	const s = time.Second
	a, b, c := named("A"), named("B"), named("C")
	timeout, plain := context.DeadlineExceeded, errors.New("no name")
	for _, test := range []struct {
		name  string
		retry []fanout.Retrier
		errs  []error // of the attempts in turn; then one would succeed
		want  []time.Duration
		fails bool
	}{
		{"no retriers", nil, []error{a}, nil, true},
		{"the defaults", []fanout.Retrier{on("A")}, []error{a, a, a, a}, []time.Duration{1 * s, 2 * s, 4 * s}, true},
		{"success in between", []fanout.Retrier{on("A")}, []error{a, a}, []time.Duration{1 * s, 2 * s}, false},
		{"interval 3, rate 2", []fanout.Retrier{{
			ErrorEquals: []string{"A"}, IntervalSeconds: 3, BackoffRate: 2,
		}}, []error{a, a, a, a}, []time.Duration{3 * s, 6 * s, 12 * s}, true},
		{"interval 3, rate 2, at most 5", []fanout.Retrier{{
			ErrorEquals: []string{"A"}, IntervalSeconds: 3, BackoffRate: 2, MaxDelaySeconds: 5,
		}}, []error{a, a, a, a}, []time.Duration{3 * s, 5 * s, 5 * s}, true},
		{"interval 2, 6 retries, as recommended for Lambda", []fanout.Retrier{{
			ErrorEquals: []string{"A"}, IntervalSeconds: 2, MaxAttempts: new(6), BackoffRate: 2,
		}}, slices.Repeat([]error{a}, 7), []time.Duration{2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 64 * s}, true},
		{"a rate of 1", []fanout.Retrier{{
			ErrorEquals: []string{"A"}, BackoffRate: 1,
		}}, []error{a, a, a}, []time.Duration{1 * s, 1 * s, 1 * s}, false},
		{"fractions", []fanout.Retrier{{
			ErrorEquals: []string{"A"}, IntervalSeconds: 0.25, BackoffRate: 1.5, MaxDelaySeconds: 0.5, JitterStrategy: "NONE",
		}}, []error{a, a, a}, []time.Duration{250 * time.Millisecond, 375 * time.Millisecond, 500 * time.Millisecond}, false},
		{"fractions that a float64 falls short of", []fanout.Retrier{{
			ErrorEquals: []string{"A"}, IntervalSeconds: 0.3, BackoffRate: 3,
		}}, []error{a, a, a}, []time.Duration{300 * time.Millisecond, 900 * time.Millisecond, 2700 * time.Millisecond}, false},
		{"a cap below the interval", []fanout.Retrier{{
			ErrorEquals: []string{"A"}, IntervalSeconds: 3, MaxDelaySeconds: 0.001,
		}}, []error{a, a}, []time.Duration{time.Millisecond, time.Millisecond}, false},
		{"never", []fanout.Retrier{{ErrorEquals: []string{"A"}, MaxAttempts: new(0)}}, []error{a}, nil, true},
		{"never, before others", []fanout.Retrier{
			{ErrorEquals: []string{"A"}, MaxAttempts: new(0)}, on(fanout.NameAll),
		}, []error{b, a}, []time.Duration{1 * s}, true},
		{"each retrier with its own count", []fanout.Retrier{ // the example of the documentation
			{ErrorEquals: []string{"A", "B"}, IntervalSeconds: 1, BackoffRate: 2, MaxAttempts: new(2)},
			{ErrorEquals: []string{"C"}, IntervalSeconds: 5},
		}, []error{a, b, c, b}, []time.Duration{1 * s, 2 * s, 5 * s}, true},
		{"scanned in order", []fanout.Retrier{
			{ErrorEquals: []string{"B"}, IntervalSeconds: 7}, {ErrorEquals: []string{"A", "B"}, IntervalSeconds: 3},
		}, []error{a, b}, []time.Duration{3 * s, 7 * s}, false},
		{"used up, those after it are not asked", []fanout.Retrier{
			{ErrorEquals: []string{"A"}, MaxAttempts: new(1)}, on(fanout.NameAll),
		}, []error{a, a}, []time.Duration{1 * s}, true},
		{"another name", []fanout.Retrier{on("A")}, []error{b}, nil, true},
		{"no part of a name", []fanout.Retrier{on("A.B")}, []error{a}, nil, true},
		{"States.ALL is every error", []fanout.Retrier{on(fanout.NameAll)}, []error{a, plain, timeout}, []time.Duration{1 * s, 2 * s, 4 * s}, false},
		{"States.TaskFailed is every error", []fanout.Retrier{on(fanout.NameTaskFailed)}, []error{a, plain}, []time.Duration{1 * s, 2 * s}, false},
		{"States.TaskFailed is no timeout", []fanout.Retrier{on(fanout.NameTaskFailed)}, []error{timeout}, nil, true},
		{"States.Timeout is a timeout", []fanout.Retrier{on(fanout.NameTimeout)}, []error{timeout}, []time.Duration{1 * s}, false},
		{"States.Timeout is nothing else", []fanout.Retrier{on(fanout.NameTimeout)}, []error{plain}, nil, true},
		{"no wildcard is States.DataLimitExceeded", []fanout.Retrier{
			on(fanout.NameTaskFailed), on(fanout.NameAll),
		}, []error{named(fanout.NameDataLimitExceeded)}, nil, true},
		{"States.DataLimitExceeded by its name", []fanout.Retrier{
			on(fanout.NameTaskFailed), {ErrorEquals: []string{"A", fanout.NameDataLimitExceeded}, IntervalSeconds: 3}, on(fanout.NameAll),
		}, []error{named(fanout.NameDataLimitExceeded), a}, []time.Duration{3 * s, 1 * s}, false},
		{"States.Runtime is never retried", []fanout.Retrier{
			on(fanout.NameRuntime), on(fanout.NameTaskFailed), on(fanout.NameAll),
		}, []error{named(fanout.NameRuntime)}, nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				// Twice the same item: neither uses up the other's retries.
				outcomes, _ := fanout.Map(t.Context(), fanout.Policy{Retry: test.retry},
					slices.Repeat([]item{failing(test.errs...)}, 2), play)
				for i, o := range outcomes {
					if diff := cmp.Diff(test.want, waitsOf(t, o)); diff != "" {
						t.Errorf("item %d: waits after %v (-want +got):\n%s", i, test.errs, diff)
					}
					if fails := o.Status != fanout.Succeeded; fails != test.fails {
						t.Errorf("item %d: %s (%v), want a failure: %t", i, o.Status, o.Err, test.fails)
					}
				}
			})
		})
	}
}

func TestAWaitThatTheOtherSideAskedForIsHonouredWhenItIsLonger(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for _, test := range []struct {
		name    string
		asked   time.Duration
		retrier fanout.Retrier
		want    time.Duration
	}{
		{"longer", 4 * s, on("A"), 4 * s},
		{"shorter", s / 2, on("A"), s},
		{"longer than the cap", 4 * s, fanout.Retrier{ErrorEquals: []string{"A"}, MaxDelaySeconds: 0.5}, 4 * s},
		{"longer than the jitter", 4 * s, fanout.Retrier{ErrorEquals: []string{"A"}, JitterStrategy: "FULL"}, 4 * s},
		{"5 s longer", 6 * s, on("A"), 6 * s},
		{"more than 5 s longer", 6*s + 1, on("A"), 6 * s},
		{"more than 5 s longer than the cap", time.Hour, fanout.Retrier{ErrorEquals: []string{"A"}, MaxDelaySeconds: 0.5}, 5500 * time.Millisecond},
		{"none", 0, on("A"), s},
		{"less than none", -s, on("A"), s},
		{"longer than any", math.MaxInt64, on("A"), 6 * s},
		{"a schedule longer than any", 0, fanout.Retrier{ErrorEquals: []string{"A"}, IntervalSeconds: 1e300}, math.MaxInt64 / 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				outcomes, _ := fanout.Map(t.Context(), fanout.Policy{Retry: []fanout.Retrier{test.retrier}},
					[]item{failing(fmt.Errorf("call: %w", asking{"A", test.asked}))}, play)
				if diff := cmp.Diff([]time.Duration{test.want}, waitsOf(t, outcomes[0])); diff != "" {
					t.Errorf("waits (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestAskingForAWaitIsNoRetrier(t *testing.T) {
	t.Parallel()
	outcomes, _ := fanout.Map(t.Context(), fanout.Policy{Retry: []fanout.Retrier{on("B")}},
		[]item{failing(asking{"A", time.Nanosecond})}, play)
	if got := outcomes[0]; got.Status != fanout.Failed || len(got.Attempts) != 1 {
		t.Errorf("%s after %d attempts, want FAILED after 1", got.Status, len(got.Attempts))
	}
}

func TestNoRetryIsStartedThatCannotStartBeforeTheDeadline(t *testing.T) {
	t.Parallel()
	const first = 3 * time.Second // when the first attempt fails; the retry would be a second later
	for _, test := range []struct {
		name     string
		deadline time.Duration
		error    error
		want     string
		after    time.Duration
	}{
		{"at the deadline", 4 * time.Second, named("A"), `FAILED (error A) [0s-3s A]`, first},
		{"1 ns after it", 4*time.Second - 1, named("A"), `FAILED (error A) [0s-3s A]`, first},
		{"1 ns before it", 4*time.Second + 1, named("A"), `SUCCEEDED "done" [0s-3s A, wait 1s] [4s-4s]`, 4 * time.Second},
		{"long after it", 4 * time.Second, asking{"A", time.Hour}, `FAILED (error A) [0s-3s A]`, first},
		{"when the other side asks to wait past it", 6 * time.Second, asking{"A", time.Hour}, `SUCCEEDED "done" [0s-3s A, wait 1.5s] [4.5s-4.5s]`, 4500 * time.Millisecond},
		{"when it asks to wait until it", 6 * time.Second, asking{"A", 3 * time.Second}, `SUCCEEDED "done" [0s-3s A, wait 1.5s] [4.5s-4.5s]`, 4500 * time.Millisecond},
		{"when it asks to wait until 1 ns before it", 6*time.Second + 1, asking{"A", 3 * time.Second}, `SUCCEEDED "done" [0s-3s A, wait 3s] [6s-6s]`, 6 * time.Second},
		{"when half of what is left is less than the retrier's own wait", 4500 * time.Millisecond, asking{"A", time.Hour}, `SUCCEEDED "done" [0s-3s A, wait 1s] [4s-4s]`, 4 * time.Second},
		{
			"after an error that is a timeout", 4 * time.Second, context.DeadlineExceeded,
			`TIMED_OUT (context deadline exceeded) [0s-3s States.Timeout]`, first,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), test.deadline)
				defer cancel()
				start := time.Now()
				outcomes, _ := fanout.Map(ctx, fanout.Policy{Retry: always(3)},
					[]item{inTurn(fail(first, test.error), ok(0, "done"))}, play)
				if got := time.Since(start); got != test.after {
					t.Errorf("Map returned after %v, want %v", got, test.after)
				}
				checkOutcomes(t, start, outcomes, test.want)
			})
		})
	}
}

func TestFullJitterIsAWaitFromZeroToTheComputedOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		retrier := fanout.Retrier{
			ErrorEquals:     []string{"A"},
			IntervalSeconds: rapid.Float64Range(1e-9, 1e4).Draw(t, "interval"),
			BackoffRate:     rapid.Float64Range(1, 10).Draw(t, "rate"),
			MaxAttempts:     new(rapid.IntRange(1, 5).Draw(t, "retries")),
			MaxDelaySeconds: rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(1e-9, 1e4)).Draw(t, "cap"),
		}
		waits := func(strategy string) (waits []time.Duration) {
			retrier.JitterStrategy = strategy
			rapid.SyncTest(t, func(t *rapid.T) {
				outcomes, _ := fanout.Map(t.Context(), fanout.Policy{Retry: []fanout.Retrier{retrier}},
					[]item{fail(0, named("A"))}, play)
				for _, a := range outcomes[0].Attempts[:*retrier.MaxAttempts] {
					waits = append(waits, a.Wait)
				}
			})
			return waits
		}
		full := waits("FULL")
		for i, computed := range waits("NONE") {
			if full[i] < 0 || full[i] > computed {
				t.Errorf("wait %d = %v, want one from 0 to %v", i+1, full[i], computed)
			}
		}
	})
}

// Of a thousand waits, about a tenth lies in each tenth.
func TestFullJitterIsDrawnEvenly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		policy := fanout.Policy{Retry: []fanout.Retrier{{ErrorEquals: []string{"A"}, JitterStrategy: "FULL", MaxAttempts: new(1)}}}
		outcomes, _ := fanout.Map(t.Context(), policy, slices.Repeat([]item{fail(0, named("A"))}, 1000), play)
		var tenths [10]int
		for _, o := range outcomes {
			tenths[min(9, int(o.Attempts[0].Wait/(100*time.Millisecond)))]++
		}
		for i, count := range tenths { // 40 is more than six standard deviations away
			if count < 40 || count > 160 {
				t.Errorf("%d of 1000 waits in tenth %d of a second, want about 100", count, i)
			}
		}
	})
}

// Retries tells which names of errors Map would try again.
func TestRetriesReportsWhetherARetrierApplies(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		retry []fanout.Retrier
		of    string
		want  bool
	}{
		{"no retriers", nil, "A", false},
		{"one of the names", []fanout.Retrier{on("A", "B"), on("C")}, "B", true},
		{"a later retrier", []fanout.Retrier{on("A"), on("B")}, "B", true},
		{"none of the names", []fanout.Retrier{on("A"), on("B")}, "C", false},
		{"every error", []fanout.Retrier{on(fanout.NameAll)}, "C", true},
		{"any but a timeout", []fanout.Retrier{on(fanout.NameTaskFailed)}, "C", true},
		{"a timeout", []fanout.Retrier{on(fanout.NameTaskFailed)}, fanout.NameTimeout, false},
		{"a panic", []fanout.Retrier{on(fanout.NameAll)}, fanout.NameRuntime, false},
	} {
		if got := (fanout.Policy{Retry: test.retry}).Retries(test.of); got != test.want {
			t.Errorf("%s: Retries(%s) = %t, want %t", test.name, test.of, got, test.want)
		}
	}
}
