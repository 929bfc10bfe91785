package fanout_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/fanout"
)

// made returns an attempt that took a second and ended so long ago with an error of a name.
func made(ago time.Duration, name string, wait time.Duration) fanout.Attempt {
	return fanout.Attempt{Start: time.Now().Add(-ago - time.Second), Elapsed: time.Second, Err: named(name), Name: name, Wait: wait}
}

// retrying is a retrier for an error, with so many retries after 1, 2, 4 ... seconds.
func retrying(name string, retries int) []fanout.Retrier {
	return []fanout.Retrier{{ErrorEquals: []string{name}, MaxAttempts: &retries}}
}

func TestPriorAttemptsComeFirstInTheOutcome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		prior := append(make([]fanout.Attempt, 0, 4), made(5*time.Second, "A", 0), made(3*time.Second, "B", time.Second))
		kept := slices.Clone(prior[:4])
		var seen, numbers []int
		items := func(yield func(int, fanout.Outcome[string]) bool) {
			do := func(_ context.Context, _ int, before []fanout.Attempt) (string, error) {
				seen = append(seen, len(before))
				time.Sleep(time.Second)
				return "a", nil
			}
			each, _ := fanout.Watch(t.Context(), fanout.Policy{Prior: []fanout.Prior{{Attempts: prior[:2]}}}, []int{0}, do,
				func(e fanout.Event[string]) { numbers = append(numbers, e.Number) })
			each(yield)
		}
		start := time.Now()
		for _, o := range items {
			checkOutcomes(t, start, []fanout.Outcome[string]{o}, `SUCCEEDED "a" [-6s--5s A] [-4s--3s B, wait 1s] [0s-1s]`)
			if o.Elapsed != 7*time.Second || !o.Started().Equal(start.Add(-6*time.Second)) {
				t.Errorf("it took %v from %v, want 7s from the first attempt on", o.Elapsed, o.Started().Sub(start))
			}
		}
		if diff := cmp.Diff([]int{2}, seen); diff != "" {
			t.Errorf("attempts before (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]int{3, 3}, numbers); diff != "" {
			t.Errorf("numbers of the attempt (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(kept, prior[:4]); diff != "" {
			t.Errorf("Prior was changed (-want +got):\n%s", diff)
		}
	})
}

func TestRetriersCountThePriorAttemptsThatWereFollowedByAWait(t *testing.T) {
	t.Parallel()
	throttles := fanout.Adaptation{ErrorEquals: []string{"A"}}
	counted := throttles
	counted.CountRetries = true
	for _, test := range []struct {
		name       string
		adaptation fanout.Adaptation
		prior      func() fanout.Prior
		want       string
	}{
		{
			"two of three",
			fanout.Adaptation{},
			func() fanout.Prior {
				return fanout.Prior{Attempts: []fanout.Attempt{made(9*time.Second, "A", time.Second), made(5*time.Second, "A", 2*time.Second)}}
			},
			"FAILED (error A) [-10s--9s A, wait 1s] [-6s--5s A, wait 2s] [0s-0s A, wait 4s] [4s-4s A]",
		},
		{
			"one had no wait",
			fanout.Adaptation{},
			func() fanout.Prior {
				return fanout.Prior{Attempts: []fanout.Attempt{made(9*time.Second, "A", 0), made(5*time.Second, "A", time.Second)}}
			},
			"FAILED (error A) [-10s--9s A] [-6s--5s A, wait 1s] [0s-0s A, wait 2s] [2s-2s A, wait 4s] [6s-6s A]",
		},
		{
			"the first is uncounted",
			fanout.Adaptation{},
			func() fanout.Prior {
				return fanout.Prior{Uncounted: 1, Attempts: []fanout.Attempt{made(9*time.Second, "A", time.Second), made(5*time.Second, "A", time.Second)}}
			},
			"FAILED (error A) [-10s--9s A, wait 1s] [-6s--5s A, wait 1s] [0s-0s A, wait 2s] [2s-2s A, wait 4s] [6s-6s A]",
		},
		{
			"of an error without a retrier",
			fanout.Adaptation{},
			func() fanout.Prior {
				return fanout.Prior{Attempts: []fanout.Attempt{made(9*time.Second, "B", time.Second)}}
			},
			"FAILED (error A) [-10s--9s B, wait 1s] [0s-0s A, wait 1s] [1s-1s A, wait 2s] [3s-3s A, wait 4s] [7s-7s A]",
		},
		{
			"throttles that use up a retrier", counted,
			func() fanout.Prior {
				return fanout.Prior{Attempts: []fanout.Attempt{made(9*time.Second, "A", time.Second), made(5*time.Second, "A", 2*time.Second)}}
			},
			"FAILED (error A) [-10s--9s A, wait 1s] [-6s--5s A, wait 2s] [0s-0s A, wait 4s] [4s-4s A]",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				p := fanout.Policy{Retry: retrying("A", 3), Adaptation: test.adaptation, Prior: []fanout.Prior{test.prior()}}
				outcomes, _ := fanout.Map(t.Context(), p, []item{fail(0, named("A"))}, play)
				checkOutcomes(t, start, outcomes, test.want)
			})
		})
	}
}

func TestRetriersDoNotCountPriorThrottles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p := fanout.Policy{Retry: retrying("B", 1), Adaptation: fanout.Adaptation{ErrorEquals: []string{"A"}}}
		p.Retry[0].ErrorEquals = []string{"A", "B"}
		p.Prior = []fanout.Prior{{Attempts: []fanout.Attempt{made(9*time.Second, "A", time.Second), made(5*time.Second, "A", time.Second)}}}
		outcomes, verdict := fanout.Map(t.Context(), p, []item{fail(0, named("B"))}, play)
		checkOutcomes(t, start, outcomes, "FAILED (error B) [-10s--9s A, wait 1s] [-6s--5s A, wait 1s] [0s-0s B, wait 1s] [1s-1s B]")
		if verdict.Throttled != 0 {
			t.Errorf("%d throttles, want 0: those of an earlier run are not counted", verdict.Throttled)
		}
	})
}

func TestPriorAttemptsCountInMaxAttempts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		most, want int // attempts
	}{{2, 3}, {3, 3}, {4, 4}, {5, 5}, {6, 5}} {
		synctest.Test(t, func(t *testing.T) {
			p := fanout.Policy{MaxAttempts: test.most, Retry: retrying("A", 2), Prior: []fanout.Prior{
				{Attempts: []fanout.Attempt{made(9*time.Second, "A", 0), made(5*time.Second, "A", 0)}, Status: fanout.Failed, Err: named("A")}, {},
			}}
			outcomes, _ := fanout.Map(t.Context(), p, []item{explode, fail(0, named("A"))}, play)
			if got := len(outcomes[0].Attempts) + len(outcomes[1].Attempts); got != test.want {
				t.Errorf("with MaxAttempts %d there are %d attempts, want %d", test.most, got, test.want)
			}
		})
	}
}

func TestTheNextAttemptStartsAfterTheRestOfAPriorWait(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		wait time.Duration
		want string
	}{
		{"none left", 3 * time.Second, `SUCCEEDED "a" [-4s--3s A, wait 3s] [0s-1s]`},
		{"a moment left", 3*time.Second + 1, `SUCCEEDED "a" [-4s--3s A, wait 3.000000001s] [1ns-1.000000001s]`},
		{"most of it left", time.Minute, `SUCCEEDED "a" [-4s--3s A, wait 1m0s] [57s-58s]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				p := fanout.Policy{Prior: []fanout.Prior{{Attempts: []fanout.Attempt{made(3*time.Second, "A", test.wait)}}}}
				outcomes, _ := fanout.Map(t.Context(), p, []item{ok(time.Second, "a")}, play)
				checkOutcomes(t, start, outcomes, test.want)
			})
		})
	}
}

// A run finishes items before it begins others, also those of an earlier run.
func TestAPriorRetryStartsBeforeWhatHasNotStarted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p := fanout.Policy{MaxConcurrency: 1, Prior: []fanout.Prior{
			{}, {Attempts: []fanout.Attempt{made(3*time.Second, "A", time.Second)}}, {Attempts: []fanout.Attempt{made(4*time.Second, "A", time.Second)}},
		}}
		outcomes, _ := fanout.Map(t.Context(), p, []item{ok(time.Second, "a"), ok(time.Second, "b"), ok(time.Second, "c")}, play)
		checkOutcomes(t, start, outcomes,
			`SUCCEEDED "a" [2s-3s]`, `SUCCEEDED "b" [-4s--3s A, wait 1s] [1s-2s]`, `SUCCEEDED "c" [-5s--4s A, wait 1s] [0s-1s]`)
	})
}

func TestPriorItemsThatHaveSettledAreYieldedFirstAndNotTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := fanout.Policy{MaxConcurrency: 1, Retry: always(3), Tolerance: fanout.Tolerance{FailureCount: new(9)}, Prior: []fanout.Prior{
			{},
			{Status: fanout.Failed, Err: named("A"), Attempts: []fanout.Attempt{made(time.Second, "A", 0)}},
			{Status: fanout.Succeeded},
			{},
			{Status: fanout.Skipped, Err: skipping(true)},
			{Status: fanout.TimedOut, Err: named("T")},
		}}
		items := []item{ok(0, "a"), explode, explode, ok(0, "b"), explode, explode}
		var order []int
		var events int
		got := make([]fanout.Outcome[string], len(items))
		each, verdict := fanout.Watch(t.Context(), p, items, play, func(e fanout.Event[string]) {
			if events++; len(order) < 4 || e.Item != 0 && e.Item != 3 {
				t.Errorf("an event of item %d after %v were yielded", e.Item, order)
			}
		})
		for i, o := range each {
			order, got[i] = append(order, i), o
		}
		if diff := cmp.Diff([]int{1, 2, 4, 5, 0, 3}, order); diff != "" || events != 4 {
			t.Errorf("yielded with %d events, want 4 (-want +got):\n%s", events, diff)
		}
		if letters := lettersOf(got); letters != "sfsskt" || !errors.Is(got[1].Err, named("A")) {
			t.Errorf("statuses = %s", letters)
		}
		if v := showVerdict(verdict()); v != "SUCCEEDED" {
			t.Errorf("verdict = %s, want SUCCEEDED", v)
		}
	})
}

func TestPriorItemsCountInTheTolerance(t *testing.T) {
	t.Parallel()
	failed := fanout.Prior{Status: fanout.Failed, Err: named("A")}
	done := fanout.Prior{Status: fanout.Succeeded}
	left := fanout.Prior{Status: fanout.NotStarted, Err: errors.New("stopped before")}
	cut := fanout.Prior{Status: fanout.Aborted, Err: errors.New("cut before")}
	late := fanout.Prior{Status: fanout.TimedOut, Err: named("T")}
	for _, test := range []struct {
		name      string
		tolerance fanout.Tolerance
		prior     []fanout.Prior
		verdict   string
		last      fanout.Status // of the last item, which would succeed
	}{
		{"as many failed as are tolerated", fanout.Tolerance{FailureCount: new(2)}, []fanout.Prior{failed, late, {}}, "SUCCEEDED", fanout.Succeeded},
		{"one more", fanout.Tolerance{FailureCount: new(1)}, []fanout.Prior{failed, late, {}}, "FAILED (2 of 3 failed, 1 tolerated)", fanout.Succeeded},
		{"fail fast", fanout.Tolerance{FailFast: true}, []fanout.Prior{{}, done, failed, {}}, "FAILED (1 of 4 failed, 0 tolerated)", fanout.NotStarted},
		{"enough have succeeded", fanout.Tolerance{MinSuccessful: 2}, []fanout.Prior{done, done, {}}, "SUCCEEDED", fanout.NotStarted},
		{"not enough yet", fanout.Tolerance{MinSuccessful: 2}, []fanout.Prior{done, failed, {}}, "SUCCEEDED", fanout.Succeeded},
		{"groups", fanout.Tolerance{FailureCount: new(1), Groups: []int{0, 0, 1}}, []fanout.Prior{failed, failed, {}}, "SUCCEEDED", fanout.Succeeded},
		{"one was left", fanout.Tolerance{}, []fanout.Prior{done, left, {}}, "ABORTED (stopped before)", fanout.Succeeded},
		{"one was cut", fanout.Tolerance{}, []fanout.Prior{cut, left, {}}, "ABORTED (cut before)", fanout.Succeeded},
		{"one was left, which is tolerated", fanout.Tolerance{FailureCount: new(1)}, []fanout.Prior{done, left, {}}, "SUCCEEDED", fanout.Succeeded},
		{"one was left, and one failed", fanout.Tolerance{}, []fanout.Prior{failed, left, {}}, "FAILED (1 of 3 failed, 0 tolerated)", fanout.Succeeded},
		{"all have settled", fanout.Tolerance{}, []fanout.Prior{done, done}, "SUCCEEDED", fanout.Succeeded},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				items := slices.Repeat([]item{ok(time.Second, "a")}, len(test.prior))
				outcomes, verdict := fanout.Map(t.Context(), fanout.Policy{Tolerance: test.tolerance, Prior: test.prior}, items, play)
				if got := showVerdict(verdict); got != test.verdict {
					t.Errorf("verdict = %s, want %s", got, test.verdict)
				}
				if got := outcomes[len(items)-1].Status; got != test.last {
					t.Errorf("the last item is %s, want %s", got, test.last)
				}
				for i, p := range test.prior {
					if p.Status != "" && (outcomes[i].Status != p.Status || outcomes[i].Err != p.Err || outcomes[i].OutOfTime) { //nolint:errorlint // the very same
						t.Errorf("item %d is %s: %v; want %s: %v", i, outcomes[i].Status, outcomes[i].Err, p.Status, p.Err)
					}
				}
			})
		})
	}
}

func TestThePartsOfAPriorItemCountOneByOne(t *testing.T) {
	t.Parallel()
	var asked []int
	p := fanout.Policy{Prior: []fanout.Prior{{Status: fanout.Failed, Err: named("A")}, {}}, Tolerance: fanout.Tolerance{
		FailureCount: new(1), Parts: []int{3, 1},
		Done: func(i int, ended bool) (succeeded, skipped, interrupted int) {
			asked = append(asked, i)
			return 1, 0, 0
		},
	}}
	_, verdict := fanout.Map(t.Context(), p, []item{explode, ok(0, "a")}, play)
	if want := "FAILED (2 of 4 failed, 1 tolerated)"; showVerdict(verdict) != want {
		t.Errorf("verdict = %s, want %s", showVerdict(verdict), want)
	}
	if diff := cmp.Diff([]int{0}, asked); diff != "" {
		t.Errorf("asked for the parts of (-want +got):\n%s", diff)
	}
}

func TestARunThatIsLeftAtAPriorItemStartsNothing(t *testing.T) {
	t.Parallel()
	p := fanout.Policy{Prior: []fanout.Prior{{}, {Status: fanout.Succeeded}}}
	each, verdict := fanout.Each(t.Context(), p, []item{explode, explode}, play)
	for i := range each {
		if i != 1 {
			t.Errorf("item %d was yielded first, want 1", i)
		}
		break
	}
	if got := verdict().Status; got != fanout.Aborted {
		t.Errorf("verdict = %s, want ABORTED", got)
	}
}

func TestContinuesLeavesARetryThatCannotStartInTimePlanned(t *testing.T) {
	t.Parallel()
	asks := fail(time.Second, asking{named: "A", after: 4 * time.Second})
	for _, test := range []struct {
		name      string
		continues bool
		limit     time.Duration // without the useful time
		item      item
		want      want
		outOfTime bool
	}{
		{"it starts at the last moment", true, 2*time.Second + 1, inTurn(fail(time.Second, named("A")), ok(0, "a")), want{
			[]string{`SUCCEEDED "a" [0s-1s A, wait 1s] [2s-2s]`}, "SUCCEEDED", 2 * time.Second,
		}, false},
		{"it would start at the end", true, 2 * time.Second, fail(time.Second, named("A")), want{
			[]string{"TIMED_OUT (less than 100ms was left, too little to start anything; last error: error A) [0s-1s A, wait 1s]"}, "TIMED_OUT (less than 100ms was left, too little to start anything)", time.Second,
		}, true},
		{"it would start at the end, and nothing follows", false, 2 * time.Second, fail(time.Second, named("A")), want{
			[]string{"FAILED (error A) [0s-1s A]"}, "FAILED (1 of 1 failed, 0 tolerated)", time.Second,
		}, false},
		{"the other side asks for longer", true, 4 * time.Second, asks, want{
			[]string{"TIMED_OUT (less than 100ms was left, too little to start anything; last error: error A) [0s-1s A, wait 4s]"}, "TIMED_OUT (less than 100ms was left, too little to start anything)", time.Second,
		}, true},
		{"the other side asks for longer, and nothing follows", false, 4 * time.Second, inTurn(asks, ok(0, "a")), want{
			[]string{`SUCCEEDED "a" [0s-1s A, wait 1.5s] [2.5s-2.5s]`}, "SUCCEEDED", 2500 * time.Millisecond,
		}, false},
		{"no retrier applies", true, 2 * time.Second, fail(time.Second, named("B")), want{
			[]string{"FAILED (error B) [0s-1s B]"}, "FAILED (1 of 1 failed, 0 tolerated)", time.Second,
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), test.limit+100*time.Millisecond)
				defer cancel()
				start := time.Now()
				p := fanout.Policy{Continues: test.continues, Retry: retrying("A", 3), UsefulTime: 100 * time.Millisecond}
				outcomes, verdict := fanout.Map(ctx, p, []item{test.item}, play)
				if took := time.Since(start); took != test.want.after {
					t.Errorf("Map returned after %v, want %v", took, test.want.after)
				}
				checkOutcomes(t, start, outcomes, test.want.outcomes...)
				if got := showVerdict(verdict); got != test.want.verdict {
					t.Errorf("verdict = %s, want %s", got, test.want.verdict)
				}
				if outcomes[0].OutOfTime != test.outOfTime {
					t.Errorf("OutOfTime = %v, want %v", outcomes[0].OutOfTime, test.outOfTime)
				}
			})
		})
	}
}

// Nothing carries on a run that was aborted.
func TestNoRetryOfAnAbortedRunIsLeftPlanned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		var last fanout.Event[string]
		each, _ := fanout.Watch(ctx, fanout.Policy{Continues: true, Retry: retrying("A", 3)}, []item{ok(0, "a"), fail(time.Second, named("A"))}, play,
			func(e fanout.Event[string]) { last = e })
		for range each {
			time.Sleep(2 * time.Second) // meanwhile the other item fails
			break
		}
		if last.Item != 1 || last.Status != fanout.Failed || last.OutOfTime || last.Attempt.Wait != 0 {
			t.Errorf("the last event is %+v, want the failure of item 1, without a wait", last)
		}
	})
}

func TestOutOfTimeSaysThatTheEndOfTheRunsTimeSettledTheItem(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		policy fanout.Policy
		item   item
		status fanout.Status
		want   bool
	}{
		{"succeeded", fanout.Policy{}, ok(time.Second, "a"), fanout.Succeeded, false},
		{"failed", fanout.Policy{}, fail(time.Second, named("A")), fanout.Failed, false},
		{"skipped", fanout.Policy{}, fail(time.Second, skipping(true)), fanout.Skipped, false},
		{"a timeout of its own", fanout.Policy{Timeout: time.Second}, hang, fanout.TimedOut, false},
		{"an error that is a timeout", fanout.Policy{}, fail(time.Second, named(fanout.NameTimeout)), fanout.TimedOut, false},
		{"running at the end", fanout.Policy{}, hang, fanout.TimedOut, true},
		{"abandoned at the end", fanout.Policy{}, ignoring(time.Hour, "a"), fanout.TimedOut, true},
		{"it says that the run's time was over", fanout.Policy{}, fail(time.Second, cutShortError(true)), fanout.TimedOut, true},
		{"it waits for a retry", fanout.Policy{Retry: always(1), UsefulTime: time.Second}, fail(7500*time.Millisecond, named("A")), fanout.TimedOut, true},
		{"it failed before the end, and waits no longer", fanout.Policy{Retry: always(1), UsefulTime: 5 * time.Second}, fail(6*time.Second, named("A")), fanout.Failed, false},
		{"it has not started", fanout.Policy{UsefulTime: 11 * time.Second}, explode, fanout.NotStarted, true},
		{"it had no turn", fanout.Policy{MaxConcurrency: 1}, nil, fanout.NotStarted, true},
		{"aborted", fanout.Policy{}, nil, fanout.Aborted, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				items := []item{test.item}
				switch test.status {
				case fanout.Aborted:
					items[0] = hang
					time.AfterFunc(time.Second, cancel)
				case fanout.NotStarted:
					if test.item == nil {
						items = []item{hang, explode}
					}
				case fanout.Succeeded, fanout.Failed, fanout.TimedOut, fanout.Skipped:
				}
				each, _ := fanout.Watch(ctx, test.policy, items, play, func(e fanout.Event[string]) {
					if e.Status == "" && e.OutOfTime || e.Status != "" && e.Item == len(items)-1 && e.OutOfTime != test.want {
						t.Errorf("the event %+v has OutOfTime %v, want %v", e, e.OutOfTime, test.want)
					}
				})
				for i, o := range each {
					if i == len(items)-1 && (o.Status != test.status || o.OutOfTime != test.want) {
						t.Errorf("it is %s, OutOfTime %v; want %s, %v", o.Status, o.OutOfTime, test.status, test.want)
					}
				}
				time.Sleep(2 * time.Hour) // what was abandoned ends
			})
		})
	}
}
