package workercheck

import (
	"context"
	"slices"
	"time"

	"meridian/pkg/protocol"
)

// leastTime is how long the targets have to take, one after the other, to be checked with a
// budget that is too short: half of it is 20 times what a busy machine may delay an answer.
const leastTime = 400 * time.Millisecond

// longestBudget bounds the budget of the check, so that a person need not wait long.
const longestBudget = 5 * time.Second

// slack is how much later than the budget an answer may arrive, besides twice what the start
// and the network took before.
const slack = time.Second

// budget sends the targets one at a time, with half the time that they took before.
func (k *knowledge) budget(ctx context.Context) Finding {
	all := k.timeAlone()
	if all < leastTime {
		return notChecked("give more or slower targets with --target, or --parameters that make them slower: want 0.4 s",
			"all targets, one after the other, took %v: too little to cut short", rounded(all))
	}
	given := min(all/2, longestBudget)
	r := k.request(k.Targets...)
	r.Policy.MaxConcurrency, r.BudgetMs = 1, protocol.Milliseconds(given)
	answer, took, err := k.ask(ctx, r, "")
	const inTime = "answer a tenth of budgetMs, at most a second, before it ends, with what there is by then"
	if err != nil {
		return noAnswer(err, inTime)
	}
	if err := protocol.CheckAnswer(&r, &answer); err != nil {
		return failed("list every target when the budget ends, unfinished ones as TIMED_OUT or NOT_STARTED", "%v", err)
	}
	if answer.ElapsedMs > r.BudgetMs || took > given+2*k.start+slack {
		return k.timingFailed(inTime, "the budget was %v; the worker says that it took %v, and the answer came after %v (with %v for start and network)",
			rounded(given), rounded(protocol.Duration(answer.ElapsedMs)), rounded(took), rounded(k.start))
	}
	var finished time.Duration // how long the targets that are finished now took before
	for _, t := range answer.Targets {
		if before := k.alone[t.Target]; fine(t) {
			finished += protocol.Duration(before.ElapsedMs)
		} else if fine(before) && t.Status != protocol.StatusTimedOut && t.Status != protocol.StatusNotStarted {
			return failed("report targets that the budget leaves unfinished as TIMED_OUT if they were started, else as NOT_STARTED", "%s", described(t))
		}
	}
	if limit := protocol.Duration(answer.ElapsedMs) * 3 / 2; finished > limit {
		return k.timingFailed("report as SUCCEEDED only what has been finished, and keep to policy.maxConcurrency; or give targets that always take as long",
			"after %v, with a maxConcurrency of 1: %s; these took %v before", rounded(protocol.Duration(answer.ElapsedMs)), statuses(answer.Targets), rounded(finished))
	}
	if !slices.ContainsFunc(answer.Targets, func(t protocol.TargetOutcome) bool { return !fine(t) && fine(k.alone[t.Target]) }) {
		return notChecked("give targets that always take as long", "the targets that took %v before took %v", rounded(all), rounded(protocol.Duration(answer.ElapsedMs)))
	}
	return passed("the budget was %v, and the worker took %v; %s", rounded(given), rounded(protocol.Duration(answer.ElapsedMs)), statuses(answer.Targets))
}

// timeAlone returns how long the targets took, one after the other.
func (k *knowledge) timeAlone() (all time.Duration) {
	for _, t := range k.alone {
		all += protocol.Duration(t.ElapsedMs)
	}
	return all
}

// rounded returns a duration as a person wants it.
func rounded(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
