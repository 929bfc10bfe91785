package fanout

import (
	"container/heap"
	"context"
	"errors"
	"slices"
	"time"
)

// A loop is one fan-out. The goroutine that calls run owns all of it; attempts
// read ctx, policy, items, do, landed and ended, which do not change under them.
type loop[T, R any] struct {
	parent context.Context
	ctx    context.Context // what attempts see: parent, until the loop stops
	cancel context.CancelCauseFunc
	policy Policy
	items  []T
	do     Func[T, R]
	landed chan *flight[R]
	ended  chan struct{} // closed when nobody receives from landed any more

	outcomes []Outcome[R]
	used     []retries // of each item
	tally    *tally
	settled  []int // to be yielded
	open     int   // items not settled

	fresh   int   // the next item that was never tried
	ready   []int // items whose wait before a retry is over, in that order
	waiting waits // items that wait before a retry
	running int   // attempts that have not returned, abandoned ones included
	flights []*flight[R]

	alarm   *time.Timer
	alarmAt time.Time // zero when the alarm is not set

	end     Status // how the run was stopped; empty while it goes on
	cause   error  // why it was stopped
	endBy   time.Time
	verdict Verdict
}

func newLoop[T, R any](ctx context.Context, p Policy, items []T, do Func[T, R]) *loop[T, R] {
	if err := p.Validate(len(items)); err != nil {
		panic("fanout: " + err.Error())
	}
	if p.MaxConcurrency == 0 || p.MaxConcurrency > len(items) {
		p.MaxConcurrency = len(items)
	}
	if p.Grace == 0 {
		p.Grace = DefaultGrace
	}
	return &loop[T, R]{
		parent: ctx, policy: p, items: items, do: do,
		landed:   make(chan *flight[R], p.MaxConcurrency),
		ended:    make(chan struct{}),
		outcomes: make([]Outcome[R], len(items)),
		used:     make([]retries, len(items)),
		tally:    newTally(p.Tolerance, len(items)),
		open:     len(items),
	}
}

// run is the fan-out: it starts what may start, waits for the next event, and
// yields what has settled, until everything has.
func (l *loop[T, R]) run(yield func(int, Outcome[R]) bool) {
	if l.ctx != nil {
		panic("fanout: the sequence of Each was ranged over twice")
	}
	l.ctx, l.cancel = context.WithCancelCause(l.parent)
	l.alarm = time.NewTimer(time.Hour)
	l.alarm.Stop()
	defer func() { // deferred, because the loop's body may panic
		l.cancel(nil)
		l.alarm.Stop()
		close(l.ended)
	}()
	for l.open > 0 {
		l.launch()
		if l.open > 0 {
			l.wait()
		}
		for k := 0; k < len(l.settled); k++ { // stop adds to it
			if i := l.settled[k]; yield != nil && !yield(i, l.outcomes[i]) {
				yield = nil // the rest is settled unseen
				l.stop(Aborted, errLeft)
			}
		}
		l.settled = l.settled[:0]
	}
	l.verdict = l.tally.verdict(l.end, l.cause)
}

// launch starts attempts while there are free slots, retries first: what was
// begun is finished before more is begun.
func (l *loop[T, R]) launch() {
	l.watchParent()
	for l.end == "" && l.running < l.policy.MaxConcurrency {
		switch {
		case len(l.ready) > 0:
			i := l.ready[0]
			l.ready = l.ready[1:]
			l.start(i)
		case l.fresh < len(l.items):
			l.fresh++
			l.start(l.fresh - 1)
		default:
			return
		}
	}
}

func (l *loop[T, R]) start(i int) {
	f := &flight[R]{item: i, start: time.Now()}
	l.running++
	l.flights = append(l.flights, f)
	prior := l.outcomes[i].Attempts
	go l.fly(f, slices.Clip(prior))
}

// wait blocks until something has happened, and deals with it.
func (l *loop[T, R]) wait() {
	select { // the common case, without arming anything
	case f := <-l.landed:
		l.land(f)
		return
	default:
	}
	l.setAlarm()
	over := l.parent.Done()
	if l.end != "" {
		over = nil
	}
	select {
	case f := <-l.landed:
		l.land(f)
	case <-l.alarm.C:
		l.alarmAt = time.Time{}
		l.ring(time.Now())
	case <-over:
		l.watchParent()
	}
}

// land deals with an attempt that has returned.
func (l *loop[T, R]) land(f *flight[R]) {
	l.running--
	f.landed = true
	if f.abandoned {
		return
	}
	l.watchParent() // an attempt may hear of its context's end before the loop does
	o := &l.outcomes[f.item]
	o.Value = f.value
	*f = flight[R]{item: f.item, err: f.err, start: f.start, end: f.end, landed: true} // let go of value
	l.record(f.item, Attempt{Start: f.start, Elapsed: f.end.Sub(f.start), Err: f.err})
}

// record adds an attempt to item i and decides what comes of it.
func (l *loop[T, R]) record(i int, a Attempt) {
	o := &l.outcomes[i]
	a.Name = ErrorName(a.Err)
	o.Attempts = append(o.Attempts, a)
	var skipping interface{ Skip() bool }
	switch _, panicked := errors.AsType[*PanicError](a.Err); {
	case a.Err == nil:
		l.settle(i, Succeeded, nil)
	case panicked:
		l.settle(i, Failed, a.Err)
	case l.end != "":
		l.cut(i)
	case errors.As(a.Err, &skipping) && skipping.Skip():
		l.settle(i, Skipped, a.Err)
	case l.retry(i):
	case a.Name == NameTimeout:
		l.settle(i, TimedOut, a.Err)
	default:
		l.settle(i, Failed, a.Err)
	}
}

// retry plans a retry of item i after its last attempt, and reports whether
// there is one to plan that can start before the deadline.
func (l *loop[T, R]) retry(i int) bool {
	o := &l.outcomes[i]
	last := &o.Attempts[len(o.Attempts)-1]
	wait, ok := l.used[i].next(l.policy.Retry, last.Name, last.Err)
	if !ok {
		return false
	}
	at := time.Now().Add(wait)
	if deadline, has := l.parent.Deadline(); has && !at.Before(deadline) {
		return false
	}
	last.Wait = wait
	heap.Push(&l.waiting, waiter{at, i})
	return true
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
	l.close(i, l.end, beside(l.cause, attempts[len(attempts)-1].Err), true)
}

func (l *loop[T, R]) close(i int, s Status, err error, cut bool) {
	o := &l.outcomes[i]
	o.Status, o.Err = s, err
	if n := len(o.Attempts); n > 0 {
		last := o.Attempts[n-1]
		o.Elapsed = last.Start.Add(last.Elapsed).Sub(o.Attempts[0].Start)
	}
	l.open--
	l.settled = append(l.settled, i)
	l.tally.add(i, s, cut)
}

// The causes of an early end.
var (
	errEnough = errors.New("enough succeeded")
	errLeft   = errors.New("the loop over the outcomes was left")
)
