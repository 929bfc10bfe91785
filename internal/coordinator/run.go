package coordinator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"meridian/internal/fanout"
	"meridian/pkg/protocol"
)

// A run carries out one plan. It holds everything that changes meanwhile.
type run struct {
	coordinator *Coordinator
	plan        *Plan // not changed
	units       []unit
	policy      fanout.Policy
	lanes       []string        // the Region of each of the policy's groups
	dialect     dialect         // of the workers
	inputs      protocol.Inputs // of the targets
	invokers    []Invoker       // by the number of the account; nil for one without Regions
	begin       time.Time
	endBy       time.Time // when the run's time is over; zero means never
	cut         bool      // whether that is for the function's deadline
	notices     []string
	outputs     *protocol.Outputs
	waits       waits
	gathered
	bill    billing
	lookups protocol.Result // the outcomes of the look-ups; zero means none

	logger   *slog.Logger
	events   func(protocol.Event) // nil means none
	sequence int                  // of the last event
	kept
}

// kept is what only a kept run has.
type kept struct {
	generation *Generation              // nil means that the run is not kept
	log        Log                      // of the generation, or nil
	secret     func(target string) bool // whether the output of a target is not kept; nil means that all are
	history    *History                 // of the generation, or nil
	handsOver  bool                     // whether another generation carries on what this one's end interrupts
	open       []unit                   // that another generation carries on

	prior          []fanout.Prior            // of each unit; nil means none
	values         []*reply                  // of the units that have succeeded in an earlier generation
	loggedOutcomes []*protocol.RegionOutcome // of the Regions that have settled in an earlier generation, and do not go on
	lost           []lostAttempt
	stored         atomic.Int64 // answers beside the log
}

// newRun starts the clock of a run. The context ends with the run's time; cancel
// releases it.
func (c *Coordinator) newRun(parent context.Context, ready *Ready, begin time.Time, g *Generation) (r *run, ctx context.Context, cancel context.CancelFunc) {
	r = c.runOf(ready, begin)
	if g != nil {
		r.keep(g)
	}
	r.gather()
	ctx, cancel = r.withinTime(parent, c.CPU)
	return r, ctx, cancel
}

// runOf returns a run of a plan.
func (c *Coordinator) runOf(ready *Ready, begin time.Time) *run {
	p := &ready.Plan
	units := p.units()
	groups, lanes := p.groups(units)
	r := &run{
		coordinator: c, plan: p, units: units, policy: p.policy(groups, c.MemoryMB), lanes: lanes, begin: begin,
		notices: slices.Clip(p.Notices),
		outputs: newOutputs(p.MaxAnswerBytes),
		bill:    c.billing(p), logger: c.logger(p), events: c.Events, lookups: ready.Lookups,
	}
	r.dialect, _ = p.dialect() // on an error, each request fails with it
	r.inputs, r.invokers = protocol.InputsOf(p.Request.Targets), c.invokers(p)
	return r
}

// withinTime returns the context of the run: it ends after the request's time, and
// before the function's deadline by its reserve.
func (r *run) withinTime(ctx context.Context, cpu float64) (context.Context, context.CancelFunc) {
	now := time.Now()
	limit := seconds(r.plan.Request.TimeoutSeconds)
	whole := limit
	if r.generation != nil {
		if limit, whole = r.timeLeft(limit, now); limit < 0 {
			return context.WithDeadlineCause(ctx, now, &fanout.TimeoutError{What: "run", After: whole})
		}
	}
	// Workers in this process need half of their reserve for work that ignores its
	// context, and the rest for their answers.
	r.policy.Grace = protocol.Reserve(cmp.Or(limit, math.MaxInt64))
	if deadline, ok := ctx.Deadline(); ok {
		left := deadline.Sub(now)
		if left <= 0 {
			r.cut = true
			return context.WithDeadlineCause(context.WithoutCancel(ctx), r.begin, errPast)
		}
		reserve := reserve(left, r.inFlight(), r.plan.targetCount(), cpu)
		r.policy.Grace = reserve / 2 // the other half is for the encoding
		if ctx, cancel, ok := r.withinGeneration(ctx, left-reserve, limit, now); ok {
			return ctx, cancel
		}
		if rest := left - reserve; limit == 0 || rest < limit {
			if limit > 0 {
				r.notices = append(r.notices, fmt.Sprintf("timeoutSeconds is %v, but the timeout of the coordinator's own function leaves the run %v",
					r.plan.Request.TimeoutSeconds, rest.Round(time.Millisecond)))
			}
			r.cut, limit = true, max(rest, 1) // 0 would mean no limit
			whole = limit
			if notice := reserveNotice(reserve, left); notice != "" {
				r.notices = append(r.notices, notice)
			}
		}
	}
	if limit == 0 {
		return context.WithCancel(ctx)
	}
	r.endBy = now.Add(limit)
	r.policy.UsefulTime = protocol.Reserve(limit)
	if r.cut {
		whole = limit
	}
	return context.WithDeadlineCause(ctx, r.endBy, &fanout.TimeoutError{What: "run", After: whole})
}

var errPast = errors.New("the function's deadline had passed before the run began")

// inFlight returns how many invocations are in flight at most.
func (r *run) inFlight() int { return min(r.policy.MaxConcurrency, len(r.units)) }

// atOnce returns how many invocations are in flight at once, by Region: the engine
// starts one of each Region in turn.
func (r *run) atOnce() map[string]int {
	calls := map[string]int{}
	left := r.inFlight()
	for batch := 0; left > 0; batch++ {
		for _, region := range r.plan.Regions {
			if batch < len(region.Batches) && left > 0 && !region.Joined {
				calls[region.Region]++
				left--
			}
		}
	}
	return calls
}

// region returns the name of a unit's Region.
func (r *run) region(u unit) string { return r.plan.Regions[u.region].Region }

// execute fans out over the plan's invocations and gathers their outcomes.
func (r *run) execute(ctx context.Context) protocol.Result {
	r.started(ctx)
	if invoker, ok := r.invokers[0].(Preparer); ok {
		invoker.Prepare(ctx, r.atOnce())
	}
	if invoker, ok := r.invokers[0].(Measurer); ok {
		r.policy.Adaptation.RoundTrip = func(lane int) (time.Duration, bool) {
			return invoker.RoundTrip(r.lanes[lane]) // with one lane for all, any Region's will do
		}
	}
	v := r.fanOut(ctx)
	for _, notice := range []string{r.versionNotice(), r.waits.notice()} {
		if notice != "" {
			r.notice(ctx, notice)
		}
	}
	result := r.result(v)
	if len(r.open) == 0 {
		r.ended(ctx, result)
	}
	return result
}

// fanOut makes the invocations, wave by wave, and returns the verdict on all of them.
func (r *run) fanOut(ctx context.Context) (verdict fanout.Verdict) {
	waves := r.waves()
	if len(waves) == 0 {
		waves = [][]int{nil} // for the verdict on nothing
	}
	for k, wave := range waves {
		v := r.wave(ctx, wave)
		verdict.Status, verdict.Err, verdict.Concurrency = v.Status, v.Err, cmp.Or(v.Concurrency, verdict.Concurrency)
		verdict.Throttled += v.Throttled
		if v.Status != fanout.Succeeded || len(r.open) > 0 {
			r.leave(ctx, waves[k+1:], v.Err)
			return verdict
		}
	}
	if len(waves) == 1 {
		return verdict
	}
	c := r.summary.Regions
	if err := r.plan.tolerance(nil).Judge(c.Failed+c.TimedOut, c.Skipped, c.Total); err != nil {
		verdict.Status, verdict.Err = fanout.Failed, err
	}
	return verdict
}

// wave makes the invocations of one wave, the units with these indexes, and gathers what they
// bring.
func (r *run) wave(ctx context.Context, at []int) fanout.Verdict {
	policy, units := r.policy, make([]unit, len(at))
	policy.Groups = make([]int, len(at))
	for i, k := range at {
		units[i], policy.Groups[i] = r.units[k], r.policy.Groups[k]
	}
	policy.Tolerance = r.plan.tolerance(units)
	if r.prior != nil {
		policy.Prior = pick(r.prior, at)
	}
	keep := r.windows().use(&policy.Adaptation, r.plan.Request.Function(), r.lanes, r.plan.Regional)
	var watch func(fanout.Event[*reply])
	if r.events != nil || r.log != nil {
		watch = func(e fanout.Event[*reply]) { r.attempted(ctx, units[e.Item], e) }
	}
	outcomes, verdict := fanout.Watch(ctx, policy, units, r.invoke, watch)
	for i, o := range outcomes {
		if r.values != nil {
			o.Value = cmp.Or(o.Value, r.values[at[i]])
		}
		if r.continues(o.OutOfTime) {
			r.leaveOpen(units[i], o, false)
			continue
		}
		r.logPanic(ctx, units[i], o)
		r.settled(ctx, r.add(units[i], o))
	}
	v := verdict()
	keep(v)
	return v
}

// settled tells of Regions that have settled, those at these indexes.
func (r *run) settled(ctx context.Context, regions []int) {
	for _, i := range regions {
		o := &r.regions[i].outcome
		if r.loggedOutcomes != nil && r.loggedOutcomes[i] != nil {
			continue
		}
		r.tell(ctx, protocol.Event{Type: protocol.EventRegionSettled, Account: o.Account, Region: o.Region, Outcome: o})
	}
}
