package coordinator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
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

	log      *slog.Logger
	events   func(protocol.Event) // nil means none
	sequence int                  // of the last event
}

// newRun starts the clock of a run. The context ends with the run's time; cancel
// releases it.
func (c *Coordinator) newRun(parent context.Context, p *Plan, begin time.Time) (r *run, ctx context.Context, cancel context.CancelFunc) {
	units := p.units()
	groups, lanes := p.groups(units)
	r = &run{
		coordinator: c, plan: p, units: units, policy: p.policy(groups, c.MemoryMB), lanes: lanes, begin: begin,
		notices: slices.Clip(p.Notices),
		outputs: newOutputs(p.MaxAnswerBytes),
		bill:    c.billing(p), log: c.logger(p), events: c.Events,
	}
	r.dialect, _ = p.dialect() // on an error, each request fails with it
	r.inputs, r.invokers = protocol.InputsOf(p.Request.Targets), c.invokers(p)
	r.gather()
	ctx, cancel = r.withinTime(parent, c.CPU)
	return r, ctx, cancel
}

// withinTime returns the context of the run: it ends after the request's time, and
// before the function's deadline by its reserve.
func (r *run) withinTime(ctx context.Context, cpu float64) (context.Context, context.CancelFunc) {
	limit := seconds(r.plan.Request.TimeoutSeconds)
	// Workers in this process need half of their reserve for work that ignores its
	// context, and the rest for their answers.
	r.policy.Grace = protocol.Reserve(cmp.Or(limit, math.MaxInt64))
	if deadline, ok := ctx.Deadline(); ok {
		left := deadline.Sub(r.begin)
		if left <= 0 {
			r.cut = true
			return context.WithDeadlineCause(context.WithoutCancel(ctx), r.begin, errPast)
		}
		reserve := reserve(left, r.inFlight(), r.plan.targetCount(), cpu)
		r.policy.Grace = reserve / 2 // the other half is for the encoding
		if rest := left - reserve; limit == 0 || rest < limit {
			if limit > 0 {
				r.notices = append(r.notices, fmt.Sprintf("timeoutSeconds is %v, but the timeout of the coordinator's own function leaves the run %v",
					r.plan.Request.TimeoutSeconds, rest.Round(time.Millisecond)))
			}
			r.cut, limit = true, max(rest, 1) // 0 would mean no limit
			if notice := reserveNotice(reserve, left); notice != "" {
				r.notices = append(r.notices, notice)
			}
		}
	}
	if limit == 0 {
		return context.WithCancel(ctx)
	}
	r.endBy = r.begin.Add(limit)
	r.policy.UsefulTime = protocol.Reserve(limit)
	return context.WithDeadlineCause(ctx, r.endBy, &fanout.TimeoutError{What: "run", After: limit})
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
			r.notices = append(r.notices, notice)
			r.tell(ctx, protocol.Event{Type: protocol.EventNotice, Notice: notice})
		}
	}
	result := r.result(v)
	r.ended(ctx, result)
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
		if v.Status != fanout.Succeeded {
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
	keep := r.windows().use(&policy.Adaptation, r.plan.Request.Function(), r.lanes, r.plan.Regional)
	var watch func(fanout.Event[*reply])
	if r.events != nil {
		watch = func(e fanout.Event[*reply]) { r.attempted(ctx, units[e.Item], e) }
	}
	outcomes, verdict := fanout.Watch(ctx, policy, units, r.invoke, watch)
	for i, o := range outcomes {
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
		r.tell(ctx, protocol.Event{Type: protocol.EventRegionSettled, Account: o.Account, Region: o.Region, Outcome: o})
	}
}
