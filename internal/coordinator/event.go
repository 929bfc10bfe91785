package coordinator

import (
	"context"
	"slices"
	"time"

	"meridian/internal/fanout"
	"meridian/pkg/protocol"
)

// tell gives an event to the log and to Events.
func (r *run) tell(ctx context.Context, e protocol.Event) {
	r.sequence++
	e.Version, e.RunID, e.Sequence = protocol.EventVersion, r.plan.RunID, r.sequence
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Time = e.Time.UTC()
	r.logEvent(ctx, e)
	if r.log != nil {
		r.log.Append(e)
	}
	if r.events != nil {
		r.events(e)
	}
}

// started tells of the run's start, of its notices, and of the Regions in which
// there is nothing to do.
func (r *run) started(ctx context.Context) {
	r.tellLost(ctx)
	var told []string
	if r.history != nil {
		told = r.history.notices
	}
	if r.history == nil || !r.history.started {
		r.tell(ctx, protocol.Event{Type: protocol.EventRunStarted, Time: r.begin, Started: &protocol.RunStarted{
			Name: r.plan.Request.Name, Task: r.plan.Request.Task,
			Accounts: len(r.plan.Accounts), Regions: len(r.plan.Regions), Targets: r.plan.targetCount(), Invocations: len(r.units),
		}})
	}
	for _, notice := range r.notices {
		if !slices.Contains(told, notice) {
			r.tell(ctx, protocol.Event{Type: protocol.EventNotice, Notice: notice})
		}
	}
	r.notices = union(slices.Clip(told), r.notices)
	for i := range r.regions {
		if r.regions[i].left == 0 {
			r.settled(ctx, []int{i})
		}
	}
}

// notice adds a notice to the run, and tells of it.
func (r *run) notice(ctx context.Context, notice string) {
	if !slices.Contains(r.notices, notice) {
		r.notices = append(r.notices, notice)
		r.tell(ctx, protocol.Event{Type: protocol.EventNotice, Notice: notice})
	}
}

// regionsOf returns the names of a unit's Regions if it has several.
func (p *Plan) regionsOf(u unit) (names []string) {
	if u.regions == 1 {
		return nil
	}
	for _, r := range p.Regions[u.region : u.region+u.regions] {
		names = append(names, r.Region)
	}
	return names
}

// attempted tells of an attempt that has started or ended.
func (r *run) attempted(ctx context.Context, u unit, e fanout.Event[*reply]) {
	attempt := protocol.Attempt{StartMs: r.sinceBegin(e.Attempt.Start), Batch: u.batch, Hedge: e.Attempt.Hedge}
	typ := protocol.EventAttemptStarted
	var answer *protocol.Answer
	if e.Ended {
		typ = protocol.EventAttemptEnded
		if attempt.Cause = protocol.Cause(e.Attempt.Err); !e.NotMade {
			var brought reply
			attempt, brought = r.attempt(u, e.Attempt, e.Value, wasAborted(e.Attempt, e.Status == fanout.Aborted))
			answer = r.answer(e, &brought)
		}
	}
	o := r.plan.outcome(&r.plan.Regions[u.region])
	r.tell(ctx, protocol.Event{
		Type: typ, Account: o.Account, Region: o.Region, Regions: r.plan.regionsOf(u),
		Number: e.Number, Attempt: &attempt, NotMade: e.NotMade, Answer: answer,
	})
}

// answer returns what the log of a kept run has of an attempt that has ended.
func (r *run) answer(e fanout.Event[*reply], brought *reply) *protocol.Answer {
	if r.log == nil {
		return nil
	}
	answer := &protocol.Answer{Hint: hint(e.Attempt.Err)}
	if brought.kept != nil {
		*answer = *brought.kept
		answer.Hint = hint(e.Attempt.Err)
		answer.WorkerRegion, answer.Older, answer.Truncated = brought.workerRegion, brought.older, brought.truncated
	}
	if !r.continues(e.OutOfTime) {
		answer.Settled = protocol.Status(e.Status)
	}
	return answer
}

// ended tells of the run's end.
func (r *run) ended(ctx context.Context, result protocol.Result) {
	r.tell(ctx, protocol.Event{Type: protocol.EventRunEnded, Ended: &protocol.RunEnded{
		Status: result.Status, Error: result.Error, Cause: result.Cause,
		ElapsedMs: result.ElapsedMs, Message: result.Message, Summary: result.Summary,
	}})
}
