package fanout_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/internal/fanout"
)

// A step is what one attempt does: its kind, after or for a time, with an error
// of that name.
type step struct {
	kind  string
	takes time.Duration
	name  string
}

// stepKinds says what the kinds are: whether they heed their context, and what
// they come to.
var stepKinds = []string{
	"ok", "ok", "ok", "fail", "fail", "fail", "skip", "panic", "goexit",
	"hang",      // until the context ends, and a moment longer
	"hang fail", // the same, with an error of its own
	"ignoring ok", "ignoring fail",
	"cut", // says that the run's time was over for it
}

// A scenario is a run as drawn: for each item what its attempts do in turn (the
// last one ever after), a policy, and an end of the context.
type scenario struct {
	items    [][]step
	policy   fanout.Policy
	deadline time.Duration // 0 is none
	cancel   time.Duration // 0 is never
}

func (s scenario) String() string {
	return fmt.Sprintf("items %v\npolicy %+v\ndeadline %v, cancel %v", s.items, s.policy, s.deadline, s.cancel)
}

var errRunEnd = errors.New("the end of the run")

// run runs the scenario with Map or with Each, in a bubble of its own.
func (s scenario) run(t *rapid.T, run func(context.Context, *recording) ([]fanout.Outcome[string], fanout.Verdict)) *recording {
	d := &recording{scenario: s, seen: make([][]observation, len(s.items))}
	rapid.SyncTest(t, func(t *rapid.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		if s.deadline > 0 {
			var stop context.CancelFunc
			ctx, stop = context.WithTimeoutCause(ctx, s.deadline, errRunEnd)
			defer stop()
		}
		if s.cancel > 0 {
			time.AfterFunc(s.cancel, func() { cancel(errRunEnd) })
		}
		d.start = time.Now()
		d.outcomes, d.verdict = run(ctx, d)
		d.took = time.Since(d.start)
		time.Sleep(time.Hour) // until what ignores its context has ended
		synctest.Wait()
	})
	return d
}

func (s scenario) withMap(t *rapid.T) *recording {
	return s.run(t, func(ctx context.Context, d *recording) ([]fanout.Outcome[string], fanout.Verdict) {
		return fanout.Map(ctx, s.policy, numbers(len(s.items)), d.attempt)
	})
}

func (s scenario) withEach(t *rapid.T) *recording {
	return s.run(t, func(ctx context.Context, d *recording) ([]fanout.Outcome[string], fanout.Verdict) {
		outcomes := make([]fanout.Outcome[string], len(s.items))
		settled, verdict := fanout.Each(ctx, s.policy, numbers(len(s.items)), d.attempt)
		for i, o := range settled {
			if outcomes[i].Status != "" {
				t.Errorf("item %d was yielded twice", i)
			}
			if now, end := time.Now(), o.Started().Add(o.Elapsed); len(o.Attempts) > 0 && !d.ended(o) && !now.Equal(end) {
				t.Errorf("item %d was yielded %v after it had settled", i, now.Sub(end))
			}
			outcomes[i] = o
		}
		return outcomes, verdict()
	})
}

// A recording has the outcomes and the attempts of a scenario.
type recording struct {
	scenario scenario
	start    time.Time
	took     time.Duration
	outcomes []fanout.Outcome[string]
	verdict  fanout.Verdict

	gauge gauge
	mu    sync.Mutex
	seen  [][]observation // of each item
}

// An observation is one attempt as it saw itself.
type observation struct {
	start, end time.Time
	prior      int
}

// attempt is the Func of a scenario.
func (d *recording) attempt(ctx context.Context, i int, prior []fanout.Attempt) (string, error) {
	steps := d.scenario.items[i]
	n := d.begin(i, len(prior))
	defer d.end(i, n)
	return d.gauge.watch(steps[min(len(prior), len(steps)-1)].item())(ctx, prior)
}

func (d *recording) begin(i, prior int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen[i] = append(d.seen[i], observation{start: time.Now(), prior: prior})
	return len(d.seen[i]) - 1
}

func (d *recording) end(i, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen[i][n].end = time.Now()
}

func (s step) item() item {
	switch s.kind {
	case "ok":
		return ok(s.takes, "value")
	case "fail":
		return fail(s.takes, named(s.name))
	case "cut":
		return fail(s.takes, cutShortError(true))
	case "skip":
		return fail(s.takes, skipping(true))
	case "hang":
		return endLate(s.takes%time.Millisecond, context.Canceled)
	case "hang fail":
		return endLate(s.takes%time.Millisecond, named(s.name))
	case "ignoring ok":
		return ignoring(s.takes, "value")
	case "ignoring fail":
		return func(context.Context, []fanout.Attempt) (string, error) {
			time.Sleep(s.takes)
			return "", named(s.name)
		}
	case "panic", "goexit":
		return func(ctx context.Context, _ []fanout.Attempt) (string, error) {
			if err := sleep(ctx, s.takes); err != nil {
				return "", err
			}
			if s.kind == "goexit" {
				runtime.Goexit()
			}
			panic("boom")
		}
	}
	panic("no step is called " + s.kind)
}

func scenarios() *rapid.Generator[scenario] {
	return rapid.Custom(func(t *rapid.T) scenario {
		s := scenario{items: make([][]step, rapid.IntRange(0, 12).Draw(t, "items"))}
		for i := range s.items {
			s.items[i] = rapid.SliceOfN(steps(), 1, 4).Draw(t, "steps")
			for j := range s.items[i] { // no two things happen at the very same time
				s.items[i][j].takes += time.Duration(1 + (7919*i+104729*j)%999_983)
			}
		}
		millis := func(most int, label string) time.Duration {
			return time.Duration(rapid.IntRange(1, most).Draw(t, label)) * time.Millisecond
		}
		s.policy.MaxConcurrency = rapid.IntRange(0, 5).Draw(t, "maxConcurrency")
		s.policy.Grace = millis(2000, "grace")
		if rapid.Bool().Draw(t, "has timeout") {
			s.policy.Timeout = millis(20_000, "timeout")
		}
		s.policy.Retry = rapid.SliceOfN(retriers(), 0, 3).Draw(t, "retry")
		s.policy.Tolerance = tolerances(len(s.items)).Draw(t, "tolerance")
		if rapid.Bool().Draw(t, "has groups") {
			n := len(s.items)
			s.policy.Groups = rapid.SliceOfN(rapid.IntRange(0, max(1, n/2)), n, n).Draw(t, "groups")
		}
		switch end := rapid.SampledFrom([]string{"none", "deadline", "cancel", "both"}).Draw(t, "end"); {
		case end == "none" && s.policy.Timeout == 0, end == "deadline":
			s.deadline = millis(60_000, "deadline")
		case end == "cancel":
			s.cancel = millis(60_000, "cancel") - time.Microsecond
		case end == "both":
			s.deadline = millis(60_000, "deadline")
			s.cancel = millis(60_000, "cancel") - time.Microsecond
		}
		return s
	})
}

func steps() *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step {
		return step{
			kind:  rapid.SampledFrom(stepKinds).Draw(t, "kind"),
			takes: time.Duration(rapid.IntRange(0, 30_000).Draw(t, "takes")) * time.Millisecond,
			name:  names().Draw(t, "name"),
		}
	})
}

func names() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"A", "B", "C", fanout.NameTimeout, fanout.NameTaskFailed, fanout.NameRuntime})
}

func retriers() *rapid.Generator[fanout.Retrier] {
	return rapid.Custom(func(t *rapid.T) fanout.Retrier {
		r := fanout.Retrier{
			ErrorEquals:     rapid.SliceOfN(rapid.OneOf(names(), rapid.Just(fanout.NameAll)), 1, 3).Draw(t, "errorEquals"),
			IntervalSeconds: rapid.SampledFrom([]float64{0, 0.5, 3}).Draw(t, "interval"),
			BackoffRate:     rapid.SampledFrom([]float64{0, 1, 1.5}).Draw(t, "rate"),
			MaxDelaySeconds: rapid.SampledFrom([]float64{0, 1, 4}).Draw(t, "cap"),
			JitterStrategy:  rapid.SampledFrom([]string{"", "NONE", "NONE", "FULL"}).Draw(t, "jitter"),
		}
		if n := rapid.IntRange(-1, 4).Draw(t, "retries"); n >= 0 {
			r.MaxAttempts = &n
		}
		return r
	})
}

func tolerances(n int) *rapid.Generator[fanout.Tolerance] {
	return rapid.Custom(func(t *rapid.T) (tolerance fanout.Tolerance) {
		if rapid.Bool().Draw(t, "has count") {
			tolerance.FailureCount = new(rapid.IntRange(0, n).Draw(t, "count"))
		}
		if rapid.Bool().Draw(t, "has percentage") {
			tolerance.FailurePercentage = new(float64(rapid.IntRange(0, 100).Draw(t, "percentage")))
		}
		if rapid.Bool().Draw(t, "has minSuccessful") {
			tolerance.MinSuccessful = rapid.IntRange(1, n+1).Draw(t, "minSuccessful")
		}
		tolerance.FailFast = rapid.Bool().Draw(t, "failFast")
		return tolerance
	})
}

// Whatever the items do, whatever the policy, however the run ends.
func TestWhateverHappens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := scenarios().Draw(t, "scenario")
		byMap := s.withMap(t)
		byMap.check(t)
		byEach := s.withEach(t)
		byEach.check(t)
		if t.Failed() || !byMap.calm() {
			return
		}
		if diff := cmp.Diff(byMap.show(), byEach.show()); diff != "" {
			t.Errorf("Map and Each do not agree (-Map +Each):\n%s", diff)
		}
	})
}

// calm reports whether no two things happened at one time, so that another run
// must come to the same.
func (d *recording) calm() bool {
	jitter := func(r fanout.Retrier) bool { return r.JitterStrategy == "FULL" }
	if slices.ContainsFunc(d.scenario.policy.Retry, jitter) {
		return false
	}
	at := map[time.Time]int{d.start.Add(d.endsAt()): 1}
	for _, o := range d.outcomes {
		for _, a := range o.Attempts {
			end := a.Start.Add(a.Elapsed)
			at[end]++
			if a.Wait > 0 {
				at[end.Add(a.Wait)]++
			}
			if timeout := d.scenario.policy.Timeout; timeout > 0 && a.Elapsed > timeout {
				at[a.Start.Add(timeout)]++
			}
		}
	}
	return !slices.ContainsFunc(slices.Collect(maps.Values(at)), func(n int) bool { return n > 1 })
}

func (d *recording) show() []string {
	lines := []string{d.took.String(), showVerdict(d.verdict)}
	for _, o := range d.outcomes {
		lines = append(lines, show(d.start, o))
	}
	return lines
}

// check holds what became of a scenario against every promise.
func (d *recording) check(t *rapid.T) {
	if len(d.outcomes) != len(d.scenario.items) {
		t.Fatalf("%d outcomes, want one for each of %d items", len(d.outcomes), len(d.scenario.items))
	}
	limit := d.scenario.policy.MaxConcurrency
	if running, peak, _ := d.gauge.read(); running != 0 || limit > 0 && peak > limit {
		t.Errorf("%d attempts still running, at most %d at once; want 0, %d", running, peak, limit)
	}
	if end := d.endsAt(); d.took > end && d.took-end > d.scenario.policy.Grace {
		t.Errorf("took %v, want the context's end and grace at most, %v + %v", d.took, end, d.scenario.policy.Grace)
	}
	for i, o := range d.outcomes {
		d.checkAttempts(t, i, o)
		d.checkWaits(t, i, o)
		checkStatus(t, i, o)
	}
	d.checkVerdict(t)
	if t.Failed() {
		t.Logf("%v", d.show())
	}
}

// endsAt is when the context ends.
func (d *recording) endsAt() time.Duration {
	end := time.Duration(math.MaxInt64)
	if d.scenario.deadline > 0 {
		end = d.scenario.deadline
	}
	if d.scenario.cancel > 0 {
		end = min(end, d.scenario.cancel)
	}
	return end
}

// checkAttempts compares the attempts as recorded with the attempts as seen.
func (d *recording) checkAttempts(t *rapid.T, i int, o fanout.Outcome[string]) {
	seen := d.seen[i]
	if len(o.Attempts) != len(seen) {
		t.Fatalf("item %d: %d attempts recorded, %d seen", i, len(o.Attempts), len(seen))
	}
	for k, a := range o.Attempts {
		end := a.Start.Add(a.Elapsed)
		switch {
		case seen[k].prior != k:
			t.Errorf("item %d, attempt %d was given %d prior ones", i, k, seen[k].prior)
		case !seen[k].start.Equal(a.Start):
			t.Errorf("item %d, attempt %d started at %v, recorded is %v", i, k, seen[k].start, a.Start)
		case !a.Abandoned && !seen[k].end.Equal(end):
			t.Errorf("item %d, attempt %d ended at %v, recorded is %v", i, k, seen[k].end, end)
		case a.Abandoned && !seen[k].end.After(end):
			t.Errorf("item %d, attempt %d was abandoned at %v, it ended at %v", i, k, end, seen[k].end)
		case (a.Err == nil) && a.Name != "":
			t.Errorf("item %d, attempt %d has the error name %s without an error", i, k, a.Name)
		}
		if timeout := d.scenario.policy.Timeout; a.Abandoned && timeout > 0 && a.Elapsed > timeout+d.scenario.policy.Grace {
			t.Errorf("item %d, attempt %d was abandoned after %v, want no more than Timeout+Grace", i, k, a.Elapsed)
		}
		if k == 0 {
			continue
		}
		before := o.Attempts[k-1]
		if wait := a.Start.Sub(before.Start.Add(before.Elapsed)); wait < before.Wait ||
			d.scenario.policy.MaxConcurrency == 0 && wait != before.Wait {
			t.Errorf("item %d, attempt %d came %v after the one before, want the wait, %v", i, k, wait, before.Wait)
		}
		if end := d.start.Add(d.scenario.deadline); d.scenario.deadline > 0 && !a.Start.Before(end) {
			t.Errorf("item %d, attempt %d started %v after the deadline", i, k, a.Start.Sub(end))
		}
	}
}

// checkWaits works out which retrier applied to which attempt, and so which
// waits there had to be, and whether the last attempt had to be the last.
func (d *recording) checkWaits(t *rapid.T, i int, o fanout.Outcome[string]) {
	used := map[int]int{}
	for k, a := range o.Attempts {
		wait, jitter, again := nextWait(d.scenario.policy.Retry, used, a.Name)
		panicked := errors.As(a.Err, new(*fanout.PanicError))
		at := a.Start.Add(a.Elapsed).Add(wait).Sub(d.start)
		late := d.scenario.deadline > 0 && at >= d.scenario.deadline
		last := k == len(o.Attempts)-1
		switch {
		case last && a.Wait == 0:
			if again && !late && !jitter && !panicked && a.Name != "" && !d.ended(o) {
				t.Errorf("item %d was given up after attempt %d (%s), want a wait of %v", i, k, a.Name, wait)
			}
		case !again || panicked || a.Name == "":
			t.Errorf("item %d: wait of %v after attempt %d (%s), want no further attempt", i, a.Wait, k, a.Name)
		case jitter && (a.Wait < 0 || a.Wait > wait):
			t.Errorf("item %d: wait of %v after attempt %d (%s), want one up to %v", i, a.Wait, k, a.Name, wait)
		case !jitter && a.Wait != wait:
			t.Errorf("item %d: wait of %v after attempt %d (%s), want %v", i, a.Wait, k, a.Name, wait)
		}
	}
}

// nextWait is the rule of the Amazon States Language, written out once more.
func nextWait(retriers []fanout.Retrier, used map[int]int, name string) (wait time.Duration, jitter, again bool) {
	if name == fanout.NameRuntime {
		return 0, false, false
	}
	for i, r := range retriers {
		for _, equals := range r.ErrorEquals {
			if equals != name && equals != fanout.NameAll && (equals != fanout.NameTaskFailed || name == fanout.NameTimeout) {
				continue
			}
			retries, seconds, rate := 3, r.IntervalSeconds, r.BackoffRate
			if r.MaxAttempts != nil {
				retries = *r.MaxAttempts
			}
			if seconds == 0 {
				seconds = 1
			}
			if rate == 0 {
				rate = 2
			}
			if used[i] == retries {
				return 0, false, false
			}
			for range used[i] {
				seconds *= rate
			}
			used[i]++
			if r.MaxDelaySeconds != 0 && seconds > r.MaxDelaySeconds {
				seconds = r.MaxDelaySeconds
			}
			return time.Duration(math.Round(seconds * 1e9)), r.JitterStrategy == "FULL", true
		}
	}
	return 0, false, false
}

// ended reports whether the run's end interrupted the item, also when the item's own
// error says so.
func (d *recording) ended(o fanout.Outcome[string]) bool {
	switch o.Status {
	case fanout.Aborted, fanout.NotStarted:
		return true
	case fanout.TimedOut:
		return errors.Is(o.Err, errRunEnd) || saysCut(o)
	default:
		return false
	}
}

func saysCut(o fanout.Outcome[string]) bool { return errors.Is(o.Err, cutShortError(true)) }

func checkStatus(t *rapid.T, i int, o fanout.Outcome[string]) {
	var last fanout.Attempt
	if n := len(o.Attempts); n > 0 {
		last = o.Attempts[n-1]
		if got, want := o.Elapsed, last.Start.Add(last.Elapsed).Sub(o.Attempts[0].Start); got != want {
			t.Errorf("item %d: Elapsed = %v, want %v", i, got, want)
		}
		for k, a := range o.Attempts[:n-1] {
			if a.Err == nil || a.Name == "" {
				t.Errorf("item %d: an attempt after attempt %d, which did not fail", i, k)
			}
		}
	}
	tried, right := len(o.Attempts) > 0, false
	switch o.Status {
	case fanout.Succeeded:
		right = tried && o.Err == nil && last.Err == nil && o.Value == "value"
	case fanout.Skipped:
		right = tried && errors.Is(o.Err, skipping(true)) && last.Name == ""
	case fanout.Failed:
		right = tried && o.Err == last.Err && last.Name != "" && last.Name != fanout.NameTimeout && last.Wait == 0 //nolint:errorlint // the very same
	case fanout.TimedOut:
		right = tried && last.Name != "" && fanout.ErrorName(o.Err) == fanout.NameTimeout
	case fanout.Aborted:
		right = tried && o.Err != nil && last.Name != ""
	case fanout.NotStarted:
		right = !tried && o.Err != nil && o.Elapsed == 0
	}
	if !right || o.Status != fanout.Succeeded && o.Value != "" {
		t.Errorf("item %d: an outcome that cannot be: %+v", i, o)
	}
}

// checkVerdict counts once more, by hand.
func (d *recording) checkVerdict(t *rapid.T) {
	counts := d.count(func(fanout.Outcome[string]) bool { return true })
	want := fanout.Succeeded
	switch minimum := d.scenario.policy.Tolerance.MinSuccessful; {
	case d.tooMany(counts.failed, counts):
		want = fanout.Failed
	case minimum > 0 && counts.succeeded >= minimum, counts.cut == 0:
	case d.scenario.cancel > 0 && d.scenario.cancel == d.endsAt() && d.took >= d.scenario.cancel:
		want = fanout.Aborted
	case d.tooMany(counts.failed+counts.cut, counts):
		want = fanout.TimedOut
	}
	if d.verdict.Status != want || (d.verdict.Err == nil) != (want == fanout.Succeeded) {
		t.Errorf("verdict = %s, want %s with %+v", showVerdict(d.verdict), want, counts)
	}
	d.checkStop(t)
}

// checkStop checks that the run stopped when there was a reason to stop, not
// earlier and not later.
func (d *recording) checkStop(t *rapid.T) {
	ends := func(o fanout.Outcome[string]) time.Time { return o.Started().Add(o.Elapsed) }
	reason := d.start.Add(d.endsAt())
	for _, o := range d.outcomes {
		if d.ended(o) {
			continue
		}
		by := d.count(func(other fanout.Outcome[string]) bool { return !d.ended(other) && !ends(other).After(ends(o)) })
		tolerance := d.scenario.policy.Tolerance
		enough := tolerance.MinSuccessful > 0 && by.succeeded >= tolerance.MinSuccessful
		if (enough || tolerance.FailFast && d.tooMany(by.failed, by)) && ends(o).Before(reason) {
			reason = ends(o)
		}
	}
	for i, o := range d.outcomes {
		for k, a := range o.Attempts {
			if a.Start.After(reason) {
				t.Errorf("item %d: attempt %d started %v after the run had reason to stop", i, k, a.Start.Sub(reason))
			}
		}
		if d.ended(o) && !saysCut(o) && d.start.Add(d.took).Before(reason) {
			t.Errorf("item %d is %s after %v, though the run had reason to stop only after %v", i, o.Status, d.took, reason.Sub(d.start))
		}
	}
}

// groupCounts is how many groups there are, and what became of them.
type groupCounts struct{ total, failed, cut, succeeded, skipped int }

// count looks at those outcomes that which says yes to; a group with others is
// neither succeeded nor skipped yet.
func (d *recording) count(which func(fanout.Outcome[string]) bool) (c groupCounts) {
	byGroup := map[int][]fanout.Outcome[string]{}
	for i, o := range d.outcomes {
		g := i
		if groups := d.scenario.policy.Groups; groups != nil {
			g = groups[i]
		}
		byGroup[g] = append(byGroup[g], o)
	}
	for _, group := range byGroup {
		n := map[string]int{}
		for _, o := range group {
			switch {
			case !which(o):
				n["open"]++
			case d.ended(o):
				n["cut"]++
			case o.Status == fanout.Failed || o.Status == fanout.TimedOut:
				n["failed"]++
			default:
				n[string(o.Status)]++
			}
		}
		c.total++
		switch {
		case n["failed"] > 0:
			c.failed++
		case n["cut"] > 0:
			c.cut++
		case n["open"] > 0:
		case n["SUCCEEDED"] > 0:
			c.succeeded++
		default:
			c.skipped++
		}
	}
	return c
}

// tooMany is the rule of the tolerance, written out once more.
func (d *recording) tooMany(failed int, c groupCounts) bool {
	tolerance := d.scenario.policy.Tolerance
	if tolerance.FailureCount == nil && tolerance.FailurePercentage == nil && tolerance.MinSuccessful == 0 {
		return failed > 0
	}
	if tolerance.FailureCount != nil && failed > *tolerance.FailureCount {
		return true
	}
	if tolerance.FailurePercentage != nil && 100*failed > int(*tolerance.FailurePercentage)*c.total {
		return true
	}
	return tolerance.MinSuccessful > 0 && c.total-failed-c.skipped < tolerance.MinSuccessful
}
