package coordinator

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"meridian/pkg/protocol"
)

// complete returns the plan with what workers find out first, each time in half of the
// time that is left: the accounts of the organization, and the Regions that are enabled in
// each account. If that fails for the whole run, the Regions of the plan as it was are
// refused; with accounts, only those that need no opt-in. lookups has the outcomes of the
// workers, and the error of the run if the accounts of the organization are not known.
func (c *Coordinator) complete(ctx context.Context, p Plan, begin time.Time) (completed Plan, lookups protocol.Result) {
	completed = p
	var refusal *RefusedError
	if p.AskOrganization {
		refusal = c.enter(ctx, &completed, begin, &lookups)
	}
	if refusal == nil && p.AskEnabled {
		refusal = c.narrow(ctx, &completed, begin, &lookups)
	}
	if refusal == nil {
		refusal = c.finish(&completed)
	}
	if refusal == nil {
		return completed, lookups
	}
	if p.AskOrganization {
		lookups.Error, lookups.Cause, lookups.Hint = refusal.Name, refusal.Cause, refusal.Hint
	}
	p.Notices = completed.Notices
	if p.Accounts != nil { // their outcomes fit into an answer in any case
		p.Regions = c.left(&p, nil, nil)
	}
	p.Regions = refused(p.Regions, refusal)
	return p, lookups
}

// finish divides the work of a plan whose Regions are known now.
func (c *Coordinator) finish(p *Plan) *RefusedError {
	r, before := p.Request, p.Notices
	p.omit(c.tasks(p.Request))
	faults := p.formWaves()
	if faults == nil {
		faults = p.divide()
	}
	if faults == nil {
		faults = p.idleWaves()
	}
	if err := faults.Err(); err != nil {
		return &RefusedError{Name: protocol.ErrorTaskFailed, Cause: protocol.CutCause(err.Error())}
	}
	if r.Organization != nil { // else there are no more invocations than were planned
		p.limit(c.inFlight(), c.memoryMB()<<20/requestsShare)
		p.Notices = union(before, p.Notices)
	}
	return nil
}

// lookUp has workers do a task that finds out where to run: a run of its own, with the
// retriers of the request, in half of the time that is left. The target is only a label.
func (c *Coordinator) lookUp(
	ctx context.Context, p *Plan, begin time.Time, task, target string, parameters json.RawMessage, regions []PlannedRegion, all *protocol.Result,
) []protocol.RegionOutcome {
	lister := *c
	lister.Events, lister.Log = nil, nil // the run itself has them
	half := 0.0
	if limit := p.Request.TimeoutSeconds; limit > 0 {
		half = max(limit-time.Since(begin).Seconds(), 0.001) / 2
	}
	if deadline, ok := ctx.Deadline(); ok {
		if left := max(time.Until(deadline).Seconds()/2, 0.001); half == 0 || left < half {
			half = left
		}
	}
	accounts := slices.Clone(p.Accounts)
	for i := range accounts {
		accounts[i].Given.Parameters = nil
	}
	for i := range regions {
		regions[i].Targets, regions[i].Batches = []string{target}, []int{1}
	}
	found := lister.Execute(ctx, Plan{
		RunID: p.RunID, Regional: c.Regional,
		MaxConcurrency: min(c.inFlight(), len(regions), cmp.Or(p.Request.MaxConcurrency, len(regions))),
		Request: protocol.Request{
			Task: task, Parameters: parameters, Retry: p.Request.Retry, TargetRetry: lookupRetry(), SessionName: p.Request.SessionName, SessionTags: p.Request.SessionTags,
			TimeoutSeconds: half, RegionTimeoutSeconds: p.Request.RegionTimeoutSeconds,
		},
		Accounts: accounts, Regions: regions,
	})
	all.Regions = append(all.Regions, found.Regions...)
	all.Summary.Attempts += found.Summary.Attempts
	all.Summary.Retries += found.Summary.Retries
	all.Summary.Throttled += found.Summary.Throttled
	for _, o := range found.Regions {
		if o.Hint == protocol.HintDeployBoth {
			p.Notices = union(slices.Clip(p.Notices), []string{olderWorkers(c.Regional, []string{o.Region})})
		}
	}
	return found.Regions
}

// lookupRetry returns the retriers of the look-ups' own calls of AWS. Many accounts ask STS
// at once, and Organizations throttles soon: a listing goes on where it was throttled.
func lookupRetry() []protocol.Retrier {
	return []protocol.Retrier{{
		ErrorEquals: []string{
			"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded",
			"ServiceException", "ServiceUnavailable", "InternalFailure", "Call.Connect", "Call.Lost", "Account.Unreachable",
		},
		MaxAttempts: new(8), MaxDelaySeconds: 10, JitterStrategy: protocol.JitterFull,
	}}
}

// read reads what a look-up found, or returns why it failed. what says what could not be
// done.
func read(o protocol.RegionOutcome, into any, what string) *RefusedError {
	found := o.Targets[0]
	if o.Status == protocol.StatusSucceeded && json.Unmarshal(found.Output, into) == nil {
		return nil
	}
	return &RefusedError{
		Name: cmp.Or(found.Error, o.Error, protocol.ErrorTaskFailed), Hint: o.Hint,
		Cause: protocol.CutCause(fmt.Sprintf("%s: %s", what, cmp.Or(found.Cause, o.Cause, "the answer has no list"))),
	}
}

// refused returns Regions that fail without a worker.
func refused(regions []PlannedRegion, why *RefusedError) []PlannedRegion {
	regions = slices.Clone(regions)
	for i := range regions {
		r := &regions[i]
		r.Refused, r.Joined, r.Batches = why, false, []int{}
		if n := len(r.Targets); n > 0 {
			r.Batches = []int{n}
		}
	}
	return regions
}
