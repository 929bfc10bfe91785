package fanout_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/fanout"
)

// panicOf returns what f panics with, as text, and "" when it does not.
func panicOf(f func()) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprint(v)
		}
	}()
	f()
	return ""
}

func TestEachYieldsAsTheySettle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		outcomes, verdict := fanout.Each(ctx, fanout.Policy{MaxConcurrency: 5, Retry: always(1)}, []item{
			ok(3*time.Second, "a"),
			inTurn(fail(0, named("A")), fail(time.Second, named("B"))),
			ok(time.Second, "c"),
			hang,
			ignoring(6*time.Second, "e"),
			ignoring(5050*time.Millisecond, "f"), // in the slot of 1, as it waits
			endLate(20*time.Millisecond, named("C")),
			endLate(30*time.Millisecond, skipping(true)),
			hang,
			hang,
		}, play)
		var got []string
		for i, o := range outcomes {
			got = append(got, fmt.Sprintf("%v: %d %s", time.Since(start), i, show(start, o)))
			if v := verdict(); v.Status != "" || v.Err != nil {
				t.Errorf("verdict inside the loop = %v, want the zero Verdict", v)
			}
		}
		if diff := cmp.Diff([]string{
			`1s: 2 SUCCEEDED "c" [0s-1s]`,
			`2s: 1 FAILED (error B) [0s-0s A, wait 1s] [1s-2s B]`,
			`3s: 0 SUCCEEDED "a" [0s-3s]`,
			`5s: 8 NOT_STARTED (context deadline exceeded)`,
			`5s: 9 NOT_STARTED (context deadline exceeded)`,
			`5s: 3 TIMED_OUT (context deadline exceeded) [0s-5s States.Timeout]`,
			`5.02s: 6 TIMED_OUT (context deadline exceeded; last error: error C) [2s-5.02s C]`,
			`5.03s: 7 SKIPPED (nothing to do here) [3s-5.03s]`,
			`5.05s: 5 SUCCEEDED "f" [0s-5.05s]`,
			`5.1s: 4 TIMED_OUT (context deadline exceeded) [0s-5.1s States.Timeout, abandoned]`,
		}, got); diff != "" {
			t.Errorf("yielded (-want +got):\n%s", diff)
		}
		if got, want := showVerdict(verdict()), "FAILED (1 of 10 failed, 0 tolerated)"; got != want {
			t.Errorf("verdict = %s, want %s", got, want)
		}
		time.Sleep(time.Hour)
	})
}

func TestNoAttemptStartsWhileTheLoopsBodyRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var g gauge
		items := slices.Repeat([]item{g.watch(ok(time.Second, ""))}, 4)
		outcomes, _ := fanout.Each(t.Context(), fanout.Policy{MaxConcurrency: 2}, items, play)
		var got []string
		for i, o := range outcomes {
			synctest.Wait() // for what has been started to begin
			_, _, before := g.read()
			time.Sleep(10 * time.Second)
			if _, _, after := g.read(); after != before {
				t.Errorf("%d attempts started while the loop's body ran, want none", after-before)
			}
			got = append(got, fmt.Sprint(i, " ", show(start, o)))
		}
		slices.Sort(got)
		// The second of a pair had ended long before it was looked at.
		if diff := cmp.Diff([]string{
			"0 SUCCEEDED [0s-1s]", "1 SUCCEEDED [0s-1s]", "2 SUCCEEDED [11s-12s]", "3 SUCCEEDED [21s-22s]",
		}, got); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
	})
}

func TestLeavingTheLoopEarlyAbortsWhatIsRunning(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		running item
		after   time.Duration
	}{
		{"that heeds its context", hang, time.Second},
		{"that takes its time", endLate(30*time.Millisecond, named("A")), 1030 * time.Millisecond},
		{"that ignores its context", ignoring(time.Hour, ""), 1100 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var g gauge
				start := time.Now()
				items := []item{
					g.watch(fail(0, named("A"))), // waits
					g.watch(ok(time.Second, "")),
					g.watch(test.running),
					g.watch(hang), // not started
				}
				outcomes, verdict := fanout.Each(t.Context(), fanout.Policy{
					MaxConcurrency: 2, Retry: []fanout.Retrier{{ErrorEquals: []string{"A"}, IntervalSeconds: 60}},
				}, items, play)
				yielded := 0
				for range outcomes {
					yielded++
					break
				}
				if got := time.Since(start); got != test.after || yielded != 1 {
					t.Errorf("the loop was over after %v and %d outcomes, want %v and 1", got, yielded, test.after)
				}
				if _, _, starts := g.read(); starts != 3 {
					t.Errorf("%d attempts started, want 3", starts)
				}
				if got, want := showVerdict(verdict()), "ABORTED (the loop over the outcomes was left)"; got != want {
					t.Errorf("verdict = %s, want %s", got, want)
				}
				time.Sleep(2 * time.Hour)
			})
		})
	}
}

// When several settle at once, what comes after the one that was left at is not
// yielded any more.
func TestLeavingTheLoopAtTheFirstOfMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		outcomes, verdict := fanout.Each(ctx, fanout.Policy{}, slices.Repeat([]item{hang}, 9), play)
		yielded := 0
		for range outcomes {
			yielded++
			break
		}
		if yielded != 1 || verdict().Status != fanout.Aborted {
			t.Errorf("%d yielded, verdict %s, want 1, ABORTED", yielded, showVerdict(verdict()))
		}
	})
}

// The run had ended before, so the end stays what it was, and grace with it.
func TestLeavingTheLoopAfterTheContextsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		outcomes, verdict := fanout.Each(ctx, fanout.Policy{MaxConcurrency: 1}, []item{ignoring(time.Hour, ""), hang}, play)
		for range outcomes {
			time.Sleep(50 * time.Millisecond)
			break
		}
		if got, want := time.Since(start), 1100*time.Millisecond; got != want {
			t.Errorf("the loop was over after %v, want %v", got, want)
		}
		if got, want := showVerdict(verdict()), "TIMED_OUT (context deadline exceeded)"; got != want {
			t.Errorf("verdict = %s, want %s", got, want)
		}
		time.Sleep(time.Hour)
	})
}

func TestLeavingTheLoopAtTheLastItemChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		outcomes, verdict := fanout.Each(t.Context(), fanout.Policy{}, []item{ok(0, "a"), ok(time.Second, "b")}, play)
		for i := range outcomes {
			if i == 1 {
				break
			}
		}
		if got := showVerdict(verdict()); got != "SUCCEEDED" {
			t.Errorf("verdict = %s, want SUCCEEDED", got)
		}
	})
}

// The panic is passed on at once; running attempts are cancelled.
func TestAPanicInTheLoopsBodyAbortsTooButWaitsForNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g gauge
		start := time.Now()
		outcomes, verdict := fanout.Each(t.Context(), fanout.Policy{Timeout: time.Minute}, []item{
			g.watch(ok(time.Second, "a")), g.watch(hang), g.watch(ignoring(time.Hour, "")),
		}, play)
		got := panicOf(func() {
			for range outcomes {
				panic("in the body")
			}
		})
		if after := time.Since(start); got != "in the body" || after != time.Second {
			t.Errorf("panic %q after %v, want %q after 1s", got, after, "in the body")
		}
		if v := verdict(); v.Status != "" || v.Err != nil {
			t.Errorf("verdict = %v, want the zero Verdict", v)
		}
		synctest.Wait()
		if running, _, _ := g.read(); running != 1 {
			t.Errorf("%d attempts still running, want the one that ignores its context", running)
		}
		time.Sleep(time.Hour)
	})
}

func TestTheSequenceCanBeRangedOverOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1} {
		outcomes, _ := fanout.Each(t.Context(), fanout.Policy{}, make([]int, n), noWork)
		for range outcomes {
			continue // to the end
		}
		got := panicOf(func() {
			for range outcomes {
				t.Error("yielded a second time")
			}
		})
		if want := "fanout: the sequence of Each was ranged over twice"; got != want {
			t.Errorf("%d items: panic %q, want %q", n, got, want)
		}
	}
}

// A sequence starts nothing before it is ranged over.
func TestEachStartsNothingBeforeTheLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g gauge
		_, verdict := fanout.Each(t.Context(), fanout.Policy{}, []item{g.watch(hang)}, play)
		time.Sleep(time.Hour)
		if _, _, starts := g.read(); starts != 0 || verdict().Status != "" {
			t.Errorf("%d attempts started, verdict %v, want none and the zero Verdict", starts, verdict())
		}
	})
}

// A slow context has a Done that takes long, as the loop itself does on a small share of
// a CPU.
type slowContext struct{ context.Context }

func (c slowContext) Done() <-chan struct{} {
	time.Sleep(13 * time.Millisecond)
	return c.Context.Done()
}

// What becomes due after the loop has looked for what may start, and before it
// waits, does not have to wait for something else to happen.
func TestTimeThatPassesBeforeTheLoopWaitsIsNotMissed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		policy fanout.Policy
		items  int
		do     func(ctx context.Context, at time.Duration) error
	}{
		{
			"the rest of a lane",
			fanout.Policy{Adaptation: fanout.Adaptation{ErrorEquals: []string{"Throttled"}}},
			40,
			func(context.Context, time.Duration) error { return throttleError{} },
		},
		{
			"a hedge",
			fanout.Policy{Hedge: fanout.Hedge{After: 10 * time.Millisecond, MaxExtraPercentage: 100}},
			1,
			func(ctx context.Context, at time.Duration) error {
				if at == 0 {
					return sleep(ctx, time.Hour)
				}
				return nil
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				begin := time.Now()
				var first atomic.Pointer[time.Time]
				fanout.Map(slowContext{ctx}, tt.policy, make([]int, tt.items), func(ctx context.Context, _ int, _ []fanout.Attempt) (int, error) {
					now := time.Now()
					first.CompareAndSwap(nil, &now)
					return 0, tt.do(ctx, now.Sub(*first.Load()))
				})
				if took := time.Since(begin); took > time.Minute {
					t.Errorf("took %v, want less than a minute", took)
				}
			})
		})
	}
}

// Attempts that have started and do not run yet hold memory for nothing.
func TestTheFirstAttemptsRunBeforeTheLastStart(t *testing.T) {
	t.Parallel()
	const items = 10_000
	started, startedBefore := 0, 0
	seq, verdict := fanout.Watch(t.Context(), fanout.Policy{}, make([]int, items),
		func(context.Context, int, []fanout.Attempt) (int, error) { return 0, nil },
		func(e fanout.Event[int]) {
			if !e.Ended {
				started++
			} else if startedBefore == 0 {
				startedBefore = started
			}
		})
	for range seq {
		continue // the events count
	}
	if v := verdict(); v.Status != fanout.Succeeded || started != items || startedBefore == items {
		t.Errorf("%d of %d attempts had started when the first ended: %+v", startedBefore, started, v)
	}
}
