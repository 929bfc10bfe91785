package fanout

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"time"
)

// A Prior is what an earlier run has left of an item, see [Policy.Prior].
type Prior struct {
	// Attempts are the attempts that were made, in the order of their ends. They come first in
	// the item's outcome, and count in Policy.MaxAttempts. If the last one has a Wait, the next
	// attempt starts after the rest of it.
	Attempts []Attempt

	// Uncounted is how many of the Attempts, from the first on, no retrier counts. Of the
	// later ones, retriers count those that have a Wait, except for throttles that use up no
	// retrier's attempts, see [Adaptation.CountRetries].
	Uncounted int

	// Status is the item's status if it has settled. Then it is not tried again, and Err says
	// why it has not succeeded. It is yielded before the items that go on, and counts in the
	// Tolerance as if it had settled now. One that is ABORTED or NOT_STARTED is no failure, but
	// a run in which more of them are left than is tolerated is ABORTED. Empty means that the
	// item goes on.
	Status Status
	Err    error
}

// restore gives every item what an earlier run has left of it.
func (l *loop[T, R]) restore() {
	for i, prior := range l.policy.Prior {
		l.outcomes[i].Attempts = slices.Clip(prior.Attempts)
		l.started += len(prior.Attempts)
		if prior.Status != "" {
			continue
		}
		l.countPrior(i, prior.Attempts[prior.Uncounted:])
		q := l.queueOf(i)
		if n := len(prior.Attempts); n > 0 && prior.Attempts[n-1].Wait > 0 {
			heap.Push(&l.waiting, waiter{prior.Attempts[n-1].retryAt(), i})
			q.waiting++
			continue
		}
		q.fresh = append(q.fresh, i)
	}
	for i, prior := range l.policy.Prior { // after all are queued, because it may stop the run
		switch prior.Status {
		case "":
		case Aborted, NotStarted:
			l.left = cmp.Or(l.left, prior.Err)
			l.close(i, prior.Status, prior.Err, true)
		case Succeeded, Failed, TimedOut, Skipped:
			l.settle(i, prior.Status, prior.Err)
		}
	}
}

func (p Prior) validate(i int) error {
	switch {
	case p.Uncounted < 0 || p.Uncounted > len(p.Attempts):
		return fmt.Errorf("policy Prior[%d]: Uncounted is %d; want 0 to %d", i, p.Uncounted, len(p.Attempts))
	case p.Status != "" && !slices.Contains([]Status{Succeeded, Failed, TimedOut, Aborted, NotStarted, Skipped}, p.Status):
		return fmt.Errorf("policy Prior[%d]: Status is %q; want that of an item, or none", i, p.Status)
	}
	return nil
}

// countPrior counts the retries that followed attempts of an earlier run.
func (l *loop[T, R]) countPrior(i int, attempts []Attempt) {
	a := l.policy.Adaptation
	for _, made := range attempts {
		if made.Wait > 0 && (a.CountRetries || !a.throttles(made.Name)) {
			l.used[i].next(l.policy.Retry, made.Name)
		}
	}
}

// retryAt returns when the attempt after a may start.
func (a Attempt) retryAt() time.Time { return a.Start.Add(a.Elapsed).Add(a.Wait) }

// postpone leaves a retry of item i that cannot start in time to the run that carries on.
func (l *loop[T, R]) postpone(i int, last *Attempt, wait time.Duration) {
	last.Wait = wait
	cause := error(&lateError{l.policy.UsefulTime})
	if l.interrupted == nil {
		l.interrupted = cause
	}
	l.interrupt(i, TimedOut, cause)
}
