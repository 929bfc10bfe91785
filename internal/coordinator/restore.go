package coordinator

import (
	"context"
	"maps"
	"slices"
	"time"

	"meridian/internal/fanout"
	"meridian/pkg/protocol"
)

// A pastError is the error of an attempt of an earlier generation, or why a unit has settled in
// one.
type pastError struct {
	made        *protocol.Attempt // nil for a unit
	name, cause string
	hint        protocol.Hint
}

// Error returns the cause.
func (e *pastError) Error() string { return e.cause }

// ErrorName returns the name.
func (e *pastError) ErrorName() string { return e.name }

// interruptedCause is the cause of an attempt whose coordinator ended before the answer.
const interruptedCause = "the coordinator ended before the answer: the invocation may have run"

// A lostAttempt is an attempt that was in flight when an earlier generation died.
type lostAttempt struct {
	unit, number int
	made         protocol.Attempt
	settled      protocol.Status
}

// restore makes room for what earlier generations have done.
func (r *run) restore(h *History) {
	r.history, r.outputs = h, h.outputs
	r.prior, r.values = make([]fanout.Prior, len(r.units)), make([]*reply, len(r.units))
	r.loggedOutcomes = slices.Clone(h.settled)
}

// lose ends the attempts of past that were in flight when the last generation died. Work that may
// not be done twice has failed if its last attempt may have done it.
func (r *run) lose(h *History, past []past) (lost []lostAttempt) {
	for i := range past {
		p := &past[i]
		for _, number := range slices.Sorted(maps.Keys(p.running)) {
			l := lostAttempt{unit: i, number: number, made: r.interrupted(p.running[number], h.last)}
			if r.plan.AtMostOnce {
				l.settled = protocol.StatusFailed
			}
			p.attempts = append(slices.Clip(p.attempts), pastAttempt{made: l.made, why: &pastError{&l.made, l.made.Error, l.made.Cause, ""}})
			lost = append(lost, l)
		}
		p.running = nil
		if h.mayHaveRun(p) {
			p.status, p.why = protocol.StatusFailed, &pastError{name: protocol.ErrorInterrupted, cause: interruptedCause}
		}
	}
	return lost
}

// interrupted returns the end of an attempt that was in flight when a generation died, at this
// time.
func (r *run) interrupted(started protocol.Attempt, died time.Time) protocol.Attempt {
	started.ElapsedMs = max(0, r.sinceBegin(died)-started.StartMs)
	started.Error, started.Cause = protocol.ErrorInterrupted, interruptedCause
	return started
}

// restoreUnit gives a unit its earlier attempts, its status, and what they have done together.
func (r *run) restoreUnit(i int, p *past) {
	prior := fanout.Prior{Uncounted: p.uncounted, Status: fanout.Status(p.status)}
	if p.why != nil && p.status != protocol.StatusSucceeded {
		prior.Err = p.why
	}
	u := r.units[i]
	for k := range p.attempts {
		a := &p.attempts[k]
		made := fanout.Attempt{
			Start: r.begin.Add(protocol.Duration(a.made.StartMs)), Elapsed: protocol.Duration(a.made.ElapsedMs), Name: a.made.Error,
			Wait: protocol.Duration(a.made.WaitMs), Hedge: a.made.Hedge, Abandoned: a.made.Abandoned,
		}
		switch {
		case a.why == nil:
			r.values[i] = &a.reply
		case a.recorded != nil:
			made.Err = &invocationError{reply: &a.reply, err: a.why}
		default:
			made.Err = a.why
		}
		prior.Attempts = append(prior.Attempts, made)
		if a.targets == nil {
			continue
		}
		u.progress.add(len(u.targets), a.at, a.targets)
		if r.plan.Request.Direct() && k >= p.uncounted {
			r.giveUp(u, &a.reply)
		}
	}
	for at, t := range p.kept {
		u.progress.giveUp(at, &t)
	}
	r.prior[i] = prior
	if prior.Status == "" {
		clear(r.loggedOutcomes[u.region : u.region+u.regions])
	}
}

// before returns what earlier generations have left of the unit with an index. Its status is
// empty if it goes on.
func (r *run) before(i int) fanout.Outcome[*reply] {
	if r.prior == nil {
		return fanout.Outcome[*reply]{}
	}
	p := &r.prior[i]
	return fanout.Outcome[*reply]{Status: p.Status, Err: p.Err, Attempts: p.Attempts, Value: r.values[i], Elapsed: elapsed(p.Attempts)}
}

// restoredOutcome returns the outcome that an earlier generation has logged, without its outputs.
// Its targets are copies, for the caller to put the outputs in. targets say how much of the outputs
// was dropped.
func restoredOutcome(logged *protocol.RegionOutcome, targets []protocol.TargetOutcome) protocol.RegionOutcome {
	o := *logged
	o.Targets = slices.Clone(o.Targets)
	for i := range min(len(targets), len(o.Targets)) {
		o.Targets[i].DroppedOutputBytes = targets[i].DroppedOutputBytes
	}
	return o
}

// elapsed returns the time from the start of the first attempt to the end of the last one.
func elapsed(attempts []fanout.Attempt) time.Duration {
	if len(attempts) == 0 {
		return 0
	}
	last := attempts[len(attempts)-1]
	return last.Start.Add(last.Elapsed).Sub(fanout.Outcome[int]{Attempts: attempts}.Started())
}

// tellLost tells of the ends of attempts that an earlier generation has not told of.
func (r *run) tellLost(ctx context.Context) {
	for _, l := range r.lost {
		u := r.units[l.unit]
		o := r.plan.outcome(&r.plan.Regions[u.region])
		r.tell(ctx, protocol.Event{
			Type: protocol.EventAttemptEnded, Account: o.Account, Region: o.Region, Regions: r.plan.regionsOf(u),
			Number: l.number, Attempt: &l.made, Answer: &protocol.Answer{Settled: l.settled},
		})
	}
}
