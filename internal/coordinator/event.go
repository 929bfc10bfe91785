package coordinator

import (
	"context"
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
	if r.events != nil {
		r.events(e)
	}
}

// started tells of the run's start, of its notices, and of the Regions in which
// there is nothing to do.
func (r *run) started(ctx context.Context) {
	r.tell(ctx, protocol.Event{Type: protocol.EventRunStarted, Time: r.begin, Started: &protocol.RunStarted{
		Name: r.plan.Request.Name, Task: r.plan.Request.Task,
		Accounts: len(r.plan.Accounts), Regions: len(r.plan.Regions), Targets: r.plan.targetCount(), Invocations: len(r.units),
	}})
	for _, notice := range r.notices {
		r.tell(ctx, protocol.Event{Type: protocol.EventNotice, Notice: notice})
	}
	for i := range r.regions {
		if r.regions[i].left == 0 {
			r.settled(ctx, []int{i})
		}
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
	if e.Ended {
		typ = protocol.EventAttemptEnded
		if attempt.Cause = protocol.Cause(e.Attempt.Err); !e.NotMade {
			attempt, _ = r.attempt(u, e.Attempt, e.Value, wasAborted(e.Attempt, e.Status == fanout.Aborted))
		}
	}
	o := r.plan.outcome(&r.plan.Regions[u.region])
	r.tell(ctx, protocol.Event{
		Type: typ, Account: o.Account, Region: o.Region, Regions: r.plan.regionsOf(u),
		Number: e.Number, Attempt: &attempt, NotMade: e.NotMade,
	})
}

// ended tells of the run's end.
func (r *run) ended(ctx context.Context, result protocol.Result) {
	r.tell(ctx, protocol.Event{Type: protocol.EventRunEnded, Ended: &protocol.RunEnded{
		Status: result.Status, Error: result.Error, Cause: result.Cause,
		ElapsedMs: result.ElapsedMs, Message: result.Message, Summary: result.Summary,
	}})
}
