package fanout

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"time"
)

// watchParent stops the run when its context has ended.
func (l *loop[T, R]) watchParent() {
	if l.end != "" || l.parent.Err() == nil {
		return
	}
	cause := context.Cause(l.parent)
	switch timedOut := errors.Is(l.parent.Err(), context.DeadlineExceeded); {
	case errors.Is(cause, context.DeadlineExceeded):
		l.stop(TimedOut, cause)
	case timedOut: // which the cause need not say
		l.stop(TimedOut, fmt.Errorf("%w: %w", context.DeadlineExceeded, cause))
	default:
		l.stop(Aborted, cause)
	}
}

// stop ends the run: nothing more is started, what waits is cut, and what runs
// is told and has Policy.Grace to return.
func (l *loop[T, R]) stop(end Status, cause error) {
	if l.end != "" {
		return
	}
	l.end, l.cause = end, cause
	l.endBy = time.Now().Add(l.policy.Grace)
	l.cancel(cause)
	for _, lane := range l.lanes {
		for _, i := range lane.ready {
			l.cut(i)
		}
		for _, i := range lane.fresh {
			l.close(i, NotStarted, cause, true)
		}
		lane.ready, lane.fresh = nil, nil
	}
	for len(l.waiting) > 0 {
		l.cut(heap.Pop(&l.waiting).(waiter).item)
	}
}

// ring deals with every time that has come.
func (l *loop[T, R]) ring(now time.Time) {
	l.watchParent()
	l.ripen(now)
	for len(l.flights) > 0 && l.due(l.flights[0], now) {
		f := l.flights[0]
		l.flights = l.flights[1:]
		if !f.landed && !f.abandoned { // outrun attempts are given up already
			l.abandon(f, now)
		}
	}
}

// ripen lets go of the items whose wait before a retry is over.
func (l *loop[T, R]) ripen(now time.Time) {
	for len(l.waiting) > 0 && !l.waiting[0].at.After(now) {
		i := heap.Pop(&l.waiting).(waiter).item
		lane := l.laneOf(i)
		lane.ready = append(lane.ready, i)
	}
}

// due reports whether the loop need not wait for f any more.
func (l *loop[T, R]) due(f *flight[R], now time.Time) bool {
	if f.landed || f.abandoned {
		return true
	}
	by, bounded := l.patience(f)
	return bounded && !by.After(now)
}

// patience returns how long f is waited for, and false when it is for ever. It
// never falls from one flight to the next one started.
func (l *loop[T, R]) patience(f *flight[R]) (by time.Time, bounded bool) {
	if l.policy.Timeout > 0 {
		by = f.start.Add(l.policy.Timeout).Add(l.policy.Grace)
		bounded = true
	}
	if l.end != "" && (!bounded || l.endBy.Before(by)) {
		return l.endBy, true
	}
	return by, bounded
}

// abandon gives up on an attempt that ignores the end of its time.
func (l *loop[T, R]) abandon(f *flight[R], now time.Time) {
	f.abandoned = true
	var zero R
	l.outcomes[f.item].Value = zero
	err := l.cause
	if l.end == "" {
		err = &TimeoutError{What: "attempt", After: l.policy.Timeout}
	}
	c := claims{name: ErrorName(err)}
	decided := l.down(f, false)
	l.record(f.item, Attempt{Start: f.start, Elapsed: now.Sub(f.start), Err: err, Abandoned: true, Hedge: f.hedge}, c)
	if decided {
		l.decide(f.item, c)
	}
}

// setAlarm returns a channel that wakes the loop up when the next time has come,
// nil when there is none to wait for. It may wake it up early: an alarm that is
// set for less is left as it is.
func (l *loop[T, R]) setAlarm() <-chan time.Time {
	var next time.Time
	if len(l.waiting) > 0 {
		next = l.waiting[0].at
	}
	now := l.lookedAt // what has become due since then is still to be looked for
	if l.hedger != nil && l.end == "" && l.running < l.policy.MaxConcurrency {
		if at, some := l.hedger.next(now); some && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for _, lane := range l.lanes {
		if at, waits := lane.wakeAt(now); waits && l.running < l.policy.MaxConcurrency && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if len(l.flights) > 0 { // the first one has not landed: ring sees to that
		if by, bounded := l.patience(l.flights[0]); bounded && (next.IsZero() || by.Before(next)) {
			next = by
		}
	}
	if next.IsZero() {
		return nil
	}
	if l.alarmAt.IsZero() || next.Before(l.alarmAt) {
		l.alarmAt = next
		l.alarm.Reset(time.Until(next))
	}
	return l.alarm.C
}

// A waiter is an item that waits before a retry.
type waiter struct {
	at   time.Time
	item int
}

// waits is a heap of waiters, the one whose time comes first on top, of equals
// the one that comes first in the input.
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
