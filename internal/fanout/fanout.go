// Package fanout runs one function over many items at once, under one policy.
//
// The coordinator's items are invocations of a Lambda function, a worker's are
// targets inside one Region. Both call [Each]; that is the whole idea. [Map] returns
// all outcomes at the end, and [Watch] also tells of each attempt. The package knows
// nothing of AWS.
//
// # What it promises
//
// Exactly one Outcome per item, however the run ended; Map returns them in the
// order of the items, Each yields them as they settle.
//
// Never more than Policy.MaxConcurrency attempts running. A wait before a retry
// holds no slot, except for a group below its share; an attempt that ignores its
// context holds its slot until it returns.
//
// A group of items holds no more than its share of the slots while others wait.
//
// Retriers mean what they mean in the Amazon States Language. Nothing starts with
// less than Policy.UsefulTime left before the context's deadline, and no retry is
// waited for that cannot start by then.
//
// What happened is decided by when it happened, not by when the loop hears of it: an
// item that failed before the run's end has failed. An outcome has the attempts that
// were made: Func is not called when the context has ended.
//
// A run can be cut into several, one after the other: Policy.Continues leaves the retries
// that cannot start in time planned, Outcome.OutOfTime says which items go on, and
// Policy.Prior has what was left of each. Together they try each item as often as one run.
//
// A panic in an item is that item's failure.
//
// Map, and the loop over Each, return within Policy.Grace of the context's end,
// even if an attempt ignores its context; such an attempt is reported as
// abandoned, unless another attempt at its item was faster. Nothing else is left
// running.
//
// # How it works
//
// One goroutine, the caller's, owns all state: it starts attempts, receives their
// ends from a channel, keeps waiting retries in a heap, and decides. Each attempt
// runs in a goroutine of its own. After each 64 starts the loop lets them run, and
// handles what has ended. There are no locks.
package fanout

import (
	"context"
	"iter"
)

// A Func does the work of one attempt at one item. prior has the attempts made at
// this item before; it must not be changed. An error may implement [NamedError],
// [DelayedError], [RateError], [FinalError], [SkipError], [InterruptedError] or
// [NotStartedError] to say more. The value of the last attempt is kept in the outcome,
// also beside an error.
type Func[T, R any] func(ctx context.Context, item T, prior []Attempt) (R, error)

// An Event says that an attempt has started or ended. Every attempt that starts
// ends, in this order.
type Event[R any] struct {
	// Item is the item's index, and Number the number of the attempt among the
	// item's attempts, from 1, by their starts.
	Item, Number int

	// Ended says that the attempt has ended; false means that it has started.
	Ended bool

	// NotMade says that the run ended before the attempt was made: the outcome does not
	// have it.
	NotMade bool

	// Attempt is what the outcome will record of it. Of an attempt that has
	// started only Start and Hedge are known.
	Attempt Attempt

	// Status is the item's status when the attempt's end settles the item, else empty.
	// OutOfTime is the OutOfTime of the item's outcome.
	Status    Status
	OutOfTime bool

	// Value is what the attempt returned, also beside an error. It is the zero
	// value until the attempt has ended, and when nothing waited for its end.
	Value R
}

// Map calls do for every item and returns one outcome per item, in the order
// of items, and the verdict on the whole. It panics when p is not valid: that is
// a programming mistake, see [Policy.Validate].
func Map[T, R any](ctx context.Context, p Policy, items []T, do Func[T, R]) ([]Outcome[R], Verdict) {
	l := newLoop(ctx, p, items, do, nil)
	l.run(func(int, Outcome[R]) bool { return true })
	return l.outcomes, l.verdict
}

// Each calls do for every item and yields each item's index and outcome as soon
// as it has settled. No attempt starts while the loop's body runs, so the body
// should be quick. Leaving the loop early aborts what is running, and waits for
// it as at the context's end; a panic in the body aborts too, but waits for
// nothing.
//
// After the loop the second function returns the verdict on the whole; it is
// the zero Verdict before. The sequence can be ranged over once.
func Each[T, R any](ctx context.Context, p Policy, items []T, do Func[T, R]) (iter.Seq2[int, Outcome[R]], func() Verdict) {
	return Watch(ctx, p, items, do, nil)
}

// Watch is [Each] with a function that is called at the start and at the end of
// every attempt, an item's last one before the item is yielded. The calls come from
// the goroutine that ranges over the sequence, one after the other, in the order of
// what happens. No attempt starts during a call, so watch should be quick. A nil
// watch is not called.
func Watch[T, R any](
	ctx context.Context, p Policy, items []T, do Func[T, R], watch func(Event[R]),
) (iter.Seq2[int, Outcome[R]], func() Verdict) {
	l := newLoop(ctx, p, items, do, watch)
	return l.run, func() Verdict { return l.verdict }
}
