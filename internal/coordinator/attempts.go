package coordinator

import (
	"context"
	"errors"
	"time"

	"meridian/internal/fanout"
	"meridian/pkg/protocol"
)

// unanswered returns the outcomes of a unit's targets before any worker has answered. Each has the
// status and the error of the unit's own outcome, b.
func (r *run) unanswered(u unit, b protocol.RegionOutcome) []protocol.TargetOutcome {
	targets := make([]protocol.TargetOutcome, len(u.targets))
	for i, target := range u.targets {
		targets[i] = protocol.TargetOutcome{Target: target, Status: b.Status, Error: b.Error}
		if r.plan.Request.Direct() { // the Region has the cause of one invocation of many
			targets[i].Cause = b.Cause
		}
	}
	return targets
}

// wasAborted reports whether an attempt was stopped with its run or by a faster one. last
// says that it was the last attempt at a unit that was aborted.
func wasAborted(a fanout.Attempt, last bool) bool {
	return a.Wait == 0 && (last || errors.Is(a.Err, context.Canceled))
}

// attempt returns the record of an attempt at a unit, and the worker's reply. value
// is the outcome's value. An attempt that was aborted while it ran did not fail: it has
// a cause and no error.
func (r *run) attempt(u unit, a fanout.Attempt, value *reply, aborted bool) (protocol.Attempt, reply) {
	answer, returned := replyOf(a, value)
	if answer.recorded != nil {
		return *answer.recorded, answer
	}
	if past, ok := errors.AsType[*pastError](a.Err); ok && past.made != nil {
		return *past.made, answer
	}
	attempt := protocol.Attempt{
		StartMs:   r.sinceBegin(a.Start),
		ElapsedMs: protocol.Milliseconds(a.Elapsed),
		Error:     protocol.CutErrorName(a.Name),
		Cause:     protocol.Cause(a.Err),
		WaitMs:    protocol.Milliseconds(a.Wait),
		Batch:     u.batch,
		RequestID: answer.report.RequestID,
		Metrics:   r.metrics(a, answer, returned),
		Abandoned: a.Abandoned,
		Hedge:     a.Hedge,
	}
	if aborted {
		attempt.Error = ""
	}
	return attempt, answer
}

// replyOf returns the reply that an attempt brought, and false when the attempt had
// not returned: it was abandoned, or another one was faster.
func replyOf(a fanout.Attempt, value *reply) (answer reply, returned bool) {
	if a.Err == nil {
		return *value, true
	}
	failed, returned := errors.AsType[*invocationError](a.Err)
	if returned && failed.reply != nil {
		answer = *failed.reply
	}
	return answer, returned
}

// addAttempts adds to the targets of a unit of a function their attempts: the invocations that
// had them.
func (r *run) addAttempts(b *protocol.RegionOutcome, o fanout.Outcome[*reply]) {
	tried := make([]int, len(b.Targets))         // without hedges
	settled := make([]time.Time, len(b.Targets)) // when an answer settled the target; zero means never
	for i, a := range b.Attempts {
		made := o.Attempts[i]
		answer, returned := replyOf(made, o.Value)
		if !returned {
			answer.at = unsettled(settled, made.Start)
		}
		for k := range pick(b.Targets, answer.at) {
			at := index(answer.at, k)
			t, name, wait := &b.Targets[at], a.Error, a.WaitMs
			if k < len(answer.targets) {
				name = answer.targets[k].Error
				if done(answer.targets[k].Status) || !r.policy.Retries(name) {
					settled[at], wait = made.Start.Add(made.Elapsed), 0
				}
			}
			t.Attempts = append(t.Attempts, protocol.Attempt{
				StartMs: a.StartMs - b.StartMs, ElapsedMs: a.ElapsedMs, Error: name, WaitMs: wait, Abandoned: a.Abandoned, Hedge: a.Hedge,
			})
			t.ElapsedMs = max(t.ElapsedMs, a.StartMs-b.StartMs+a.ElapsedMs)
			if !a.Hedge {
				tried[at]++
			}
		}
	}
	for _, n := range tried {
		r.summary.TargetRetries += max(0, n-1)
	}
}

// unsettled returns the indexes of the targets that were not settled at a time: those of an
// invocation that brought nothing back.
func unsettled(settled []time.Time, at time.Time) []int {
	targets := []int{}
	for i, end := range settled {
		if end.IsZero() || end.After(at) {
			targets = append(targets, i)
		}
	}
	return targets
}
