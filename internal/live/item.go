package live

import (
	"slices"
	"time"

	"meridian/pkg/protocol"
)

// An item is a Region of the run, or an account in it.
type item struct {
	place
	attempts []attempt // attempts that are running
	waits    []retry
	failure  string   // the error name of the last attempt if it failed
	outcome  *outcome // nil until it settles
}

// An attempt is one that is running.
type attempt struct {
	key   attemptKey
	start time.Time
	hedge bool
}

// A retry is the wait of an invocation before its next attempt.
type retry struct {
	key     attemptKey // with the number 0
	until   time.Time
	failure string // the error name of its last attempt
}

// An outcome is what is remembered of the outcome of an item.
type outcome struct {
	protocol.RegionOutcome // its targets have only what a redrive selects by

	targets, failed int // targets
	at              int // its number among the outcomes

	// failure and why are the error name and the cause. If all targets that failed have the same
	// error, they are that error's: the Region's own cause would only count the targets.
	failure, why string
}

// start begins an attempt. An item that has settled is done again.
func (i *item) start(key attemptKey, e protocol.Event) {
	i.outcome = nil
	i.stopWaiting(key)
	i.attempts = append(i.attempts, attempt{key, e.Time, e.Attempt.Hedge})
}

// end ends an attempt.
func (i *item) end(key attemptKey, e protocol.Event) {
	i.attempts = slices.DeleteFunc(i.attempts, func(a attempt) bool { return a.key == key })
	i.failure = e.Attempt.Error
	if e.Attempt.WaitMs > 0 {
		i.stopWaiting(key)
		key.number = 0
		i.waits = append(i.waits, retry{key, e.Time.Add(protocol.Duration(e.Attempt.WaitMs)), e.Attempt.Error})
	}
}

// stopWaiting forgets the wait of an invocation.
func (i *item) stopWaiting(key attemptKey) {
	key.number = 0
	i.waits = slices.DeleteFunc(i.waits, func(r retry) bool { return r.key == key })
}

// settle notes the outcome, which belongs to the run.
func (i *item) settle(o *protocol.RegionOutcome, at int) {
	i.attempts, i.waits = nil, nil
	i.outcome = &outcome{at: at, targets: len(o.Targets), failure: o.Error, why: o.Cause, RegionOutcome: protocol.RegionOutcome{
		Status: o.Status, Region: o.Region, Account: o.Account, AccountName: o.AccountName,
		Error: o.Error, Cause: o.Cause, ElapsedMs: o.ElapsedMs,
	}}
	kept := &i.outcome.RegionOutcome
	var first protocol.TargetOutcome // that failed
	same := o.Error == protocol.ErrorExceedToleratedFailureThreshold
	for _, t := range o.Targets {
		if t.Status.IsFailure() {
			if i.outcome.failed++; i.outcome.failed == 1 {
				first = t
			}
			same = same && t.Error == first.Error
		}
		if !slices.ContainsFunc(kept.Targets, func(other protocol.TargetOutcome) bool { return other.Error == t.Error }) {
			kept.Targets = append(kept.Targets, protocol.TargetOutcome{Error: t.Error})
		}
	}
	if same && first.Error != "" {
		i.outcome.failure, i.outcome.why = first.Error, first.Cause
	}
}

// phase returns what the item is doing.
func (i *item) phase() phase {
	switch {
	case len(i.attempts) > 0:
		return running
	case len(i.waits) > 0:
		return retrying
	case i.outcome == nil:
		return waiting
	case i.outcome.Status.IsFailure():
		return failed
	}
	return done
}

// A phase is what an item is doing, in the order of what a person needs to see.
type phase int

const (
	failed phase = iota
	retrying
	running
	waiting
	done
)

// phases is how many phases there are.
const phases = int(done) + 1
