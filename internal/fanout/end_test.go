package fanout_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/fanout"
)

// An item that ends just before the run does has ended by itself, also when the loop
// hears of it later: here it is busy with the first item's outcome until the end is past.
func TestWhatHappenedIsDecidedByWhenItHappened(t *testing.T) {
	t.Parallel()
	const end = 3 * time.Second
	deadline := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeoutCause(ctx, end, &fanout.TimeoutError{What: "run", After: end})
	}
	cancelled := func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancelCause(ctx)
		time.AfterFunc(end, func() { cancel(errors.New("stopped by hand")) })
		return ctx, func() { cancel(nil) }
	}
	for _, test := range []struct {
		name    string
		ends    func(context.Context) (context.Context, context.CancelFunc)
		policy  fanout.Policy
		item    item
		want    string
		verdict string
	}{
		{
			name: "a failure before the deadline", ends: deadline, item: fail(end-time.Millisecond, named("A")),
			want: "FAILED (error A) [0s-2.999s A]", verdict: "FAILED (1 of 2 failed, 0 tolerated)",
		},
		{
			name: "so much is tolerated", ends: deadline, item: fail(end-time.Millisecond, named("A")),
			policy: fanout.Policy{Tolerance: fanout.Tolerance{FailureCount: new(1)}},
			want:   "FAILED (error A) [0s-2.999s A]", verdict: "SUCCEEDED",
		},
		{
			name: "a failure without time for its retry", ends: deadline, item: fail(end-time.Millisecond, named("A")),
			policy: fanout.Policy{Retry: always(1)},
			want:   "FAILED (error A) [0s-2.999s A]", verdict: "FAILED (1 of 2 failed, 0 tolerated)",
		},
		{
			name: "a failure at the deadline", ends: deadline, item: ignoringThen(end, named("A")),
			want: "TIMED_OUT (run timed out after 3s; last error: error A) [0s-3s A]", verdict: "TIMED_OUT (run timed out after 3s)",
		},
		{
			name: "a timeout of its own", ends: deadline, item: hang, policy: fanout.Policy{Timeout: end - time.Millisecond},
			want: "TIMED_OUT (attempt timed out after 2.999s) [0s-2.999s States.Timeout]", verdict: "FAILED (1 of 2 failed, 0 tolerated)",
		},
		{
			name: "a timeout of its own at the deadline", ends: deadline, item: hang, policy: fanout.Policy{Timeout: end},
			want: "TIMED_OUT (run timed out after 3s) [0s-3s States.Timeout]", verdict: "TIMED_OUT (run timed out after 3s)",
		},
		{
			name: "a success before the deadline", ends: deadline, item: ok(end-time.Millisecond, "b"),
			policy: fanout.Policy{Tolerance: fanout.Tolerance{MinSuccessful: 2}},
			want:   `SUCCEEDED "b" [0s-2.999s]`, verdict: "SUCCEEDED",
		},
		{
			name: "a failure before it was cancelled", ends: cancelled, item: fail(end-time.Millisecond, named("A")),
			want: "FAILED (error A) [0s-2.999s A]", verdict: "FAILED (1 of 2 failed, 0 tolerated)",
		},
		{
			name: "a failure whose retry was cancelled", ends: cancelled, item: fail(end-time.Millisecond, named("A")),
			policy: fanout.Policy{Retry: always(1)},
			want:   "ABORTED (stopped by hand; last error: error A) [0s-2.999s A, wait 1s]", verdict: "ABORTED (stopped by hand)",
		},
		{
			name: "a failure after it was cancelled", ends: cancelled, item: ignoringThen(end+time.Millisecond, named("A")),
			want: "ABORTED (stopped by hand; last error: error A) [0s-3.001s A]", verdict: "ABORTED (stopped by hand)",
		},
		{
			name: "a failure after it was cancelled that says that it is its own", ends: cancelled,
			item: ignoringThen(end+time.Millisecond, cutShortError(false)),
			want: "TIMED_OUT (the time was over) [0s-3.001s States.Timeout]", verdict: "FAILED (1 of 2 failed, 0 tolerated)",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := test.ends(t.Context())
				defer cancel()
				start := time.Now()
				outcomes, verdict := fanout.Each(ctx, test.policy, []item{ok(0, "a"), test.item}, play)
				var got []string
				for _, o := range outcomes {
					got = append(got, show(start, o))
					if len(got) == 1 {
						time.Sleep(end + end)
					}
				}
				if diff := cmp.Diff([]string{`SUCCEEDED "a" [0s-0s]`, test.want}, got); diff != "" {
					t.Errorf("outcomes (-want +got):\n%s", diff)
				}
				if got := showVerdict(verdict()); got != test.verdict {
					t.Errorf("verdict = %s, want %s", got, test.verdict)
				}
			})
		})
	}
}

// ignoringThen fails with err after d, whatever its context says.
func ignoringThen(d time.Duration, err error) item {
	return func(context.Context, []fanout.Attempt) (string, error) {
		time.Sleep(d)
		return "", err
	}
}

func TestNothingStartsWithLessThanItsUsefulTimeLeft(t *testing.T) {
	t.Parallel()
	const useful, limit = 300 * time.Millisecond, 3 * time.Second
	const late = "less than 300ms was left, too little to start anything"
	for _, test := range []struct {
		name   string
		policy fanout.Policy
		items  []item
		want   want
	}{
		{
			"it starts just before",
			fanout.Policy{MaxConcurrency: 1},
			[]item{ok(limit-useful-1, "a"), ok(useful, "b"), ok(0, "c")},
			want{[]string{`SUCCEEDED "a" [0s-2.699999999s]`, `SUCCEEDED "b" [2.699999999s-2.999999999s]`, "NOT_STARTED (" + late + ")"}, "TIMED_OUT (" + late + ")", limit - 1},
		},
		{
			"it does not start just in time",
			fanout.Policy{MaxConcurrency: 1},
			[]item{ok(limit-useful, "a"), ok(0, "b")},
			want{[]string{`SUCCEEDED "a" [0s-2.7s]`, "NOT_STARTED (" + late + ")"}, "TIMED_OUT (" + late + ")", limit - useful},
		},
		{
			"so few are tolerated",
			fanout.Policy{MaxConcurrency: 1, Tolerance: fanout.Tolerance{FailureCount: new(1)}},
			[]item{ok(limit-useful, "a"), ok(0, "b")},
			want{[]string{`SUCCEEDED "a" [0s-2.7s]`, "NOT_STARTED (" + late + ")"}, "SUCCEEDED", limit - useful},
		},
		{
			"what waits for a slot is not kept waiting",
			fanout.Policy{MaxConcurrency: 1},
			[]item{hang, ok(0, "b")},
			want{[]string{"TIMED_OUT (run timed out after 3s) [0s-3s States.Timeout]", "NOT_STARTED (" + late + ")"}, "TIMED_OUT (run timed out after 3s)", limit},
		},
		{
			"a retry just before",
			fanout.Policy{Retry: always(1)},
			[]item{inTurn(fail(limit-useful-time.Second-1, named("A")), ok(0, "a"))},
			want{[]string{`SUCCEEDED "a" [0s-1.699999999s A, wait 1s] [2.699999999s-2.699999999s]`}, "SUCCEEDED", limit - useful - 1},
		},
		{
			"a retry that could not start is not waited for",
			fanout.Policy{Retry: always(1)},
			[]item{inTurn(fail(limit-useful-time.Second, named("A")), ok(0, "a"))},
			want{[]string{"FAILED (error A) [0s-1.7s A]"}, "FAILED (1 of 1 failed, 0 tolerated)", limit - useful - time.Second},
		},
		{
			"a retry that asks for more time gets half of what is left",
			fanout.Policy{Retry: always(1)},
			[]item{inTurn(fail(time.Second, asking{"A", time.Hour}), ok(0, "a"))},
			want{[]string{`SUCCEEDED "a" [0s-1s A, wait 1s] [2s-2s]`}, "SUCCEEDED", 2 * time.Second},
		},
		{
			"a retry that has no slot",
			fanout.Policy{MaxConcurrency: 1, Retry: always(1)},
			[]item{fail(time.Second, named("A")), ok(limit-useful-time.Second, "b")},
			want{[]string{"TIMED_OUT (" + late + "; last error: error A) [0s-1s A, wait 1s]", `SUCCEEDED "b" [1s-2.7s]`}, "TIMED_OUT (" + late + ")", limit - useful},
		},
		{
			"a hedge",
			fanout.Policy{Hedge: fanout.Hedge{After: limit - useful, MaxExtraPercentage: 100}},
			[]item{ok(limit-1, "a")},
			want{[]string{`SUCCEEDED "a" [0s-2.999999999s]`}, "SUCCEEDED", limit - 1},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeoutCause(t.Context(), limit, &fanout.TimeoutError{What: "run", After: limit})
				defer cancel()
				test.policy.UsefulTime = useful
				checkMap(ctx, t, test.policy, test.items, test.want)
			})
		})
	}
}

// Also without a useful time.
func TestNothingStartsAtTheDeadline(t *testing.T) {
	t.Parallel()
	for range 100 { // of two timers that are due at once, either fires first
		synctest.Test(t, func(t *testing.T) {
			p := fanout.Policy{
				Retry:     []fanout.Retrier{{ErrorEquals: []string{fanout.NameAll}, IntervalSeconds: 1}},
				Continues: true,
				Prior:     []fanout.Prior{{Attempts: []fanout.Attempt{{Start: time.Now(), Err: named("C"), Name: "C", Wait: time.Second}}}},
			}
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("over"))
			defer cancel()
			outcomes, verdict := fanout.Map(ctx, p, []item{fail(0, named("C"))}, play)
			if o := outcomes[0]; len(o.Attempts) != 1 || !o.OutOfTime {
				t.Fatalf("attempts %q, out of time %t; want no other attempt", namesAndWaits(o.Attempts), o.OutOfTime)
			}
			if got, want := showVerdict(verdict), "TIMED_OUT (over)"; got != want {
				t.Fatalf("verdict = %s, want %s", got, want)
			}
		})
	}
}

// A context without a deadline has time enough, and one with less than the useful time has
// none.
func TestUsefulTimeIsMeasuredFromTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := fanout.Policy{UsefulTime: time.Hour}
		checkMap(t.Context(), t, p, []item{ok(0, "a")}, want{outcomes: []string{`SUCCEEDED "a" [0s-0s]`}, verdict: "SUCCEEDED"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		const late = "less than 1h0m0s was left, too little to start anything"
		checkMap(ctx, t, p, []item{ok(0, "a")}, want{outcomes: []string{"NOT_STARTED (" + late + ")"}, verdict: "TIMED_OUT (" + late + ")"})
	})
}

// A notSentError says that the attempt did nothing.
type notSentError struct{ named }

func (notSentError) NotStarted() bool { return true }

// An outcome has the attempts that were made. The context ends when the second item's
// attempt is about to be made.
func TestAnOutcomeHasTheAttemptsThatWereMade(t *testing.T) {
	t.Parallel()
	unsent := func(ctx context.Context, _ []fanout.Attempt) (string, error) {
		<-ctx.Done()
		return "", notSentError{"A"}
	}
	for _, test := range []struct {
		name    string
		stop    int // the start that ends the run
		policy  fanout.Policy
		item    item
		want    string
		events  []string
		verdict string
	}{
		{
			name: "its first attempt", stop: 1, item: ok(0, "b"), want: "NOT_STARTED (stopped by hand)",
			events: []string{"1 starts", "1 ends, not made, NOT_STARTED"}, verdict: "ABORTED (stopped by hand)",
		},
		{
			name: "its second attempt", stop: 2, policy: fanout.Policy{Retry: always(1)}, item: fail(0, named("A")),
			want:    "ABORTED (stopped by hand; last error: error A) [0s-0s A, wait 1s]",
			events:  []string{"1 starts", "1 ends, A", "2 starts", "2 ends, not made, ABORTED"},
			verdict: "ABORTED (stopped by hand)",
		},
		{
			name: "an attempt that did nothing", item: unsent, want: "NOT_STARTED (stopped by hand)",
			events: []string{"1 starts", "1 ends, not made, NOT_STARTED"}, verdict: "ABORTED (stopped by hand)",
		},
		{
			name: "an attempt that its own timeout kept from doing anything", policy: fanout.Policy{Timeout: time.Second}, item: unsent,
			want:    "TIMED_OUT (attempt timed out after 1s; last error: error A) [0s-1s States.Timeout]",
			events:  []string{"1 starts", "1 ends, States.Timeout, TIMED_OUT"},
			verdict: "FAILED (1 of 1 failed, 0 tolerated)",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				stopped := errors.New("stopped by hand")
				time.AfterFunc(time.Minute, func() { cancel(stopped) })
				var g gauge
				start, starts := time.Now(), 0
				var events, got []string
				outcomes, verdict := fanout.Watch(ctx, test.policy, []item{g.watch(test.item)}, play, func(e fanout.Event[string]) {
					what := fmt.Sprint(e.Number, " starts")
					switch {
					case !e.Ended:
						if starts++; starts == test.stop {
							cancel(stopped)
						}
					case e.NotMade:
						what = fmt.Sprint(e.Number, " ends, not made, ", e.Status)
					default:
						what = fmt.Sprint(e.Number, " ends, ", e.Attempt.Name)
						if e.Status != "" {
							what += ", " + string(e.Status)
						}
					}
					events = append(events, what)
				})
				for _, o := range outcomes {
					got = append(got, show(start, o))
					if _, _, made := g.read(); test.stop > 0 && made != len(o.Attempts) {
						t.Errorf("%d attempts recorded, %d made", len(o.Attempts), made)
					}
				}
				if diff := cmp.Diff([]string{test.want}, got); diff != "" {
					t.Errorf("outcomes (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(test.events, events); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				if got := showVerdict(verdict()); got != test.verdict {
					t.Errorf("verdict = %s, want %s", got, test.verdict)
				}
				time.Sleep(time.Hour)
			})
		})
	}
}

// A hedge that starts when the slow attempt answers is recorded if it was made. Which of
// the two happens is up to the scheduler.
func TestAHedgeIsRecordedIfItWasMade(t *testing.T) {
	t.Parallel()
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			var g gauge
			p := fanout.Policy{Hedge: fanout.Hedge{After: time.Second, MaxExtraPercentage: 100}}
			outcomes, _ := fanout.Map(t.Context(), p, []item{g.watch(ok(time.Second, "a"))}, play)
			synctest.Wait()
			if _, _, made := g.read(); len(outcomes[0].Attempts) != made || outcomes[0].Status != fanout.Succeeded {
				t.Errorf("%s with %d attempts recorded, %d made", outcomes[0].Status, len(outcomes[0].Attempts), made)
			}
		})
	}
}

// The others took no time, so any attempt is slower. One that has just started is not slow.
func TestAnAttemptThatHasJustStartedIsNotSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		items := []item{inTurn(fail(time.Second, named("A")), ok(0, "a"))}
		for range 40 {
			items = append(items, ok(0, "a"))
		}
		outcomes, _ := fanout.Map(t.Context(), fanout.Policy{
			Retry: always(1), Hedge: fanout.Hedge{AfterPercentile: 50, MaxExtraPercentage: 100},
		}, items, play)
		for _, a := range outcomes[0].Attempts {
			if a.Hedge && a.Start.Equal(outcomes[0].Attempts[len(outcomes[0].Attempts)-1].Start) {
				t.Errorf("the attempt was hedged when it started: %+v", outcomes[0].Attempts)
			}
		}
	})
}
