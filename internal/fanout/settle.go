package fanout

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// record adds an attempt to item i.
func (l *loop[T, R]) record(i int, a Attempt, c claims) {
	o := &l.outcomes[i]
	a.Name = c.name
	o.Attempts = append(o.Attempts, a)
	if l.policy.Adaptation.throttles(a.Name) {
		l.laneOf(i).throttle(a.Start, a.Start.Add(a.Elapsed))
	} else {
		l.laneOf(i).accept()
	}
}

// decide decides what comes of item i after its last attempt.
func (l *loop[T, R]) decide(i int, c claims) {
	attempts := l.outcomes[i].Attempts
	a := attempts[len(attempts)-1]
	switch {
	case a.Err == nil:
		l.settle(i, Succeeded, nil)
	case c.skip:
		l.settle(i, Skipped, a.Err)
	case c.panicked:
		l.settle(i, Failed, a.Err)
	case l.end != "":
		l.cut(i)
	case c.cut:
		l.overdue = cmp.Or(l.overdue, a.Err)
		l.close(i, TimedOut, a.Err, true)
	case l.retry(i, c):
	case a.Name == NameTimeout:
		l.settle(i, TimedOut, a.Err)
	default:
		l.settle(i, Failed, a.Err)
	}
}

// retry plans a retry of item i after its last attempt, and reports whether
// there is one to plan that can start before the deadline.
func (l *loop[T, R]) retry(i int, c claims) bool {
	wait, ok := l.waitAfter(i, c)
	if !ok || c.final {
		return false
	}
	now, asked := time.Now(), min(c.after, wait+mostAsked)
	if deadline, has := l.parent.Deadline(); has {
		left := deadline.Sub(now)
		if wait >= left {
			return false
		}
		if asked >= left {
			asked = left / 2 // as much is left for the attempt
		}
	}
	wait = max(wait, asked)
	attempts := l.outcomes[i].Attempts
	attempts[len(attempts)-1].Wait = wait
	heap.Push(&l.waiting, waiter{now.Add(wait), i})
	return true
}

// waitAfter returns the wait before the next attempt at item i, whatever the
// other side asked for, or false when there is none.
func (l *loop[T, R]) waitAfter(i int, c claims) (time.Duration, bool) {
	a := l.policy.Adaptation
	applies := func(r Retrier) bool { return r.matches(c.name) }
	if a.CountRetries || !a.throttles(c.name) || !slices.ContainsFunc(l.policy.Retry, applies) {
		return l.used[i].next(l.policy.Retry, c.name)
	}
	lane := l.laneOf(i)
	wait := lane.pause()
	if deadline, has := l.parent.Deadline(); has {
		now := time.Now()
		// Half of what is left, as long as there are not ever smaller halves.
		if half := deadline.Sub(now) / 2; half < wait && half > shortestPause {
			wait = half
			lane.wakeBy(now.Add(wait))
		}
	}
	return wait, true
}

// settle gives item i its outcome.
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

// cut gives item i, which was started, the outcome that the run's end gives it.
func (l *loop[T, R]) cut(i int) {
	attempts := l.outcomes[i].Attempts
	last := len(attempts) - 1
	for last > 0 && mere(attempts[last].Err, l.cause) {
		last--
	}
	l.close(i, l.end, beside(l.cause, attempts[last].Err), true)
}

func (l *loop[T, R]) close(i int, s Status, err error, cut bool) {
	o := &l.outcomes[i]
	o.Status, o.Err = s, err
	if n := len(o.Attempts); n > 0 {
		last := o.Attempts[n-1]
		o.Elapsed = last.Start.Add(last.Elapsed).Sub(o.Started())
	}
	l.open--
	l.laneOf(i).open--
	l.settled = append(l.settled, i)
	l.tally.add(i, s, cut)
}
