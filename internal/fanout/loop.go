package fanout

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"math"
	"runtime"
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

	lanes   []*lane
	turn    int   // the lane that is asked first for an item to start
	waiting waits // items that wait before a retry
	running int   // attempts that have not returned, abandoned ones included
	flights []*flight[R]

	alarm   *time.Timer
	alarmAt time.Time // zero when the alarm is not set

	end     Status // how the run was stopped; empty while it goes on
	cause   error  // why it was stopped
	overdue error  // the first item's that says that the run's time was over for it
	endBy   time.Time
	verdict Verdict
}

func newLoop[T, R any](ctx context.Context, p Policy, items []T, do Func[T, R]) *loop[T, R] {
	if err := p.Validate(len(items)); err != nil {
		panic("fanout: " + err.Error())
	}
	if p.MaxConcurrency == 0 {
		p.MaxConcurrency = math.MaxInt
	}
	if p.Grace == 0 {
		p.Grace = DefaultGrace
	}
	return &loop[T, R]{
		parent: ctx, policy: p, items: items, do: do,
		landed:   make(chan *flight[R], min(p.MaxConcurrency, len(items))),
		ended:    make(chan struct{}),
		outcomes: make([]Outcome[R], len(items)),
		used:     make([]retries, len(items)),
		lanes:    newLanes(p.Adaptation, len(items)),
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
	if l.end == "" {
		l.end, l.cause = TimedOut, l.overdue // if any was; else nothing was cut
	}
	l.verdict = l.tally.verdict(l.end, l.cause)
	for _, lane := range l.lanes {
		if lane.throttled > 0 {
			l.verdict.Throttled += lane.throttled
			l.verdict.Concurrency += int(math.Ceil(lane.window))
		}
	}
}

// launch starts attempts while there are free slots, retries first: what was
// begun is finished before more is begun.
func (l *loop[T, R]) launch() {
	l.watchParent()
	if l.end != "" || l.running >= l.policy.MaxConcurrency {
		return
	}
	now := time.Now() // once for all that start together
	l.ripen(now)
	for l.running < l.policy.MaxConcurrency {
		next := l.next(now)
		if next == nil {
			return
		}
		l.start(next.take(), now)
	}
}

// next returns the lane whose turn it is to start an item: one with a retry, else
// any with an item, that has room; else nil.
func (l *loop[T, R]) next(now time.Time) *lane {
	if len(l.lanes) == 1 { // the common case
		if lane := l.lanes[0]; len(lane.ready)+len(lane.fresh) > 0 && lane.room(now) {
			return lane
		}
		return nil
	}
	var found *lane
	for k := range l.lanes {
		lane := l.lanes[(l.turn+k)%len(l.lanes)]
		better := len(lane.ready) > 0 || found == nil && len(lane.fresh) > 0
		if better && lane.room(now) {
			found = lane
		}
		if found != nil && len(found.ready) > 0 {
			break
		}
	}
	l.turn = (l.turn + 1) % len(l.lanes)
	return found
}

func (l *loop[T, R]) laneOf(i int) *lane { return l.lanes[l.policy.Adaptation.laneOf(i)] }

func (l *loop[T, R]) start(i int, now time.Time) {
	f := &flight[R]{item: i, prior: slices.Clip(l.outcomes[i].Attempts), start: now}
	l.running++
	l.laneOf(i).running++
	l.flights = append(l.flights, f)
	go l.fly(f)
}

// wait blocks until something has happened, and deals with it.
func (l *loop[T, R]) wait() {
	for try := range 2 { // the common case, without arming anything
		select {
		case f := <-l.landed:
			l.land(f)
			return
		default:
		}
		if try == 0 {
			runtime.Gosched() // short attempts end now, which is cheaper than to park for them
		}
	}
	alarm := l.setAlarm()
	over := l.parent.Done()
	if l.end != "" {
		over = nil
	}
	select {
	case f := <-l.landed:
		l.land(f)
	case <-alarm:
		l.alarmAt = time.Time{}
		l.ring(time.Now())
	case <-over:
		l.watchParent()
	}
}

// land deals with an attempt that has returned.
func (l *loop[T, R]) land(f *flight[R]) {
	l.running--
	l.laneOf(f.item).running--
	f.landed = true
	l.ring(f.end) // as long as attempts keep landing the loop hears of nothing else
	if f.abandoned {
		return
	}
	o := &l.outcomes[f.item]
	o.Value = f.value
	var zero R
	f.value = zero // let go of it: l.flights may keep f for long
	l.record(f.item, Attempt{Start: f.start, Elapsed: f.end.Sub(f.start), Err: f.err}, f.claims)
}

// record adds an attempt to item i and decides what comes of it.
func (l *loop[T, R]) record(i int, a Attempt, c claims) {
	o := &l.outcomes[i]
	a.Name = c.name
	o.Attempts = append(o.Attempts, a)
	if l.policy.Adaptation.throttles(a.Name) {
		l.laneOf(i).throttle(a.Start, a.Start.Add(a.Elapsed))
	} else {
		l.laneOf(i).accept()
	}
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
	if !ok {
		return false
	}
	at := time.Now().Add(wait)
	if deadline, has := l.parent.Deadline(); has && !at.Before(deadline) {
		return false
	}
	attempts := l.outcomes[i].Attempts
	attempts[len(attempts)-1].Wait = wait
	heap.Push(&l.waiting, waiter{at, i})
	return true
}

// waitAfter returns the wait before the next attempt at item i, or false when
// there is none.
func (l *loop[T, R]) waitAfter(i int, c claims) (time.Duration, bool) {
	a := l.policy.Adaptation
	applies := func(r Retrier) bool { return r.matches(c.name) }
	if !a.CountRetries && a.throttles(c.name) && slices.ContainsFunc(l.policy.Retry, applies) {
		return max(l.laneOf(i).pause(), c.after), true
	}
	return l.used[i].next(l.policy.Retry, c.name, c.after)
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
