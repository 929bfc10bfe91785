package coordinator

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"meridian/internal/fanout"
	"meridian/pkg/protocol"
)

// An allSkippedError is why a run in which there was nothing to do is no success.
type allSkippedError struct{ first string }

func (e *allSkippedError) Error() string {
	return "every target was skipped; the first one: " + e.first
}

func (*allSkippedError) ErrorName() string { return protocol.ErrorAllSkipped }

// allSkipped returns an allSkippedError.
func (r *run) allSkipped() error {
	o := r.regions[0].outcome
	if len(o.Targets) == 0 {
		return &allSkippedError{o.Cause}
	}
	return &allSkippedError{o.Targets[0].Cause}
}

// cause says why the run did not succeed, and shows the first Region that failed.
func (r *run) cause(v fanout.Verdict) string {
	if refused, ok := errors.AsType[*RefusedError](v.Err); ok {
		return refused.Cause
	}
	c := r.summary.Regions
	if v.Status != fanout.Failed {
		return protocol.CutCause(fmt.Sprintf("%v; %d of %d %s not finished",
			v.Err, c.TimedOut+c.Aborted+c.NotStarted, c.Total, r.plan.items()))
	}
	for _, g := range r.regions {
		switch o := g.outcome; {
		case o.Error == protocol.ErrorExceedToleratedFailureThreshold: // the cause says it
			return protocol.CutCause(fmt.Sprintf("%v; %s: %s", v.Err, placeOf(o), o.Cause))
		case o.Status.IsFailure():
			return protocol.CutCause(fmt.Sprintf("%v; %s: %s: %s", v.Err, placeOf(o), o.Error, o.Cause))
		}
	}
	return protocol.CutCause(v.Err.Error())
}

// placeOf returns the account and the Region of an outcome, for a person.
func placeOf(o protocol.RegionOutcome) string {
	return strings.TrimLeft(cmp.Or(o.Account, o.AccountName)+" "+o.Region, " ")
}
