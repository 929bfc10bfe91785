package fanout

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// DefaultGrace is the grace of a Policy that has none: long enough for an attempt to
// notice the end of its context and return, short against the second that a Lambda
// function keeps for its answer.
const DefaultGrace = 100 * time.Millisecond

// A Policy says how to work through the items. The zero Policy runs all of them
// at once, tries each once, for as long as the context lasts, and tolerates no
// failure.
type Policy struct {
	// MaxConcurrency bounds the attempts running at once, abandoned ones that
	// have not returned included. Zero means no bound.
	MaxConcurrency int

	// GroupConcurrency bounds the attempts of each of Groups running at once, abandoned ones
	// that have not returned included. Zero means no bound. It has to be zero without Groups.
	GroupConcurrency int

	// Timeout bounds one attempt. Zero means as long as the context lasts.
	Timeout time.Duration

	// Grace is how long an attempt may take to return once its time is over
	// before it is abandoned. Zero means DefaultGrace.
	Grace time.Duration

	// UsefulTime is the least time in which an attempt can do something useful. No
	// attempt starts with less than that left before the context's deadline, and no
	// retry is waited for that could not start by then. Zero means that attempts start
	// until the deadline.
	UsefulTime time.Duration

	// Retry holds the retriers, scanned in order. Nil means no retries.
	Retry []Retrier

	// AtMostOnce says that an attempt that was abandoned is never followed by a retry: it may
	// still be at work. False means that the retriers decide.
	AtMostOnce bool

	// MaxAttempts bounds the attempts of all items together, because all are kept. When that
	// many have started, nothing is retried any more, and the errors say so. Every item
	// still gets its first attempt. Zero means no bound.
	MaxAttempts int

	// Prior has what an earlier run of the same items has left of each. Nil means that there was
	// none.
	Prior []Prior

	// Continues says that another run carries on the items that the end of this one's time
	// interrupts. A retry that cannot start by then stays planned, and its item is interrupted.
	// False means that such an item has failed.
	Continues bool

	// Groups gives each item its group, by any number from 0 up. Groups take turns, and
	// none takes a slot that a group with fewer attempts running needs to catch up: a
	// group holds no more than its share while others have items that wait, also
	// before a retry. Tolerance counts by group. Nil means that each item is a group
	// of its own.
	Groups []int

	// Adaptation says how the number of attempts at once, up to MaxConcurrency,
	// follows what the other side accepts. Zero means that it follows nothing.
	Adaptation Adaptation

	// Hedge says when a slow attempt gets a second one beside it. Zero means never.
	Hedge Hedge

	// Tolerance says how many failures are too many, and when to stop.
	Tolerance Tolerance
}

// A Tolerance says how many groups of items may fail before the run does, and
// when it stops early. A group fails with its first item that fails, and succeeds when
// all its items succeeded or were skipped, and at least one succeeded. The zero
// Tolerance tolerates no failure and never stops early.
type Tolerance struct {
	// FailureCount is how many groups may fail. Nil means no limit.
	FailureCount *int

	// FailurePercentage is how many groups of a hundred may fail, 0 to 100. Nil
	// means no limit. The run fails when either limit is exceeded; without both,
	// and without MinSuccessful, no group may fail.
	FailurePercentage *float64

	// FailFast aborts the rest as soon as more have failed than is tolerated.
	FailFast bool

	// Groups gives each item the group that it counts for here. Nil means Policy.Groups.
	Groups []int

	// Parts gives each item the number of its parts, 1 or more, which count one by one. An
	// item with several is alone in its group. Nil means 1 each.
	Parts []int

	// Done returns how many parts of an item that has settled have succeeded, were skipped,
	// or were interrupted, which can be only if the run has ended; the others have the
	// item's status. It is called for items with several parts, once each, from the
	// goroutine of the loop. Required with such an item.
	Done func(item int, ended bool) (succeeded, skipped, interrupted int)

	// MinSuccessful aborts the rest as soon as this many groups have succeeded. A
	// run in which that is no longer possible has failed. Without FailureCount and
	// FailurePercentage any other failure is tolerated. Zero means no minimum: the
	// run waits for all.
	MinSuccessful int
}

// Retries reports whether a retrier applies to errors with a name.
func (p Policy) Retries(name string) bool {
	return slices.ContainsFunc(p.Retry, func(r Retrier) bool { return r.matches(name) })
}

// Validate returns what is wrong with p for n items, or nil.
func (p Policy) Validate(n int) error {
	var faults []error
	if p.MaxConcurrency < 0 {
		faults = append(faults, fmt.Errorf("MaxConcurrency is %d; want 0 or more", p.MaxConcurrency))
	}
	if p.GroupConcurrency < 0 {
		faults = append(faults, fmt.Errorf("GroupConcurrency is %d; want 0 or more", p.GroupConcurrency))
	}
	if p.GroupConcurrency > 0 && p.Groups == nil {
		faults = append(faults, fmt.Errorf("GroupConcurrency is %d without Groups; want 0", p.GroupConcurrency))
	}
	if p.Timeout < 0 {
		faults = append(faults, fmt.Errorf("attempt Timeout is %v; want 0 or more", p.Timeout))
	}
	if p.Grace < 0 {
		faults = append(faults, fmt.Errorf("attempt Grace is %v; want 0 or more", p.Grace))
	}
	if p.MaxAttempts < 0 {
		faults = append(faults, fmt.Errorf("MaxAttempts is %d; want 0 or more", p.MaxAttempts))
	}
	if p.UsefulTime < 0 {
		faults = append(faults, fmt.Errorf("attempt UsefulTime is %v; want 0 or more", p.UsefulTime))
	}
	if p.Prior != nil && len(p.Prior) != n {
		faults = append(faults, fmt.Errorf("policy Prior has %d entries for %d items", len(p.Prior), n))
	}
	for i, prior := range p.Prior {
		if err := prior.validate(i); err != nil {
			faults = append(faults, err)
		}
	}
	for i, r := range p.Retry {
		if err := r.validate(); err != nil {
			faults = append(faults, fmt.Errorf("policy Retry[%d]: %w", i, err))
		}
	}
	return errors.Join(append(faults, validateGroups("policy Groups", p.Groups, n, 0), p.Hedge.validate(), p.Tolerance.validate(n))...)
}

// validateGroups checks a list with a number of at least least for each of n items.
func validateGroups(name string, groups []int, n, least int) error {
	if groups == nil {
		return nil
	}
	if len(groups) != n {
		return fmt.Errorf("%s has %d entries for %d items", name, len(groups), n)
	}
	for i, g := range groups {
		if g < least {
			return fmt.Errorf("%s[%d] is %d; want %d or more", name, i, g, least)
		}
	}
	return nil
}

func (t Tolerance) validate(n int) error {
	if c := t.FailureCount; c != nil && *c < 0 {
		return fmt.Errorf("FailureCount is %d; want 0 or more", *c)
	}
	if pct := t.FailurePercentage; pct != nil && !(*pct >= 0 && *pct <= 100) {
		return fmt.Errorf("FailurePercentage is %v; want 0 to 100", *pct)
	}
	if t.MinSuccessful < 0 {
		return fmt.Errorf("MinSuccessful is %d; want 0 or more", t.MinSuccessful)
	}
	if t.Done == nil && slices.ContainsFunc(t.Parts, func(parts int) bool { return parts > 1 }) {
		return errors.New("tolerance Done is nil; want it for items with several parts")
	}
	return errors.Join(validateGroups("tolerance Groups", t.Groups, n, 0), validateGroups("tolerance Parts", t.Parts, n, 1))
}
