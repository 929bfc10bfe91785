package fanout

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"slices"
	"time"
)

// checkParent stops the run when its context has ended.
func (l *loop[T, R]) checkParent() {
	if l.end != "" || l.parent.Err() == nil {
		return
	}
	cause := context.Cause(l.parent)
	switch timedOut := errors.Is(l.parent.Err(), context.DeadlineExceeded); {
	case errors.Is(cause, context.DeadlineExceeded):
		l.stop(TimedOut, cause)
	case timedOut: // the cause need not wrap DeadlineExceeded
		l.stop(TimedOut, &deadlineError{cause})
	default:
		l.stop(Aborted, cause)
	}
}

// A deadlineError is the cause of a deadline that does not say that time ran out.
type deadlineError struct{ error }

// Unwrap returns the cause and context.DeadlineExceeded.
func (e *deadlineError) Unwrap() []error { return []error{e.error, context.DeadlineExceeded} }

// stop ends the run: nothing more starts, waiting items are interrupted, and running
// attempts are cancelled and have Policy.Grace to return.
func (l *loop[T, R]) stop(end Status, cause error) {
	if l.end != "" {
		return
	}
	l.end, l.cause = end, cause
	l.endBy = time.Now().Add(l.policy.Grace)
	l.cancel(cause)
	l.drop(end, cause)
}

// tooLate reports whether too little time is left to start anything, and drops what has
// not started then.
func (l *loop[T, R]) tooLate(now time.Time) bool {
	if l.startBy.IsZero() || now.Before(l.startBy) {
		return false
	}
	if l.policy.UsefulTime == 0 { // the deadline itself: a context ends a moment after it
		<-l.parent.Done()
		l.checkParent()
		return true
	}
	cause := &lateError{l.policy.UsefulTime}
	open := l.open
	l.drop(TimedOut, cause)
	if l.open < open && l.interrupted == nil {
		l.interrupted = cause
	}
	return true
}

// drop gives the items that are not running the outcome of an end.
func (l *loop[T, R]) drop(end Status, cause error) {
	for _, q := range l.queues {
		for _, i := range slices.Concat(q.ready, q.fresh) {
			l.interrupt(i, end, cause)
		}
		q.ready, q.fresh = nil, nil
	}
	for len(l.waiting) > 0 {
		l.interrupt(heap.Pop(&l.waiting).(waiter).item, end, cause)
	}
}

// handleTimes handles every time that has come.
func (l *loop[T, R]) handleTimes(now time.Time) {
	l.checkParent()
	l.endWaits(now)
	for len(l.attempts) > 0 {
		first := l.attempts[0]
		by, limited := l.giveUpAt(first)
		if !first.over() && (!limited || by.After(now)) {
			return
		}
		l.attempts = l.attempts[1:]
		if !first.over() {
			l.abandon(first, now)
		}
	}
}

// endWaits makes the items ready that have waited long enough for their retry.
func (l *loop[T, R]) endWaits(now time.Time) {
	for len(l.waiting) > 0 && !l.waiting[0].at.After(now) {
		i := heap.Pop(&l.waiting).(waiter).item
		q := l.queueOf(i)
		q.waiting--
		q.ready = append(q.ready, i)
	}
}

// giveUpAt returns when a is abandoned if it has not returned, and false for never.
// It is never earlier than for an attempt started before a.
func (l *loop[T, R]) giveUpAt(a *attempt[R]) (at time.Time, limited bool) {
	if l.policy.Timeout > 0 {
		at = a.start.Add(l.policy.Timeout).Add(l.policy.Grace)
		limited = true
	}
	if l.end != "" && (!limited || l.endBy.Before(at)) {
		return l.endBy, true
	}
	return at, limited
}

// abandon gives up an attempt that ignores the end of its time.
func (l *loop[T, R]) abandon(a *attempt[R], now time.Time) {
	a.givenUp = true
	var zero R
	l.outcomes[a.item].Value = zero
	err := l.cause
	if l.end == "" {
		err = &TimeoutError{What: "attempt", After: l.policy.Timeout}
	}
	ended := Attempt{Start: a.start, Elapsed: now.Sub(a.start), Err: err, Abandoned: true, Hedge: a.hedge}
	l.record(a, ended, failure{name: ErrorName(err), late: l.end != "", final: l.policy.AtMostOnce}, false)
}

// setTimer returns a channel that wakes the loop up at the next time to handle, or
// nil when there is none. It may wake the loop up early: a timer that is set for an
// earlier time is left as it is.
func (l *loop[T, R]) setTimer() <-chan time.Time {
	var next time.Time
	earliest := func(at time.Time, some bool) {
		if some && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if len(l.waiting) > 0 {
		next = l.waiting[0].at
	}
	if now := l.checkedAt; l.end == "" && l.running < l.policy.MaxConcurrency { // what became due since then is not handled yet
		if l.hedger != nil {
			earliest(l.hedger.next(now))
		}
		for _, lane := range l.lanes {
			earliest(lane.wakeAt(now))
		}
	}
	earliest(l.startBy, l.policy.UsefulTime > 0 && l.end == "" && l.startBy.After(l.checkedAt))
	if len(l.attempts) > 0 { // the first one is running: handleTimes drops it otherwise
		earliest(l.giveUpAt(l.attempts[0]))
	}
	if next.IsZero() {
		return nil
	}
	if l.timerAt.IsZero() || next.Before(l.timerAt) {
		l.timerAt = next
		l.timer.Reset(time.Until(next))
	}
	return l.timer.C
}

// A waiter is an item that waits before a retry.
type waiter struct {
	at   time.Time
	item int
}

// waits is a heap of waiters, the earliest on top; of two at the same time, the one
// that is earlier in the input.
type waits []waiter

// Len implements [sort.Interface].
func (w *waits) Len() int { return len(*w) }

// Less implements [sort.Interface].
func (w *waits) Less(i, j int) bool {
	a, b := (*w)[i], (*w)[j]
	return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.item, b.item)) < 0
}

// Swap implements [sort.Interface].
func (w *waits) Swap(i, j int) { (*w)[i], (*w)[j] = (*w)[j], (*w)[i] }

// Push implements [heap.Interface].
func (w *waits) Push(x any) { *w = append(*w, x.(waiter)) }

// Pop implements [heap.Interface].
func (w *waits) Pop() any {
	last := (*w)[len(*w)-1]
	*w = (*w)[:len(*w)-1]
	return last
}
