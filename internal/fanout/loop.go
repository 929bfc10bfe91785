package fanout

import (
	"context"
	"errors"
	"math"
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
	turn    int        // the lane that is asked first for an item to start
	waiting waits      // items that wait before a retry
	hedger  *hedger[R] // nil when the policy does not hedge
	running int        // attempts that have not returned, abandoned ones included
	flights []*flight[R]

	alarm    *time.Timer
	alarmAt  time.Time // zero when the alarm is not set
	lookedAt time.Time // the last time that launch did for what may start

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
		hedger:   newHedger[R](p.Hedge, len(items)),
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
	l.linger()
	if l.end == "" {
		l.end, l.cause = TimedOut, l.overdue // if any was; else nothing was cut
	}
	l.verdict = l.tally.verdict(l.end, l.cause)
	for _, lane := range l.lanes {
		if lane.throttled > 0 {
			l.verdict.Throttled += lane.throttled
			l.verdict.Concurrency += lane.settledAt()
		}
	}
	l.verdict.Concurrency = min(l.verdict.Concurrency, l.policy.MaxConcurrency)
}

// launch starts attempts while there are free slots, retries first: what was
// begun is finished before more is begun.
func (l *loop[T, R]) launch() {
	l.watchParent()
	if l.end != "" || l.running >= l.policy.MaxConcurrency {
		return
	}
	now := time.Now() // once for all that start together
	l.lookedAt = now
	l.ripen(now)
	for l.running < l.policy.MaxConcurrency {
		next := l.next(now)
		if next == nil {
			break
		}
		l.start(next.take(), now, false)
	}
	l.hedge(now)
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

func (l *loop[T, R]) start(i int, now time.Time, hedge bool) {
	f := &flight[R]{item: i, prior: slices.Clip(l.outcomes[i].Attempts), start: now, hedge: hedge}
	if l.hedger != nil {
		l.hedger.launched(l.ctx, f)
	}
	l.running++
	l.laneOf(i).start()
	l.flights = append(l.flights, f)
	go l.fly(f)
}

// wait blocks until something has happened, and deals with it.
func (l *loop[T, R]) wait() {
	select {
	case f := <-l.landed: // before any timer: a late loop gives up no attempt that has ended
		l.land(f)
		return
	default:
	}
	over := l.parent.Done()
	if l.end != "" {
		over = nil
	}
	alarm := l.setAlarm()
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
	decided := l.down(f, f.err == nil || f.claims.skip)
	l.record(f.item, Attempt{Start: f.start, Elapsed: f.end.Sub(f.start), Err: f.err, Hedge: f.hedge}, f.claims)
	if decided {
		l.decide(f.item, f.claims)
	}
}

// The causes of an early end.
var (
	errEnough = errors.New("enough succeeded")
	errLeft   = errors.New("the loop over the outcomes was left")
)
