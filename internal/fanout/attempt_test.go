package fanout_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/fanout"
)

func TestTimeoutBoundsOneAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		policy := fanout.Policy{Timeout: time.Second, Grace: 250 * time.Millisecond}
		checkMap(t.Context(), t, policy, []item{
			ok(999*time.Millisecond, "in time"),
			hang,
			endLate(time.Second/8, named("A")),
			endLate(time.Second/8, asking{named: "A"}),
			func(ctx context.Context, _ []fanout.Attempt) (string, error) {
				<-ctx.Done()
				return "so far", fmt.Errorf("call: %w", context.Cause(ctx))
			},
			ignoring(1250*time.Millisecond-1, "late, and yet"),
			ignoring(1250*time.Millisecond+1, "too late"),
			ignoring(time.Hour, "much too late"),
			endLate(time.Second/8, skipping(true)),
			endLate(time.Second/8, skipping(false)),
			fail(999*time.Millisecond, fmt.Errorf("dial: %w", context.DeadlineExceeded)), // a time of its own
			fail(0, context.Canceled),
		}, want{
			outcomes: []string{
				`SUCCEEDED "in time" [0s-999ms]`,
				`TIMED_OUT (attempt timed out after 1s) [0s-1s States.Timeout]`,
				`TIMED_OUT (attempt timed out after 1s; last error: error A) [0s-1.125s States.Timeout]`,
				`TIMED_OUT (attempt timed out after 1s; last error: error A) [0s-1.125s States.Timeout]`,
				`TIMED_OUT "so far" (call: attempt timed out after 1s) [0s-1s States.Timeout]`,
				`SUCCEEDED "late, and yet" [0s-1.249999999s]`,
				`TIMED_OUT (attempt timed out after 1s) [0s-1.25s States.Timeout, abandoned]`,
				`TIMED_OUT (attempt timed out after 1s) [0s-1.25s States.Timeout, abandoned]`,
				`SKIPPED (nothing to do here) [0s-1.125s]`,
				`TIMED_OUT (attempt timed out after 1s; last error: nothing to do here) [0s-1.125s States.Timeout]`,
				`TIMED_OUT (dial: context deadline exceeded) [0s-999ms States.Timeout]`,
				`FAILED (context canceled) [0s-0s States.TaskFailed]`,
			},
			verdict: "FAILED (9 of 12 failed, 0 tolerated)",
			after:   1250 * time.Millisecond,
		})
		time.Sleep(time.Hour)
	})
}

// Each attempt has the whole time, counted from its own start.
func TestTimeoutBeginsAnewWithEachAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		checkMap(t.Context(), t, fanout.Policy{MaxConcurrency: 1, Timeout: time.Second, Retry: always(2)}, []item{
			inTurn(hang, ignoring(time.Hour, ""), ok(time.Second-1, "third time lucky")),
		}, want{
			outcomes: []string{
				`SUCCEEDED "third time lucky" [0s-1s States.Timeout, wait 1s] ` +
					`[2s-3.1s States.Timeout, abandoned, wait 2s] [1h0m2s-1h0m2.999999999s]`,
			},
			verdict: "SUCCEEDED",
			after:   time.Hour + 3*time.Second - 1,
		})
	})
}

// The deadline that an attempt sees is the nearer one of its own and the run's.
func TestAnAttemptSeesItsDeadline(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name         string
		timeout, run time.Duration
		want         time.Duration // 0 is none
	}{
		{"none", 0, 0, 0},
		{"the attempt's", time.Second, 0, time.Second},
		{"the run's", 0, time.Minute, time.Minute},
		{"the attempt's first", time.Second, time.Minute, time.Second},
		{"the run's first", time.Hour, time.Minute, time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				if test.run > 0 {
					ctx, cancel = context.WithTimeout(ctx, test.run)
				}
				defer cancel()
				start := time.Now()
				fanout.Map(ctx, fanout.Policy{Timeout: test.timeout}, []item{
					func(ctx context.Context, _ []fanout.Attempt) (string, error) {
						deadline, has := ctx.Deadline()
						if has != (test.want > 0) || has && deadline.Sub(start) != test.want {
							t.Errorf("ctx.Deadline() = %v, %t, want %v after the start", deadline, has, test.want)
						}
						return "", nil
					},
				}, play)
			})
		})
	}
}

// A brittle error falls apart when it is asked for anything.
type brittle struct{ parts []string }

func (e *brittle) Error() string     { return "brittle" }
func (e *brittle) ErrorName() string { return e.parts[0] }

// An unprintable error panics when it is printed.
type unprintable struct{ text *string }

func (e unprintable) Error() string { return *e.text }

func TestAPanicInAnItemIsThatItemsFailure(t *testing.T) {
	t.Parallel()
	throw := func(v any) item {
		return func(context.Context, []fanout.Attempt) (string, error) { panic(v) }
	}
	var none *brittle
	for _, test := range []struct {
		name string
		item item
		want string // how the error begins: what follows "panic: " may be the runtime's text
	}{
		{"a string", throw("boom"), "panic: boom"},
		{"a number", throw(42), "panic: 42"},
		{"nil", throw(nil), "panic: "},
		{"an error", throw(named("A")), "panic: error A"},
		{"an error that asks for a retry", throw(asking{"A", time.Second}), "panic: error A"},
		{"an error that would skip", throw(skipping(true)), "panic: nothing to do here"},
		{"the end of its context", throw(context.Canceled), "panic: context canceled"},
		{"a nil pointer", func(context.Context, []fanout.Attempt) (string, error) {
			return none.parts[0], nil
		}, "panic: "},
		{"runtime.Goexit", func(context.Context, []fanout.Attempt) (string, error) {
			runtime.Goexit()
			return "", nil
		}, "panic: runtime.Goexit was called"},
		{"a nil pointer in an error", fail(0, none), "panic: "},
		{"an error that falls apart", fail(0, fmt.Errorf("call: %w", &brittle{})), "panic: "},
		{"an error that cannot be printed", fail(0, unprintable{}), "panic: "},
		{"after its time", func(ctx context.Context, _ []fanout.Attempt) (string, error) {
			<-ctx.Done()
			panic("late")
		}, "panic: late"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				policy := fanout.Policy{
					Timeout: time.Minute, Retry: always(3), Tolerance: fanout.Tolerance{FailureCount: new(1)},
				}
				outcomes, verdict := fanout.Map(t.Context(), policy, []item{ok(time.Second, "a"), test.item, ok(0, "c")}, play)
				o := outcomes[1]
				if o.Status != fanout.Failed || o.Err == nil || !strings.HasPrefix(o.Err.Error(), test.want) {
					t.Errorf("outcome = %s (%v), want FAILED (%s)", o.Status, o.Err, test.want)
				}
				if len(o.Attempts) != 1 || o.Attempts[0].Name != fanout.NameRuntime {
					t.Errorf("attempts = %+v, want one named %s: a panic is not tried again", o.Attempts, fanout.NameRuntime)
				}
				if _, is := errors.AsType[*fanout.PanicError](o.Err); !is {
					t.Errorf("Err = %#v, want a *PanicError", o.Err)
				}
				if a, c := outcomes[0].Status, outcomes[2].Status; a != fanout.Succeeded || c != fanout.Succeeded {
					t.Errorf("the items beside it are %s and %s, want SUCCEEDED", a, c)
				}
				if verdict.Status != fanout.Succeeded {
					t.Errorf("verdict = %s, want SUCCEEDED with one failure tolerated", showVerdict(verdict))
				}
			})
		})
	}
}

func explode(context.Context, []fanout.Attempt) (string, error) { panic(named("A")) }

func TestThePanicsStackIsForTheLogOnly(t *testing.T) {
	t.Parallel()
	outcomes, _ := fanout.Map(t.Context(), fanout.Policy{}, []item{explode}, play)
	err, is := errors.AsType[*fanout.PanicError](outcomes[0].Err)
	if !is {
		t.Fatalf("Err = %#v, want a *PanicError", outcomes[0].Err)
	}
	if !strings.Contains(string(err.Stack), "explode") {
		t.Errorf("Stack does not name the function that panicked:\n%s", err.Stack)
	}
	if got := err.Error(); got != "panic: error A" {
		t.Errorf("Error() = %q, want the value alone", got)
	}
	if err.Value != named("A") || !errors.Is(err, named("A")) {
		t.Errorf("Value = %#v, want what was passed to panic, wrapped", err.Value)
	}
}

// The panic of a function further down, handed on as an error, is an error like
// another, but for its name: it is not tried again.
func TestAPanicErrorHandedOnIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := fmt.Errorf("inner run: %w", &fanout.PanicError{Value: "boom"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		checkMap(ctx, t, fanout.Policy{Retry: always(3)}, []item{fail(0, inner), endLate(0, inner)}, want{
			outcomes: []string{
				`FAILED (inner run: panic: boom) [0s-0s States.Runtime]`,
				`TIMED_OUT (context deadline exceeded; last error: inner run: panic: boom) [0s-1m0s States.Runtime]`,
			},
			verdict: "FAILED (1 of 2 failed, 0 tolerated)",
			after:   time.Minute,
		})
	})
}
