package fanout

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"time"
)

// record adds an attempt that has ended to its item, and decides what follows
// unless another attempt at the item is still running. answered says that the
// attempt settles the item.
func (l *loop[T, R]) record(a *attempt[R], ended Attempt, f failure, answered bool) {
	last := l.remove(a, answered)
	o := &l.outcomes[a.item]
	ended.Name = f.name
	o.Attempts = append(o.Attempts, ended)
	if l.policy.Adaptation.throttles(ended.Name) {
		l.laneOf(a.item).throttle(a.sending, ended.Start.Add(ended.Elapsed), f.rate)
	} else {
		l.laneOf(a.item).accept(ended.Err == nil)
	}
	if last {
		l.decide(a.item, f)
	}
	l.report(Event[R]{Item: a.item, Number: a.number, Attempt: o.Attempts[len(o.Attempts)-1], Value: o.Value})
}

// forget handles the end of an attempt that was not made, because the run had ended.
func (l *loop[T, R]) forget(a *attempt[R]) {
	if l.remove(a, false) {
		l.interrupt(a.item, l.end, l.cause)
	}
	ended := Attempt{Start: a.start, Elapsed: a.end.Sub(a.start), Err: a.err, Hedge: a.hedge}
	l.report(Event[R]{Item: a.item, Number: a.number, NotMade: true, Attempt: ended})
}

// report tells the watcher that an attempt has ended.
func (l *loop[T, R]) report(e Event[R]) {
	if l.watch != nil {
		o := &l.outcomes[e.Item]
		e.Ended, e.Status, e.OutOfTime = true, o.Status, o.OutOfTime
		l.watch(e)
	}
}

// decide decides what follows the last attempt at item i.
func (l *loop[T, R]) decide(i int, f failure) {
	attempts := l.outcomes[i].Attempts
	a := &attempts[len(attempts)-1]
	switch {
	case a.Err == nil:
		l.settle(i, Succeeded, nil)
	case f.skip:
		l.settle(i, Skipped, a.Err)
	case f.panicked:
		l.settle(i, Failed, a.Err)
	case l.end != "" && f.late && !f.own:
		l.interrupt(i, l.end, l.cause)
	case f.interrupted:
		l.interrupted = cmp.Or(l.interrupted, a.Err)
		l.close(i, TimedOut, a.Err, true)
		l.outcomes[i].OutOfTime = true
	case l.retry(i, f):
		if l.end != "" { // it failed before the run's end, and was heard after it
			l.drop(l.end, l.cause)
		}
	case a.Name == NameTimeout:
		l.settle(i, TimedOut, a.Err)
	default:
		l.settle(i, Failed, a.Err)
	}
}

// retry plans a retry of item i, and reports whether there is one that can start
// before the deadline.
func (l *loop[T, R]) retry(i int, f failure) bool {
	wait, ok := l.waitAfter(i, f)
	if !ok || f.final {
		return false
	}
	attempts := l.outcomes[i].Attempts
	last := &attempts[len(attempts)-1]
	if most := l.policy.MaxAttempts; most > 0 && l.started >= most {
		last.Err = fmt.Errorf("%w; not tried again: %d attempts have been made, as many as are kept", last.Err, l.started)
		return false
	}
	now, asked := time.Now(), min(f.retryAfter, wait+mostAsked)
	if !l.startBy.IsZero() {
		left := l.startBy.Sub(now)
		if longest := max(wait, asked); longest >= left && l.policy.Continues && l.end != Aborted {
			l.postpone(i, last, longest)
			return true
		}
		if wait >= left {
			return false
		}
		if asked >= left {
			asked = left / 2 // the other half is for the attempt
		}
	}
	wait = max(wait, asked)
	last.Wait = wait
	heap.Push(&l.waiting, waiter{now.Add(wait), i})
	l.queueOf(i).waiting++
	return true
}

// waitAfter returns the wait before the next attempt at item i, apart from what the
// other side asked for, or false when there is no next attempt.
func (l *loop[T, R]) waitAfter(i int, f failure) (time.Duration, bool) {
	a := l.policy.Adaptation
	applies := func(r Retrier) bool { return r.matches(f.name) }
	if a.CountRetries || !a.throttles(f.name) || !slices.ContainsFunc(l.policy.Retry, applies) {
		return l.used[i].next(l.policy.Retry, f.name)
	}
	lane := l.laneOf(i)
	wait := lane.pause()
	if !l.startBy.IsZero() {
		now := time.Now()
		// Wait at most half the remaining time, but never less than shortestPause.
		if half := l.startBy.Sub(now) / 2; half < wait && half > shortestPause {
			wait = half
			lane.wakeBy(now.Add(wait))
		}
	}
	return wait, true
}

// settle gives item i its outcome, and stops the run when that is enough.
func (l *loop[T, R]) settle(i int, s Status, err error) {
	l.close(i, s, err, false)
	switch {
	case l.end != "" || !l.tally.enough():
	case l.tally.exceeded(l.tally.failed):
		l.stop(Aborted, l.tally.toleranceError())
	default:
		l.stop(Aborted, errEnough)
	}
}

// interrupt gives item i the outcome of an end: it was started, or not.
func (l *loop[T, R]) interrupt(i int, end Status, cause error) {
	l.outcomes[i].OutOfTime = end == TimedOut
	attempts := l.outcomes[i].Attempts
	if len(attempts) == 0 {
		l.close(i, NotStarted, cause, true)
		return
	}
	last := len(attempts) - 1
	for last > 0 && isContextError(attempts[last].Err, cause) {
		last--
	}
	l.close(i, end, withLastError(cause, attempts[last].Err), true)
}

func (l *loop[T, R]) close(i int, s Status, err error, interrupted bool) {
	o := &l.outcomes[i]
	o.Status, o.Err = s, err
	if n := len(o.Attempts); n > 0 {
		last := o.Attempts[n-1]
		o.Elapsed = last.Start.Add(last.Elapsed).Sub(o.Started())
	}
	l.open--
	l.laneOf(i).open--
	l.settled = append(l.settled, i)
	l.tally.add(i, s, interrupted, l.end != "")
}
