package fanout_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/fanout"
)

// Every way for an item to end, in one run that its deadline ends.
func TestExactlyOneOutcomePerItemInTheOrderOfTheItems(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
		defer cancel()
		policy := fanout.Policy{
			MaxConcurrency: 7,
			Timeout:        6 * time.Second,
			Retry:          []fanout.Retrier{{ErrorEquals: []string{"A"}, IntervalSeconds: 1.5}},
		}
		checkMap(ctx, t, policy, []item{
			ok(3*time.Second, "slow"),
			fail(time.Second, named("B")),
			inTurn(fail(time.Second, named("A")), ok(time.Second, "second")),
			hang,
			ignoring(time.Minute, "lost"),
			func(context.Context, []fanout.Attempt) (string, error) { panic("boom") },
			fail(0, skipping(true)),
			inTurn(fail(9*time.Second/2, named("A")), hang), // from 0 s, and from 6 s
			hang,
			hang, // from 1 s
			ok(0, "quick"),
			ignoring(3*time.Second, "unhurried"),
			ignoring(time.Minute, "never"), // from 4 s
			endLate(time.Second/20, named("C")),
			fail(11*time.Second/4, named("A")), // from 4.5 s
			hang,                               // from 6 s
			hang,
			hang,
			hang,
		}, want{
			outcomes: []string{
				`SUCCEEDED "slow" [0s-3s]`,
				`FAILED (error B) [0s-1s B]`,
				`SUCCEEDED "second" [0s-1s A, wait 1.5s] [3s-4s]`,
				`TIMED_OUT (attempt timed out after 6s) [0s-6s States.Timeout]`,
				`TIMED_OUT (attempt timed out after 6s) [0s-6.1s States.Timeout, abandoned]`,
				`FAILED (panic: boom) [0s-0s States.Runtime]`,
				`SKIPPED (nothing to do here) [0s-0s]`,
				`TIMED_OUT (context deadline exceeded; last error: error A) [0s-4.5s A, wait 1.5s] [6s-9s States.Timeout]`,
				`TIMED_OUT (attempt timed out after 6s) [0s-6s States.Timeout]`,
				`TIMED_OUT (attempt timed out after 6s) [1s-7s States.Timeout]`,
				`SUCCEEDED "quick" [1s-1s]`,
				`SUCCEEDED "unhurried" [1s-4s]`,
				`TIMED_OUT (context deadline exceeded) [4s-9.1s States.Timeout, abandoned]`,
				`TIMED_OUT (context deadline exceeded; last error: error C) [4s-9.05s C]`,
				`TIMED_OUT (context deadline exceeded; last error: error A) [4.5s-7.25s A, wait 1.5s]`,
				`TIMED_OUT (context deadline exceeded) [6s-9s States.Timeout]`,
				`TIMED_OUT (context deadline exceeded) [7s-9s States.Timeout]`,
				`TIMED_OUT (context deadline exceeded) [7.25s-9s States.Timeout]`,
				`NOT_STARTED (context deadline exceeded)`,
			},
			verdict: "FAILED (6 of 19 failed, 0 tolerated)",
			after:   9100 * time.Millisecond,
		})
		time.Sleep(time.Hour) // until what ignores its context has ended
	})
}

func TestTheZeroPolicyRunsAllOfThemAtOnceAndTriesEachOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		checkMap(t.Context(), t, fanout.Policy{}, []item{
			ok(time.Hour, "a"), fail(time.Second, named("A")), ok(time.Hour, "c"),
		}, want{
			outcomes: []string{
				`SUCCEEDED "a" [0s-1h0m0s]`,
				`FAILED (error A) [0s-1s A]`,
				`SUCCEEDED "c" [0s-1h0m0s]`,
			},
			verdict: "FAILED (1 of 3 failed, 0 tolerated)",
			after:   time.Hour,
		})
	})
}

func TestNeverMoreThanMaxConcurrencyAttemptsRunning(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		limit, peak int
		after       time.Duration
	}{
		{"one", 1, 1, 20 * time.Second},
		{"two", 2, 2, 10 * time.Second},
		{"not a divisor", 7, 7, 3 * time.Second},
		{"one less than items", 19, 19, 2 * time.Second},
		{"as many as items", 20, 20, time.Second},
		{"more than items", 21, 20, time.Second},
		{"no bound", 0, 20, time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var g gauge
				items := slices.Repeat([]item{g.watch(ok(time.Second, ""))}, 20)
				start := time.Now()
				fanout.Map(t.Context(), fanout.Policy{MaxConcurrency: test.limit}, items, play)
				got := time.Since(start)
				if _, peak, _ := g.read(); peak != test.peak || got != test.after {
					t.Errorf("Map(MaxConcurrency: %d) had at most %d running and took %v, want %d and %v",
						test.limit, peak, got, test.peak, test.after)
				}
			})
		})
	}
}

func TestAWaitBeforeARetryHoldsNoSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		checkMap(t.Context(), t, fanout.Policy{MaxConcurrency: 1, Retry: always(1)}, []item{
			inTurn(fail(time.Second, named("A")), ok(time.Second, "a")),
			ok(500*time.Millisecond, "b"),
		}, want{
			outcomes: []string{
				`SUCCEEDED "a" [0s-1s A, wait 1s] [2s-3s]`,
				`SUCCEEDED "b" [1s-1.5s]`,
			},
			verdict: "SUCCEEDED",
			after:   3 * time.Second,
		})
	})
}

func TestAnAttemptThatIgnoresItsContextHoldsItsSlotUntilItReallyReturns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		policy := fanout.Policy{MaxConcurrency: 1, Timeout: time.Second, Grace: 250 * time.Millisecond}
		checkMap(t.Context(), t, policy, []item{
			ignoring(5*time.Second, "late"),
			ok(time.Second/2, "b"),
		}, want{
			outcomes: []string{
				`TIMED_OUT (attempt timed out after 1s) [0s-1.25s States.Timeout, abandoned]`,
				`SUCCEEDED "b" [5s-5.5s]`,
			},
			verdict: "FAILED (1 of 2 failed, 0 tolerated)",
			after:   5500 * time.Millisecond,
		})
	})
}

// The slots that are free are enough for the retry of an abandoned attempt,
// however few items there are.
func TestARetryNeedNotWaitForTheAbandonedAttemptBeforeIt(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{0, 2} {
		t.Run(fmt.Sprintf("limit %d", limit), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				policy := fanout.Policy{
					MaxConcurrency: limit, Timeout: time.Second, Grace: time.Second / 4, Retry: always(1),
				}
				checkMap(t.Context(), t, policy, []item{
					inTurn(ignoring(time.Hour, "late"), ok(time.Second/2, "second")),
				}, want{
					outcomes: []string{
						`SUCCEEDED "second" [0s-1.25s States.Timeout, abandoned, wait 1s] [2.25s-2.75s]`,
					},
					verdict: "SUCCEEDED",
					after:   2750 * time.Millisecond,
				})
				time.Sleep(time.Hour)
			})
		})
	}
}

// Many more abandoned attempts than items: when they return at last, also after the
// loop has ended, nothing blocks them.
func TestAbandonedAttemptsEndWhenTheyReturn(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{30 * time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			var g gauge
			policy := fanout.Policy{Timeout: time.Second, Grace: time.Second, Retry: []fanout.Retrier{
				{ErrorEquals: []string{fanout.NameTimeout}, BackoffRate: 1, MaxAttempts: new(9)},
			}}
			outcomes, _ := fanout.Map(t.Context(), policy, []item{g.watch(ignoring(after, "")), g.watch(ignoring(after, ""))}, play)
			for _, o := range outcomes {
				if len(o.Attempts) != 10 {
					t.Errorf("%d attempts, want 10", len(o.Attempts))
				}
			}
			time.Sleep(time.Hour)
			if running, _, starts := g.read(); running != 0 || starts != 20 {
				t.Errorf("%d of %d attempts still running, want 0 of 20", running, starts)
			}
		})
	}
}

func TestRetriesGoBeforeFreshItems(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		checkMap(t.Context(), t, fanout.Policy{MaxConcurrency: 2, Retry: always(1)}, []item{
			inTurn(fail(0, named("A")), ok(time.Second, "a")),
			inTurn(fail(0, named("A")), ok(time.Second, "b")),
			ok(time.Second, "c"), // ends at the very time that the waits end
			ok(1500*time.Millisecond, "d"),
			ok(time.Second, "e"),
		}, want{
			outcomes: []string{
				`SUCCEEDED "a" [0s-0s A, wait 1s] [1s-2s]`,
				`SUCCEEDED "b" [0s-0s A, wait 1s] [1.5s-2.5s]`,
				`SUCCEEDED "c" [0s-1s]`,
				`SUCCEEDED "d" [0s-1.5s]`,
				`SUCCEEDED "e" [2s-3s]`,
			},
			verdict: "SUCCEEDED",
			after:   3 * time.Second,
		})
	})
}

// However slow the loop's body is, and so however many attempts have ended when
// the loop goes on: a retry whose time has come is next.
func TestRetriesGoBeforeFreshItemsWhenTheLoopIsLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		items := append([]item{inTurn(fail(0, named("A")), ok(time.Second, "a"))}, slices.Repeat([]item{ok(900*time.Millisecond, "")}, 9)...)
		settled, _ := fanout.Each(t.Context(), fanout.Policy{MaxConcurrency: 2, Retry: always(1)}, items, play)
		outcomes := make([]fanout.Outcome[string], len(items))
		for i, o := range settled {
			outcomes[i] = o
			time.Sleep(1500 * time.Millisecond)
		}
		// Due at 1 s, while the body runs, from 0.9 s to 2.4 s.
		checkOutcomes(t, start, outcomes[:1], `SUCCEEDED "a" [0s-0s A, wait 1s] [2.4s-3.4s]`)
	})
}

// An attempt that ignores its context is given up in time even while others land
// without a pause.
func TestABusyLoopAbandonsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		items := append([]item{ignoring(time.Minute, "")}, slices.Repeat([]item{ok(time.Second/2, "")}, 20)...)
		policy := fanout.Policy{MaxConcurrency: 3, Timeout: 2 * time.Second, Grace: time.Second / 4}
		settled, _ := fanout.Each(t.Context(), policy, items, play)
		for i, o := range settled {
			if i == 0 && o.Started().Add(o.Elapsed).Sub(start) > 4*time.Second {
				t.Errorf("abandoned after %v, want soon after 2.25s", o.Elapsed)
			}
			time.Sleep(600 * time.Millisecond) // another one has ended by then
		}
		time.Sleep(time.Hour)
	})
}

// What has ended in time but is looked at late was in time.
func TestALateLoopAbandonsNothingThatHasEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		settled, verdict := fanout.Each(t.Context(), fanout.Policy{Timeout: time.Second},
			slices.Repeat([]item{ok(time.Second/2, "")}, 3), play)
		for range settled {
			time.Sleep(time.Hour)
		}
		if got := showVerdict(verdict()); got != "SUCCEEDED" {
			t.Errorf("verdict = %s, want SUCCEEDED", got)
		}
	})
}

func TestPriorHasTheAttemptsMadeAtThisItemBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var seen []string
		fanout.Map(t.Context(), fanout.Policy{Retry: always(3)}, []int{7},
			func(_ context.Context, _ int, prior []fanout.Attempt) (int, error) {
				seen = append(seen, show(start, fanout.Outcome[string]{Status: "prior", Attempts: prior}))
				if cap(prior) != len(prior) {
					t.Errorf("prior has room for more: appending to it would write to the outcome")
				}
				time.Sleep(time.Second)
				return 0, named(fmt.Sprint("E", len(prior)))
			})
		if diff := cmp.Diff([]string{
			"prior",
			"prior [0s-1s E0, wait 1s]",
			"prior [0s-1s E0, wait 1s] [2s-3s E1, wait 2s]",
			"prior [0s-1s E0, wait 1s] [2s-3s E1, wait 2s] [5s-6s E2, wait 4s]",
		}, seen); diff != "" {
			t.Errorf("prior attempts (-want +got):\n%s", diff)
		}
	})
}

func TestZeroItems(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		tolerance fanout.Tolerance
		want      string
	}{
		{"nothing asked", fanout.Tolerance{}, "SUCCEEDED"},
		{"none of a hundred", fanout.Tolerance{FailurePercentage: new(0.0)}, "SUCCEEDED"},
		{"one had to succeed", fanout.Tolerance{MinSuccessful: 1}, "FAILED (0 of 0 failed, 0 tolerated, 1 had to succeed)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // nothing was left to do, so this makes no difference
			outcomes, verdict := fanout.Map(ctx, fanout.Policy{Tolerance: test.tolerance}, nil, play)
			if len(outcomes) != 0 || showVerdict(verdict) != test.want {
				t.Errorf("Map(no items) = %v, %s, want none, %s", outcomes, showVerdict(verdict), test.want)
			}
		})
	}
}

// The value says what the last attempt found out, though it failed.
func TestTheValueOfTheLastAttemptIsKeptAlsoBesideAnError(t *testing.T) {
	t.Parallel()
	says := func(value string, err error) item {
		return func(context.Context, []fanout.Attempt) (string, error) { return value, err }
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second/2, errors.New("over"))
		defer cancel()
		checkMap(ctx, t, fanout.Policy{Retry: always(1)}, []item{
			inTurn(says("first", named("A")), says("second", named("B"))),
			inTurn(says("first", named("A")), says("", named("B"))),
			inTurn(says("first", named("A")), hang),
			inTurn(says("first", asking{"A", 1400 * time.Millisecond}), ignoring(time.Hour, "late")),
			says("", skipping(true)),
			says("known", skipping(true)),
		}, want{
			outcomes: []string{
				`FAILED "second" (error B) [0s-0s A, wait 1s] [1s-1s B]`,
				`FAILED (error B) [0s-0s A, wait 1s] [1s-1s B]`,
				`TIMED_OUT (over; last error: error A) [0s-0s A, wait 1s] [1s-1.5s States.Timeout]`,
				`TIMED_OUT (over; last error: error A) [0s-0s A, wait 1.4s] [1.4s-1.6s States.Timeout, abandoned]`,
				`SKIPPED (nothing to do here) [0s-0s]`,
				`SKIPPED "known" (nothing to do here) [0s-0s]`,
			},
			verdict: "FAILED (2 of 6 failed, 0 tolerated)",
			after:   1600 * time.Millisecond,
		})
		time.Sleep(time.Hour)
	})
}
