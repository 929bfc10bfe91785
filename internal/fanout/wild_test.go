package fanout_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"meridian/internal/fanout"
)

// A wild scenario has hedges, and lanes with an account each. An account refuses calls
// beyond its limit, and some of the others.
type wild struct {
	scenario
	limits      []int // of each lane's account
	refuseEvery []int // of each lane, refuse one call of this many; 0 is never
}

func (w wild) String() string {
	return fmt.Sprintf("%v\nlimits %v, refuseEvery %v", w.scenario, w.limits, w.refuseEvery)
}

// patient reports whether only throttles delay the items: no account refuses
// everything, no work fails, and there is enough time.
func (w wild) patient() bool { return w.deadline > time.Hour/2 }

func wilds() *rapid.Generator[wild] {
	return rapid.Custom(func(t *rapid.T) wild {
		w := wild{scenario: scenarios().Draw(t, "scenario")}
		patient := rapid.IntRange(0, 2).Draw(t, "patient") == 0
		w.items = w.items[:0]
		for range rapid.SampledFrom([]int{1, 2, 5, 12, 40, 80}).Draw(t, "items") {
			w.items = append(w.items, rapid.SliceOfN(wildSteps(patient), 1, 3).Draw(t, "steps"))
		}
		w.deadline = time.Duration(rapid.IntRange(1, 60_000).Draw(t, "deadline"))*time.Millisecond - 2*time.Microsecond
		least := 0
		if patient {
			w.deadline, w.cancel, w.policy.Timeout, least = time.Hour-2*time.Microsecond, 0, 0, 1
			w.policy.Tolerance = fanout.Tolerance{}
			w.policy.Retry = []fanout.Retrier{{ErrorEquals: []string{"Throttled"}}}
		}
		groups, lanes := rapid.IntRange(1, 5).Draw(t, "groups"), 1
		w.policy.Groups = rapid.SliceOfN(rapid.IntRange(0, groups-1), len(w.items), len(w.items)).Draw(t, "groupOf")
		if w.policy.Adaptation.PerGroup = rapid.Bool().Draw(t, "perGroup"); w.policy.Adaptation.PerGroup {
			lanes = groups
		}
		w.policy.GroupConcurrency = rapid.SampledFrom([]int{0, 0, 1, 2, 5}).Draw(t, "groupConcurrency")
		w.limits = rapid.SliceOfN(rapid.IntRange(least, 40), lanes, lanes).Draw(t, "limits")
		w.refuseEvery = rapid.SliceOfN(rapid.SampledFrom([]int{0, 1 + least, 2, 5}), lanes, lanes).Draw(t, "refuseEvery")
		if patient || rapid.Bool().Draw(t, "adapts") {
			w.policy.Adaptation.ErrorEquals = []string{"Throttled"}
			w.policy.Adaptation.CountRetries = !patient && rapid.Bool().Draw(t, "countRetries")
		}
		w.policy.Hedge.MaxExtraPercentage = float64(rapid.IntRange(0, 100).Draw(t, "maxExtra"))
		switch rapid.SampledFrom([]string{"never", "after", "after", "after percentile"}).Draw(t, "hedges") {
		case "after":
			w.policy.Hedge.After = time.Duration(rapid.IntRange(1, 2000).Draw(t, "after")) * time.Millisecond
		case "after percentile":
			w.policy.Hedge.AfterPercentile = float64(rapid.IntRange(1, 99).Draw(t, "percentile"))
		}
		return w
	})
}

// wildSteps are mostly quick, and when patient they end well.
func wildSteps(patient bool) *rapid.Generator[step] {
	kinds := []string{"ok", "ok", "ok", "ok", "ignoring ok", "fail", "ignoring fail", "hang", "hang fail", "skip", "panic", "goexit", "cut"}
	if patient {
		kinds = []string{"ok", "ok", "ignoring ok", "skip"}
	}
	return rapid.Custom(func(t *rapid.T) step {
		return step{
			kind:  rapid.SampledFrom(kinds).Draw(t, "kind"),
			takes: time.Duration(rapid.IntRange(1, 5_000_000).Draw(t, "takes"))*time.Microsecond + 17,
			name:  names().Draw(t, "name"),
		}
	})
}

// A wildRun has what became of a wild scenario.
type wildRun struct {
	*recording
	wild     wild
	lanes    []gauge
	groups   []gauge
	yielded  map[int]int
	ignoring map[[2]int]bool // of each item, the attempts that ignore their contexts
	left     []int           // of each item, the others that had not ended when Map returned
}

func (w wild) run(t *rapid.T, run func(context.Context, *wildRun) ([]fanout.Outcome[string], fanout.Verdict)) *wildRun {
	r := &wildRun{wild: w, lanes: make([]gauge, len(w.limits)), groups: make([]gauge, 1+slices.Max(w.policy.Groups)), yielded: map[int]int{}, ignoring: map[[2]int]bool{}, left: make([]int, len(w.items))}
	w.scenario.run(t, func(ctx context.Context, d *recording) ([]fanout.Outcome[string], fanout.Verdict) {
		r.recording = d
		outcomes, verdict := run(ctx, r)
		d.mu.Lock()
		defer d.mu.Unlock()
		for i, seen := range d.seen {
			for n, s := range seen {
				if s.end.IsZero() && !r.ignoring[[2]int{i, n}] {
					r.left[i]++
				}
			}
		}
		return outcomes, verdict
	})
	return r
}

// attempt is the Func of a wild scenario. A hedge does the next step of its item,
// not the same.
func (r *wildRun) attempt(ctx context.Context, i int, prior []fanout.Attempt) (string, error) {
	lane, steps := 0, r.wild.items[i]
	if r.wild.policy.Adaptation.PerGroup {
		lane = r.wild.policy.Groups[i]
	}
	n := r.begin(i, len(prior))
	defer r.end(i, n)
	group := &r.groups[r.wild.policy.Groups[i]]
	group.add(1)
	defer group.add(-1)
	account := &r.lanes[lane]
	account.add(1)
	defer account.add(-1)
	step := steps[min(n, len(steps)-1)]
	do := step.item()
	running, _, starts := account.read()
	if every := r.wild.refuseEvery[lane]; running > r.wild.limits[lane] || every > 0 && starts%every == 0 {
		do = fail(time.Duration(1+i)*1_000_003, named("Throttled"))
	} else if strings.HasPrefix(step.kind, "ignoring") {
		r.mu.Lock()
		r.ignoring[[2]int{i, n}] = true
		r.mu.Unlock()
	}
	return r.gauge.watch(do)(ctx, prior)
}

// Whatever hedges there are, and whatever is too much for the other side.
func TestWhateverHappensWithHedgesAndLanes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := wilds().Draw(t, "wild")
		w.run(t, func(ctx context.Context, r *wildRun) ([]fanout.Outcome[string], fanout.Verdict) {
			return fanout.Map(ctx, w.policy, numbers(len(w.items)), r.attempt)
		}).check(t)
		w.run(t, func(ctx context.Context, r *wildRun) ([]fanout.Outcome[string], fanout.Verdict) {
			outcomes := make([]fanout.Outcome[string], len(w.items))
			var events events
			settled, verdict := fanout.Watch(ctx, w.policy, numbers(len(w.items)), r.attempt, events.add)
			for i, o := range settled {
				r.yielded[i]++
				outcomes[i] = o
				events.check(t, i, o)
			}
			if len(events) != 0 {
				t.Errorf("there were events of items that were not yielded: %v", events)
			}
			if len(r.yielded) != len(w.items) {
				t.Errorf("%d items were yielded, want %d", len(r.yielded), len(w.items))
			}
			return outcomes, verdict()
		}).check(t)
	})
}

// check holds what became of a wild scenario against the promises.
func (r *wildRun) check(t *rapid.T) {
	p := r.wild.policy
	if len(r.outcomes) != len(r.wild.items) {
		t.Fatalf("%d outcomes, want one for each of %d items", len(r.outcomes), len(r.wild.items))
	}
	if running, peak, _ := r.gauge.read(); running != 0 || p.MaxConcurrency > 0 && peak > p.MaxConcurrency {
		t.Errorf("%d attempts still running, at most %d at once; want 0, %d", running, peak, p.MaxConcurrency)
	}
	if end := r.endsAt(); r.took > end && r.took-end > p.Grace {
		t.Errorf("took %v, want the context's end and grace at most, %v + %v", r.took, end, p.Grace)
	}
	for g := range r.groups {
		if _, peak, _ := r.groups[g].read(); p.GroupConcurrency > 0 && peak > p.GroupConcurrency {
			t.Errorf("group %d had %d attempts at once, want at most %d", g, peak, p.GroupConcurrency)
		}
	}
	throttled, hedges := 0, 0
	for i, o := range r.outcomes {
		if r.yielded[i] > 1 {
			t.Errorf("item %d was yielded %d times", i, r.yielded[i])
		}
		r.checkItem(t, i, o)
		for _, a := range o.Attempts {
			if a.Hedge {
				hedges++
			}
			if a.Name == "Throttled" && len(p.Adaptation.ErrorEquals) > 0 {
				throttled++
			}
		}
	}
	most := 0
	if p.Hedge.After > 0 || p.Hedge.AfterPercentile > 0 {
		most = p.Hedge.Most(len(r.outcomes))
	}
	if hedges > most {
		t.Errorf("%d hedges, want at most %d", hedges, most)
	}
	at := r.verdict.Concurrency
	if r.verdict.Throttled != throttled || at > 0 && throttled == 0 || at > len(r.outcomes)+most || p.MaxConcurrency > 0 && at > p.MaxConcurrency {
		t.Errorf("throttled %d times, settled at %d; want %d, at most %d at once", r.verdict.Throttled, at, throttled, len(r.outcomes)+most)
	}
	if p.Adaptation.ErrorEquals == nil && most == 0 {
		r.checkVerdict(t)
	}
}

// checkItem compares what is recorded of one item with what was seen.
func (r *wildRun) checkItem(t *rapid.T, i int, o fanout.Outcome[string]) {
	if len(o.Attempts) != len(r.seen[i]) {
		t.Fatalf("item %d: %d attempts recorded, %d seen: %+v", i, len(o.Attempts), len(r.seen[i]), o)
	}
	if r.left[i] > 0 {
		t.Errorf("item %d: %d attempts left running that heed their contexts: %+v", i, r.left[i], o)
	}
	r.checkRecord(t, i, o)
	var first, settled time.Time
	answered := 0
	for k, a := range o.Attempts {
		if k == 0 || a.Start.Before(first) {
			first = a.Start
		}
		settled = a.Start.Add(a.Elapsed)
		if a.Name == "" && !outrun(a) {
			answered++
		}
	}
	for _, s := range r.seen[i] {
		if s.start.After(settled) {
			t.Errorf("item %d: an attempt started after it had settled", i)
		}
	}
	if !o.Started().Equal(first) || o.Elapsed != settled.Sub(first) {
		t.Errorf("item %d started at %v, took %v: %+v", i, o.Started(), o.Elapsed, o)
	}
	done := o.Status == fanout.Succeeded || o.Status == fanout.Skipped
	if answered > 1 || (answered == 1) != done {
		t.Errorf("item %d is %s with %d answers: %+v", i, o.Status, answered, o)
	}
	ok := o.Status == fanout.Succeeded
	if ok != (o.Err == nil) || ok != (o.Value == "value") || (o.Status == fanout.NotStarted) != (len(o.Attempts) == 0) {
		t.Errorf("item %d: an outcome that cannot be: %+v", i, o)
	}
	if r.wild.patient() && !done {
		t.Errorf("item %d is %s, though nothing but throttles is in its way: %v", i, o.Status, o.Err)
	}
}

// outrun reports whether another attempt was faster.
func outrun(a fanout.Attempt) bool {
	return a.Err != nil && a.Name == "" && !errors.Is(a.Err, skipping(true))
}

// checkRecord compares the attempts as recorded with the attempts as seen.
func (r *wildRun) checkRecord(t *rapid.T, i int, o fanout.Outcome[string]) {
	seen, ignoring := map[time.Time]observation{}, map[time.Time]bool{}
	for n, s := range r.seen[i] {
		seen[s.start], ignoring[s.start] = s, r.ignoring[[2]int{i, n}]
	}
	for k, a := range o.Attempts {
		end := a.Start.Add(a.Elapsed)
		s, known := seen[a.Start]
		after := s.end.Sub(end)
		switch {
		case !known:
			t.Errorf("item %d, attempt %d started at %v, the item saw no attempt", i, k, a.Start)
		case a.Abandoned && after <= 0:
			t.Errorf("item %d, attempt %d was abandoned at %v, it ended at %v", i, k, end, s.end)
		case outrun(a) && (after < 0 || after >= time.Millisecond && !ignoring[a.Start] || k == len(o.Attempts)-1):
			t.Errorf("item %d, attempt %d was outrun at %v, it ended at %v: %+v", i, k, end, s.end, o)
		case !a.Abandoned && !outrun(a) && after != 0:
			t.Errorf("item %d, attempt %d ended at %v, recorded is %v", i, k, s.end, end)
		case k > 0 && o.Attempts[k-1].Wait > max(0, a.Start.Sub(o.Attempts[k-1].Start)-o.Attempts[k-1].Elapsed):
			t.Errorf("item %d: attempt %d did not wait %v", i, k, o.Attempts[k-1].Wait)
		}
		if deadline := r.start.Add(r.wild.deadline); !a.Start.Before(deadline) {
			t.Errorf("item %d, attempt %d started %v after the deadline", i, k, a.Start.Sub(deadline))
		}
	}
}
