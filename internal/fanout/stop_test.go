package fanout_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/fanout"
)

// An ending is a way for a context to end, and what comes of it.
type ending struct {
	name    string
	after   func(context.Context, time.Duration) (context.Context, context.CancelFunc)
	known   bool   // beforehand: a deadline
	status  string // of items cut short, and of the run
	cause   string // in what they say
	attempt string // the name of the error of an attempt that only says ctx.Err()
}

func endings() []ending {
	cancelWith := func(cause error) func(context.Context, time.Duration) (context.Context, context.CancelFunc) {
		return func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(d, func() { cancel(cause) })
			return ctx, func() { cancel(nil) }
		}
	}
	deadlineWith := func(cause error) func(context.Context, time.Duration) (context.Context, context.CancelFunc) {
		return func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(ctx, d, cause)
		}
	}
	const failed, timeout = fanout.NameTaskFailed, fanout.NameTimeout
	return []ending{
		{"cancelled without a cause", cancelWith(nil), false, "ABORTED", "context canceled", failed},
		{"cancelled with a cause", cancelWith(errors.New("stopped by hand")), false, "ABORTED", "stopped by hand", failed},
		{"cancelled for lack of time", cancelWith(&fanout.TimeoutError{What: "patience", After: 1}), false, "TIMED_OUT", "patience timed out after 1ns", failed},
		{"deadline", context.WithTimeout, true, "TIMED_OUT", "context deadline exceeded", timeout},
		{"deadline with a cause", deadlineWith(&fanout.TimeoutError{What: "run", After: 7}), true, "TIMED_OUT", "run timed out after 7ns", timeout},
		{"deadline with a cause that does not say so", deadlineWith(errors.New("out of time")), true, "TIMED_OUT", "out of time", timeout},
	}
}

// Each way for the context to end, at each moment: what was done stays done,
// what was begun is cut short, and what was not begun never is.
func TestTheContextsEndCutsTheRunShort(t *testing.T) {
	t.Parallel()
	for _, end := range endings() {
		for _, moment := range []struct {
			name string
			at   time.Duration
			want func(e ending) want
		}{
			{"before", 0, func(e ending) want {
				none := fmt.Sprintf("NOT_STARTED (%s)", e.cause)
				return want{outcomes: []string{none, none, none, none}}
			}},
			{"during attempts", 1500 * time.Millisecond, func(e ending) want {
				return want{after: 1500 * time.Millisecond, outcomes: []string{
					`SUCCEEDED "a" [0s-1s]`,
					fmt.Sprintf("%s (%s) [0s-1.5s %s]", e.status, e.cause, e.attempt),
					fmt.Sprintf("%s (%s) [1s-1.5s %s]", e.status, e.cause, e.attempt),
					fmt.Sprintf("NOT_STARTED (%s)", e.cause),
				}}
			}},
			{"during a wait between attempts", 2500 * time.Millisecond, func(e ending) want {
				second, verdict := fmt.Sprintf("%s (%s; last error: error A) [0s-2s A, wait 1s]", e.status, e.cause), ""
				if e.known { // there is no such wait
					second, verdict = "FAILED (error A) [0s-2s A]", "FAILED (1 of 4 failed, 0 tolerated)"
				}
				return want{verdict: verdict, after: 2500 * time.Millisecond, outcomes: []string{
					`SUCCEEDED "a" [0s-1s]`,
					second,
					fmt.Sprintf("%s (%s) [1s-2.5s %s]", e.status, e.cause, e.attempt),
					fmt.Sprintf("%s (%s) [2s-2.5s %s]", e.status, e.cause, e.attempt),
				}}
			}},
			{"during a retry that waits for a slot", 3500 * time.Millisecond, func(e ending) want {
				return want{after: 3500 * time.Millisecond, outcomes: []string{
					`SUCCEEDED "a" [0s-1s]`,
					fmt.Sprintf("%s (%s; last error: error A) [0s-2s A, wait 1s]", e.status, e.cause),
					fmt.Sprintf("%s (%s) [1s-3.5s %s]", e.status, e.cause, e.attempt),
					fmt.Sprintf("%s (%s) [2s-3.5s %s]", e.status, e.cause, e.attempt),
				}}
			}},
			{"during a retry", 4500 * time.Millisecond, func(e ending) want {
				return want{after: 4500 * time.Millisecond, outcomes: []string{
					`SUCCEEDED "a" [0s-1s]`,
					fmt.Sprintf("%s (%s; last error: error A) [0s-2s A, wait 1s] [4s-4.5s %s]", e.status, e.cause, e.attempt),
					fmt.Sprintf("%s (%s) [1s-4.5s %s]", e.status, e.cause, e.attempt),
					`SUCCEEDED "d" [2s-4s]`,
				}}
			}},
		} {
			t.Run(end.name+" "+moment.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := end.after(t.Context(), moment.at)
					defer cancel()
					synctest.Wait() // for an end that is due at once
					w := moment.want(end)
					w.verdict = cmp.Or(w.verdict, fmt.Sprintf("%s (%s)", end.status, end.cause))
					checkMap(ctx, t, fanout.Policy{MaxConcurrency: 2, Retry: always(1)}, []item{
						ok(time.Second, "a"),
						inTurn(fail(2*time.Second, named("A")), hang),
						hang,
						ok(2*time.Second, "d"),
					}, w)
				})
			})
		}
	}
}

// A lateContext ends just after it was asked whether it has.
type lateContext struct {
	context.Context
	asked func()
}

func (c lateContext) Err() error {
	err := c.Context.Err()
	c.asked()
	return err
}

// Attempts may have heard of the context's end, and returned, before the loop
// has: that they did not succeed is the end's doing and not their own.
func TestTheContextsEndThatAttemptsHearOfFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		asked := 0
		late := lateContext{ctx, func() {
			if asked++; asked == 3 { // before items start, when a has ended, and before more start
				cancel(errors.New("stopped by hand"))
				synctest.Wait()
			}
		}}
		checkMap(late, t, fanout.Policy{MaxConcurrency: 3}, []item{
			ok(time.Second, "a"), hang, endLate(0, named("A")),
		}, want{
			outcomes: []string{
				`SUCCEEDED "a" [0s-1s]`,
				`ABORTED (stopped by hand) [0s-1s States.TaskFailed]`,
				`ABORTED (stopped by hand; last error: error A) [0s-1s A]`,
			},
			verdict: "ABORTED (stopped by hand)",
			after:   time.Second,
		})
	})
}

// Between two items, with one slot: the first is done, the second never begun.
func TestTheContextsEndBetweenItems(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		checkMap(ctx, t, fanout.Policy{MaxConcurrency: 1}, []item{
			func(context.Context, []fanout.Attempt) (string, error) {
				time.Sleep(time.Second)
				cancel(errors.New("that will do"))
				return "a", nil
			},
			ok(0, "b"),
		}, want{
			outcomes: []string{`SUCCEEDED "a" [0s-1s]`, `NOT_STARTED (that will do)`},
			verdict:  "ABORTED (that will do)",
			after:    time.Second,
		})
	})
}

// An end that comes when everything has settled changes nothing.
func TestTheContextsEndAfterTheLastItem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		checkMap(ctx, t, fanout.Policy{}, []item{
			func(context.Context, []fanout.Attempt) (string, error) { cancel(); return "a", nil },
		}, want{outcomes: []string{`SUCCEEDED "a" [0s-0s]`}, verdict: "SUCCEEDED"})
	})
}

func TestTheCauseIsKeptBesideTheLastRealError(t *testing.T) {
	t.Parallel()
	cause := &fanout.TimeoutError{What: "run", After: time.Second}
	own := asking{named: "A"}
	for _, test := range []struct {
		name string
		item item
		want string
	}{
		{"of the attempt cut short", endLate(0, own), "run timed out after 1s; last error: error A"},
		{"of the attempt before it", inTurn(fail(0, own), hang), "run timed out after 1s; last error: error A"},
		{"wrapped with the cause", inTurn(fail(0, own), func(ctx context.Context, _ []fanout.Attempt) (string, error) {
			<-ctx.Done()
			return "", fmt.Errorf("call: %w, %w", context.Cause(ctx), own)
		}), "call: run timed out after 1s, error A"},
		{"of an attempt that says the cause", inTurn(fail(0, own), func(ctx context.Context, _ []fanout.Attempt) (string, error) {
			<-ctx.Done()
			return "", context.Cause(ctx)
		}), "run timed out after 1s; last error: error A"},
		{"of an attempt that was abandoned", inTurn(fail(0, own), ignoring(time.Hour, "")), "run timed out after 1s; last error: error A"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, cause)
				defer cancel()
				retry := []fanout.Retrier{{ErrorEquals: []string{"A"}, IntervalSeconds: 0.5}}
				outcomes, verdict := fanout.Map(ctx, fanout.Policy{Retry: retry}, []item{test.item}, play)
				err := outcomes[0].Err
				if got := err.Error(); got != test.want {
					t.Errorf("Err = %q, want %q", got, test.want)
				}
				if !errors.Is(err, cause) || !errors.Is(err, own) {
					t.Errorf("Err = %#v, want one that wraps %#v and %#v", err, cause, own)
				}
				if got := fanout.ErrorName(err); got != fanout.NameTimeout {
					t.Errorf("ErrorName(Err) = %s, want that of the cause, %s", got, fanout.NameTimeout)
				}
				if verdict.Err != error(cause) { //nolint:errorlint // this very one is meant
					t.Errorf("verdict.Err = %#v, want the very cause", verdict.Err)
				}
				time.Sleep(time.Hour)
			})
		})
	}
}

func TestMapReturnsWithinGraceOfTheContextsEnd(t *testing.T) {
	t.Parallel()
	const grace = 250 * time.Millisecond
	for _, test := range []struct {
		name  string
		grace time.Duration
		item  item
		want  string
		after time.Duration // the context's end
	}{
		{"at once", grace, endLate(0, named("A")), "ABORTED (context canceled; last error: error A) [0s-1s A]", 0},
		{
			"just in time", grace, endLate(grace-1, named("A")),
			"ABORTED (context canceled; last error: error A) [0s-1.249999999s A]", grace - 1,
		},
		{"a little late", grace, endLate(grace+1, named("A")), "ABORTED (context canceled) [0s-1.25s States.TaskFailed, abandoned]", grace},
		{"hours late", grace, endLate(time.Hour, named("A")), "ABORTED (context canceled) [0s-1.25s States.TaskFailed, abandoned]", grace},
		{
			"zero means DefaultGrace", 0, ignoring(time.Hour, ""),
			"ABORTED (context canceled) [0s-1.1s States.TaskFailed, abandoned]", fanout.DefaultGrace,
		},
		{"a success all the same", grace, ignoring(time.Second+grace/2, "a"), `SUCCEEDED "a" [0s-1.125s]`, grace / 2},
		{"nothing to do after all", grace, endLate(grace/2, skipping(true)), `SKIPPED (nothing to do here) [0s-1.125s]`, grace / 2},
		{"a panic", grace, func(ctx context.Context, _ []fanout.Attempt) (string, error) {
			<-ctx.Done()
			panic("in the way out")
		}, `FAILED (panic: in the way out) [0s-1s States.Runtime]`, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				start := time.Now()
				outcomes, _ := fanout.Map(ctx, fanout.Policy{Grace: test.grace, Retry: always(3)}, []item{test.item}, play)
				if got := time.Since(start); got != time.Second+test.after {
					t.Errorf("Map returned %v after the context's end, want %v", got-time.Second, test.after)
				}
				checkOutcomes(t, start, outcomes, test.want)
				time.Sleep(2 * time.Hour)
			})
		})
	}
}

// The loop wakes up for whatever comes first: a retry, the end of a grace, or the
// context's end.
func TestEverythingHappensInItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		checkMap(ctx, t, fanout.Policy{Timeout: 10 * time.Second, Retry: always(2)}, []item{
			ignoring(time.Hour, ""),                            // given up at 10.1 s, with a retry at 11.1 s to be given up at 21.2 s
			failing(named("A"), asking{"A", 15 * time.Second}), // retries at 1 s and 8 s
			failing(named("A"), named("A")),                    // retries at 1 s and 3 s
		}, want{
			outcomes: []string{
				`TIMED_OUT (context deadline exceeded; last error: attempt timed out after 10s) ` +
					`[0s-10.1s States.Timeout, abandoned, wait 1s] [11.1s-21.2s States.Timeout, abandoned, wait 2s] ` +
					`[23.2s-30.1s States.Timeout, abandoned]`,
				`SUCCEEDED "done" [0s-0s A, wait 1s] [1s-1s A, wait 7s] [8s-8s]`,
				`SUCCEEDED "done" [0s-0s A, wait 1s] [1s-1s A, wait 2s] [3s-3s]`,
			},
			verdict: "TIMED_OUT (context deadline exceeded)",
			after:   30100 * time.Millisecond,
		})
		time.Sleep(2 * time.Hour)
	})
}

// An abandoned attempt may still be at work.
func TestAnAbandonedAttemptIsNotRetriedAtMostOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		checkMap(t.Context(), t, fanout.Policy{Timeout: 10 * time.Second, Retry: always(2), AtMostOnce: true}, []item{
			ignoring(time.Hour, ""), failing(named("A")),
		}, want{
			outcomes: []string{
				`TIMED_OUT (attempt timed out after 10s) [0s-10.1s States.Timeout, abandoned]`,
				`SUCCEEDED "done" [0s-0s A, wait 1s] [1s-1s]`,
			},
			verdict: "FAILED (1 of 2 failed, 0 tolerated)",
			after:   10100 * time.Millisecond,
		})
		time.Sleep(2 * time.Hour)
	})
}

// Grace is counted from the end that comes first, and once.
func TestGraceIsNotBegunAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		policy := fanout.Policy{Timeout: time.Second, Grace: time.Second, Tolerance: fanout.Tolerance{FailFast: true}}
		checkMap(ctx, t, policy, []item{
			ignoring(time.Hour, ""), // its time is over at 1 s, its grace at 2 s
			inTurn(ignoring(1250*time.Millisecond, "b")),
			fail(1200*time.Millisecond, named("A")), // its time is over too
			fail(750*time.Millisecond, named("A")),  // ends the run, whose grace ends at 1.75 s
		}, want{
			outcomes: []string{
				`ABORTED (1 of 4 failed, 0 tolerated) [0s-1.75s States.ExceedToleratedFailureThreshold, abandoned]`,
				`SUCCEEDED "b" [0s-1.25s]`,
				`ABORTED (1 of 4 failed, 0 tolerated) [0s-750ms States.TaskFailed]`,
				`FAILED (error A) [0s-750ms A]`,
			},
			verdict: "FAILED (1 of 4 failed, 0 tolerated)",
			after:   1750 * time.Millisecond,
		})
		time.Sleep(time.Hour)
	})
}

// The end of a bubble panics when a goroutine is left in it: that nothing is
// left running is what makes this test, and all the others, pass.
func TestNothingElseIsLeftRunning(t *testing.T) {
	t.Parallel()
	for _, end := range endings() {
		t.Run(end.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := end.after(t.Context(), time.Second)
				defer cancel()
				var g gauge
				items := slices.Repeat([]item{g.watch(hang), g.watch(fail(0, named("A"))), g.watch(ok(0, ""))}, 20)
				fanout.Map(ctx, fanout.Policy{Timeout: time.Hour, MaxConcurrency: 30, Retry: always(9)}, items, play)
				if running, _, _ := g.read(); running != 0 {
					t.Errorf("%d attempts left running, want 0", running)
				}
			})
		})
	}
}

func TestAnAttemptIsToldWhyItsContextEnds(t *testing.T) {
	t.Parallel()
	stopped := errors.New("stopped by hand")
	for _, test := range []struct {
		name   string
		policy fanout.Policy
		other  item // beside the one that listens
		want   string
	}{
		{"the run's context", fanout.Policy{}, hang, "stopped by hand"},
		{"the attempt's time", fanout.Policy{Timeout: 1500 * time.Millisecond}, hang, "attempt timed out after 1.5s"},
		{"failing fast", fanout.Policy{Tolerance: fanout.Tolerance{FailFast: true}}, fail(time.Second, named("A")), "1 of 2 failed, 0 tolerated"},
		{"enough", fanout.Policy{Tolerance: fanout.Tolerance{MinSuccessful: 1}}, ok(time.Second, ""), "enough succeeded"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(2*time.Second, func() { cancel(stopped) })
				var cause error
				fanout.Map(ctx, test.policy, []item{func(ctx context.Context, _ []fanout.Attempt) (string, error) {
					<-ctx.Done()
					cause = context.Cause(ctx)
					return "", ctx.Err()
				}, test.other}, play)
				if cause == nil || cause.Error() != test.want {
					t.Errorf("context.Cause(ctx) = %v, want %s", cause, test.want)
				}
				time.Sleep(2 * time.Second) // let the context end
			})
		})
	}
}
