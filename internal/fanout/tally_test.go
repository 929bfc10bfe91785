package fanout_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/fanout"
)

// each makes one item of each letter: s succeeds, f fails, t times out, k has
// nothing to do, p panics, h hangs. Item i settles after i seconds, but for one
// that hangs.
func each(letters string) []item {
	items := make([]item, len(letters))
	for i, letter := range letters {
		at := time.Duration(i) * time.Second
		switch letter {
		case 's':
			items[i] = ok(at, "")
		case 'f':
			items[i] = fail(at, named("A"))
		case 't':
			items[i] = fail(at, context.DeadlineExceeded)
		case 'k':
			items[i] = fail(at, skipping(true))
		case 'p':
			items[i] = func(ctx context.Context, _ []fanout.Attempt) (string, error) {
				if err := sleep(ctx, at); err != nil {
					return "", err
				}
				panic("boom")
			}
		case 'h':
			items[i] = hang
		default:
			panic(fmt.Sprintf("no item is called %c", letter))
		}
	}
	return items
}

// lettersOf is the other way round: A is aborted, n not started, S, F, T, K as
// in each.
func lettersOf(outcomes []fanout.Outcome[string]) string {
	letters := map[fanout.Status]string{
		fanout.Succeeded: "s", fanout.Failed: "f", fanout.TimedOut: "t",
		fanout.Skipped: "k", fanout.Aborted: "A", fanout.NotStarted: "n",
	}
	var b strings.Builder
	for _, o := range outcomes {
		b.WriteString(letters[o.Status])
	}
	return b.String()
}

// A toleranceTest is a run over items made by each.
type toleranceTest struct {
	name      string
	items     string
	tolerance fanout.Tolerance
	groups    []int
	limit     int
	deadline  time.Duration // 0 is none
	want      string        // the statuses; empty if just those of items
	verdict   string
	after     time.Duration // when the run is over; 0 if with the last item
}

func checkTolerance(t *testing.T, tests []toleranceTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				if test.deadline > 0 {
					ctx, cancel = context.WithTimeout(ctx, test.deadline)
				}
				defer cancel()
				if test.want == "" {
					test.want = strings.ReplaceAll(test.items, "p", "f")
				}
				if test.after == 0 {
					test.after = time.Duration(max(0, len(test.items)-1)) * time.Second
				}
				start := time.Now()
				policy := fanout.Policy{MaxConcurrency: test.limit, Groups: test.groups, Tolerance: test.tolerance}
				outcomes, verdict := fanout.Map(ctx, policy, each(test.items), play)
				if got := time.Since(start); got != test.after {
					t.Errorf("Map returned after %v, want %v", got, test.after)
				}
				if got := lettersOf(outcomes); got != test.want {
					t.Errorf("statuses of %s = %s, want %s", test.items, got, test.want)
				}
				if got := showVerdict(verdict); got != test.verdict {
					t.Errorf("verdict on %s = %s, want %s", test.want, got, test.verdict)
				}
			})
		})
	}
}

func TestToleratedFailures(t *testing.T) {
	t.Parallel()
	count := func(n int) fanout.Tolerance { return fanout.Tolerance{FailureCount: &n} }
	percent := func(p float64) fanout.Tolerance { return fanout.Tolerance{FailurePercentage: &p} }
	both := func(n int, p float64) fanout.Tolerance {
		return fanout.Tolerance{FailureCount: &n, FailurePercentage: &p}
	}
	checkTolerance(t, []toleranceTest{
		{name: "none, by default", items: "ssss", verdict: "SUCCEEDED"},
		{name: "none, by default, and one", items: "sfss", verdict: "FAILED (1 of 4 failed, 0 tolerated)"},
		{name: "what is skipped is no failure", items: "kkkk", verdict: "SUCCEEDED"},
		{name: "count 0, none", items: "ssss", tolerance: count(0), verdict: "SUCCEEDED"},
		{name: "count 0, one", items: "sssf", tolerance: count(0), verdict: "FAILED (1 of 4 failed, 0 tolerated)"},
		{name: "count 2, one less", items: "sfss", tolerance: count(2), verdict: "SUCCEEDED"},
		{name: "count 2, as many", items: "sfsf", tolerance: count(2), verdict: "SUCCEEDED"},
		{name: "count 2, one more", items: "ffsf", tolerance: count(2), verdict: "FAILED (3 of 4 failed, 2 tolerated)"},
		{name: "count 2, timeouts and panics are failures", items: "tpsf", tolerance: count(2), verdict: "FAILED (3 of 4 failed, 2 tolerated)"},
		{name: "count of all", items: "ffff", tolerance: count(4), verdict: "SUCCEEDED"},
		{name: "count of more than all", items: "ffff", tolerance: count(5), verdict: "SUCCEEDED"},
		{name: "0 %, none", items: "ssss", tolerance: percent(0), verdict: "SUCCEEDED"},
		{name: "0 %, one", items: "sssf", tolerance: percent(0), verdict: "FAILED (1 of 4 failed, 0 tolerated)"},
		{name: "50 %, less", items: "fsss", tolerance: percent(50), verdict: "SUCCEEDED"},
		{name: "50 %, as much", items: "ffss", tolerance: percent(50), verdict: "SUCCEEDED"},
		{name: "50 %, more", items: "fffs", tolerance: percent(50), verdict: "FAILED (3 of 4 failed, 2 tolerated)"},
		{name: "33 % of three", items: "fss", tolerance: percent(33), verdict: "FAILED (1 of 3 failed, 0 tolerated)"},
		{name: "33.4 % of three", items: "fss", tolerance: percent(33.4), verdict: "SUCCEEDED"},
		{name: "of all, the skipped included", items: "kkkf", tolerance: percent(25), verdict: "SUCCEEDED"},
		{name: "100 %", items: "ffff", tolerance: percent(100), verdict: "SUCCEEDED"},
		{name: "both, neither exceeded", items: "ffss", tolerance: both(2, 50), verdict: "SUCCEEDED"},
		{name: "both, the count exceeded", items: "ffss", tolerance: both(1, 50), verdict: "FAILED (2 of 4 failed, 1 tolerated)"},
		{name: "both, the percentage exceeded", items: "ffss", tolerance: both(2, 49), verdict: "FAILED (2 of 4 failed, 1 tolerated)"},
		{name: "both exceeded", items: "fffs", tolerance: both(2, 25), verdict: "FAILED (3 of 4 failed, 1 tolerated)"},
	})
}

func TestFailFastAbortsTheRestAsSoonAsMoreHaveFailedThanIsTolerated(t *testing.T) {
	t.Parallel()
	const s = time.Second
	checkTolerance(t, []toleranceTest{
		{
			name: "not asked for", items: "sffs", tolerance: fanout.Tolerance{FailureCount: new(0)},
			verdict: "FAILED (2 of 4 failed, 0 tolerated)",
		},
		{
			name: "none tolerated", items: "sffsh", tolerance: fanout.Tolerance{FailFast: true},
			want: "sfAAA", verdict: "FAILED (1 of 5 failed, 0 tolerated)", after: s,
		},
		{
			name: "two tolerated", items: "fsffsh", tolerance: fanout.Tolerance{FailureCount: new(2), FailFast: true},
			want: "fsffAA", verdict: "FAILED (3 of 6 failed, 2 tolerated)", after: 3 * s,
		},
		{
			name: "half tolerated", items: "fsffss", tolerance: fanout.Tolerance{FailurePercentage: new(50.0), FailFast: true},
			verdict: "SUCCEEDED",
		},
		{
			name: "the rest not started", items: "sfss", tolerance: fanout.Tolerance{FailFast: true}, limit: 1,
			want: "sfnn", verdict: "FAILED (1 of 4 failed, 0 tolerated)", after: s,
		},
		{
			name: "by a timeout", items: "sts", tolerance: fanout.Tolerance{FailFast: true},
			want: "stA", verdict: "FAILED (1 of 3 failed, 0 tolerated)", after: s,
		},
	})
}

func TestMinSuccessfulAbortsTheRestAsSoonAsSoManyHaveSucceeded(t *testing.T) {
	t.Parallel()
	const s = time.Second
	checkTolerance(t, []toleranceTest{
		{
			name: "two of five", items: "ssshs", tolerance: fanout.Tolerance{MinSuccessful: 2},
			want: "ssAAA", verdict: "SUCCEEDED", after: s,
		},
		{
			name: "the rest not started", items: "sssss", tolerance: fanout.Tolerance{MinSuccessful: 2}, limit: 1,
			want: "ssnnn", verdict: "SUCCEEDED", after: s,
		},
		{
			name: "alone it replaces the default of no failure", items: "fffss", tolerance: fanout.Tolerance{MinSuccessful: 2},
			verdict: "SUCCEEDED",
		},
		{
			name: "all", items: "sss", tolerance: fanout.Tolerance{MinSuccessful: 3},
			verdict: "SUCCEEDED",
		},
		{
			name: "out of reach by one failure", items: "fsssf", tolerance: fanout.Tolerance{MinSuccessful: 4},
			verdict: "FAILED (2 of 5 failed, 1 tolerated, 4 had to succeed)",
		},
		{
			name: "out of reach, and failing fast", items: "fsfss", tolerance: fanout.Tolerance{MinSuccessful: 4, FailFast: true},
			want: "fsfAA", verdict: "FAILED (2 of 5 failed, 1 tolerated, 4 had to succeed)", after: 2 * s,
		},
		{
			name: "out of reach for want of items", items: "ss", tolerance: fanout.Tolerance{MinSuccessful: 3},
			verdict: "FAILED (0 of 2 failed, 0 tolerated, 3 had to succeed)",
		},
		{
			name: "out of reach because there was nothing to do", items: "ksk", tolerance: fanout.Tolerance{MinSuccessful: 2},
			verdict: "FAILED (0 of 3 failed, 0 tolerated, 2 had to succeed)",
		},
		{
			name: "what is skipped is no success", items: "kssh", tolerance: fanout.Tolerance{MinSuccessful: 2},
			want: "kssA", verdict: "SUCCEEDED", after: 2 * s,
		},
		{
			name: "with a count of failures that suffices", items: "fssh", tolerance: fanout.Tolerance{MinSuccessful: 2, FailureCount: new(1)},
			want: "fssA", verdict: "SUCCEEDED", after: 2 * s,
		},
		{
			name: "with a count of failures that does not", items: "fssh", tolerance: fanout.Tolerance{MinSuccessful: 2, FailureCount: new(0)},
			want: "fssA", verdict: "FAILED (1 of 4 failed, 0 tolerated, 2 had to succeed)", after: 2 * s,
		},
		{
			name: "with a count, failing fast", items: "sfsh", tolerance: fanout.Tolerance{MinSuccessful: 2, FailureCount: new(0), FailFast: true},
			want: "sfAA", verdict: "FAILED (1 of 4 failed, 0 tolerated, 2 had to succeed)", after: s,
		},
		{
			name: "with a percentage that does not suffice", items: "fsss", tolerance: fanout.Tolerance{MinSuccessful: 3, FailurePercentage: new(20.0)},
			verdict: "FAILED (1 of 4 failed, 0 tolerated, 3 had to succeed)",
		},
	})
}

// What the deadline cuts short counts as failed when it is asked whether that is
// tolerated; what is cancelled is never asked.
func TestTheDeadlineAndTheTolerance(t *testing.T) {
	t.Parallel()
	const d = 2500 * time.Millisecond
	checkTolerance(t, []toleranceTest{
		{
			name: "none tolerated", items: "sssh", deadline: d,
			want: "ssst", verdict: "TIMED_OUT (context deadline exceeded)", after: d,
		},
		{
			name: "as many tolerated as were cut", items: "ssshh", deadline: d, tolerance: fanout.Tolerance{FailureCount: new(2)},
			want: "ssstt", verdict: "SUCCEEDED", after: d,
		},
		{
			name: "one less tolerated than were cut", items: "ssshh", deadline: d, tolerance: fanout.Tolerance{FailureCount: new(1)},
			want: "ssstt", verdict: "TIMED_OUT (context deadline exceeded)", after: d,
		},
		{
			name: "one tolerated, and one failed before", items: "sfsh", deadline: d, tolerance: fanout.Tolerance{FailureCount: new(1)},
			want: "sfst", verdict: "TIMED_OUT (context deadline exceeded)", after: d,
		},
		{
			name: "one tolerated, and two failed before", items: "ffsh", deadline: d, tolerance: fanout.Tolerance{FailureCount: new(1)},
			want: "ffst", verdict: "FAILED (2 of 4 failed, 1 tolerated)", after: d,
		},
		{
			name: "not started is cut too", items: "sshh", deadline: d, limit: 1, tolerance: fanout.Tolerance{FailureCount: new(1)},
			want: "sstn", verdict: "TIMED_OUT (context deadline exceeded)", after: d,
		},
		{
			name: "too few succeeded", items: "ssshh", deadline: d, tolerance: fanout.Tolerance{MinSuccessful: 4},
			want: "ssstt", verdict: "TIMED_OUT (context deadline exceeded)", after: d,
		},
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(d, cancel)
			_, verdict := fanout.Map(ctx, fanout.Policy{Tolerance: fanout.Tolerance{FailureCount: new(9)}}, each("sssh"), play)
			if got, want := showVerdict(verdict), "ABORTED (context canceled)"; got != want {
				t.Errorf("verdict = %s, want %s", got, want)
			}
		})
	})
}

func TestFailuresAndSuccessesAreCountedByGroup(t *testing.T) {
	t.Parallel()
	const s = time.Second
	count := func(n int) fanout.Tolerance { return fanout.Tolerance{FailureCount: &n} }
	percent := func(p float64) fanout.Tolerance { return fanout.Tolerance{FailurePercentage: &p} }
	atLeast := func(n int) fanout.Tolerance { return fanout.Tolerance{MinSuccessful: n} }
	fast := fanout.Tolerance{FailureCount: new(0), FailFast: true}
	checkTolerance(t, []toleranceTest{
		{name: "a group fails once", items: "fffs", groups: []int{0, 0, 0, 1}, tolerance: count(1), verdict: "SUCCEEDED"},
		{name: "two groups fail", items: "fssf", groups: []int{0, 0, 1, 1}, tolerance: count(1), verdict: "FAILED (2 of 2 failed, 1 tolerated)"},
		{name: "a percentage is of groups", items: "fffs", groups: []int{0, 0, 0, 1}, tolerance: percent(50), verdict: "SUCCEEDED"},
		{name: "a group fails with its first item", items: "shfs", groups: []int{0, 0, 1, 1}, tolerance: fast, want: "sAfA", verdict: "FAILED (1 of 2 failed, 0 tolerated)", after: 2 * s},
		{name: "a group has succeeded when all its items have", items: "ssssh", groups: []int{0, 1, 0, 2, 3}, tolerance: atLeast(1), want: "ssAAA", verdict: "SUCCEEDED", after: s},
		{name: "and not before", items: "ssssh", groups: []int{0, 0, 0, 0, 1}, tolerance: atLeast(1), want: "ssssA", verdict: "SUCCEEDED", after: 3 * s},
		{name: "or were skipped", items: "skh", groups: []int{0, 0, 1}, tolerance: atLeast(1), want: "skA", verdict: "SUCCEEDED", after: s},
		{name: "or were skipped, first", items: "ksh", groups: []int{0, 0, 1}, tolerance: atLeast(1), want: "ksA", verdict: "SUCCEEDED", after: s},
		{name: "not all of them skipped", items: "kks", groups: []int{0, 0, 1}, tolerance: atLeast(2), verdict: "FAILED (0 of 2 failed, 0 tolerated, 2 had to succeed)"},
		{name: "a failure and a success are a failure", items: "fss", groups: []int{0, 0, 1}, tolerance: atLeast(2), verdict: "FAILED (1 of 2 failed, 0 tolerated, 2 had to succeed)"},
		{name: "numbers need not be dense", items: "ff", groups: []int{7, 3}, tolerance: count(1), verdict: "FAILED (2 of 2 failed, 1 tolerated)"},
		{name: "numbers without items do not count", items: "fs", groups: []int{9, 9}, tolerance: percent(99), verdict: "FAILED (1 of 1 failed, 0 tolerated)"},
		{
			name: "a group that failed is not cut too", items: "fsh", groups: []int{0, 1, 0}, tolerance: count(1), deadline: s + s/2,
			want: "fst", verdict: "SUCCEEDED", after: s + s/2,
		},
		{
			name: "a group is cut once", items: "shh", groups: []int{0, 1, 1}, tolerance: count(1), deadline: s / 2,
			want: "stt", verdict: "SUCCEEDED", after: s / 2,
		},
		{
			name: "what was cut has not succeeded", items: "ssh", groups: []int{0, 1, 1}, tolerance: atLeast(2), deadline: s + s/2,
			want: "sst", verdict: "TIMED_OUT (context deadline exceeded)", after: s + s/2,
		},
	})
}
