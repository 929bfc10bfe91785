package fanout

import (
	"cmp"
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"time"
)

// A loop is one fan-out. The goroutine that calls run owns all of it. Attempts read
// ctx, policy, items, do, ended and done, which do not change while they run.
type loop[T, R any] struct {
	parent context.Context
	ctx    context.Context // what attempts see: parent, until the loop stops
	cancel context.CancelCauseFunc
	policy Policy
	items  []T
	do     Func[T, R]
	watch  func(Event[R]) // nil when nothing watches
	ended  chan *attempt[R]
	done   chan struct{} // closed when the loop no longer receives from ended

	outcomes []Outcome[R]
	used     []retries // of each item
	tally    *tally
	settled  []int // to be yielded
	open     int   // items not settled

	queues   []*queue      // of each group
	lanes    []*lane       // the queues' limits
	turn     int           // the queue to ask first for an item to start
	waiting  waits         // items that wait before a retry
	hedger   *hedger[R]    // nil when the policy does not hedge
	running  int           // attempts that have not returned, abandoned ones included
	started  int           // attempts
	attempts []*attempt[R] // by start, from the first that has not ended

	startBy time.Time // when the useful time ends, zero means never

	timer     *time.Timer
	timerAt   time.Time // zero when the timer is not set
	checkedAt time.Time // when startReady last looked for what may start

	end         Status // how the run was stopped; empty while it is not
	cause       error  // why it was stopped
	interrupted error  // the first item's error that says that the run's time is over
	left        error  // the first error of the items that an earlier run has left undone
	endBy       time.Time
	verdict     Verdict
}

func newLoop[T, R any](ctx context.Context, p Policy, items []T, do Func[T, R], watch func(Event[R])) *loop[T, R] {
	if err := p.Validate(len(items)); err != nil {
		panic("fanout: " + err.Error())
	}
	p.MaxConcurrency, p.Grace = cmp.Or(p.MaxConcurrency, math.MaxInt), cmp.Or(p.Grace, DefaultGrace)
	queues, lanes := newQueues(p, len(items))
	l := &loop[T, R]{
		parent: ctx, policy: p, items: items, do: do, watch: watch,
		ended:    make(chan *attempt[R], min(p.MaxConcurrency, len(items))),
		done:     make(chan struct{}),
		outcomes: make([]Outcome[R], len(items)),
		used:     make([]retries, len(items)),
		queues:   queues,
		lanes:    lanes,
		hedger:   newHedger[R](p.Hedge, len(items)),
		tally:    newTally(p.Tolerance, p.Groups, len(items)),
		open:     len(items),
	}
	if deadline, ok := ctx.Deadline(); ok {
		l.startBy = deadline.Add(-p.UsefulTime)
	}
	return l
}

// run is the fan-out: it starts what may start, waits for something to happen, and
// yields what has settled, until everything has.
func (l *loop[T, R]) run(yield func(int, Outcome[R]) bool) {
	if l.ctx != nil {
		panic("fanout: the sequence of Each was ranged over twice")
	}
	l.ctx, l.cancel = context.WithCancelCause(l.parent)
	l.timer = time.NewTimer(time.Hour)
	l.timer.Stop()
	defer func() { // deferred, because the loop's body may panic
		l.cancel(nil)
		l.timer.Stop()
		close(l.done)
	}()
	l.restore()
	for yield = l.yieldSettled(yield); l.open > 0; yield = l.yieldSettled(yield) {
		if l.startReady() {
			runtime.Gosched()
			l.finishEnded()
		} else if l.open > 0 {
			l.wait()
		}
	}
	l.awaitLosers()
	if l.end == "" {
		l.end, l.cause = TimedOut, cmp.Or(l.left, l.interrupted) // counts only for interrupted items
	}
	l.verdict = l.tally.verdict(l.end, l.cause)
	if l.verdict.Status == TimedOut && l.left != nil {
		l.verdict.Status = Aborted
	}
	limited := false
	for _, lane := range l.lanes {
		l.verdict.Throttled += lane.throttled
		l.verdict.Concurrency += lane.atOnce()
		l.verdict.Windows = append(l.verdict.Windows, lane.shown())
		limited = limited || lane.settled > 0
	}
	l.verdict.Concurrency = min(l.verdict.Concurrency, l.policy.MaxConcurrency)
	if !limited {
		l.verdict.Concurrency = 0
	}
}

// yieldSettled yields what has settled. It returns nil when the loop over the outcomes was
// left: the rest settles without being yielded.
func (l *loop[T, R]) yieldSettled(yield func(int, Outcome[R]) bool) func(int, Outcome[R]) bool {
	for k := 0; k < len(l.settled); k++ { // stop adds to it
		if i := l.settled[k]; yield != nil && !yield(i, l.outcomes[i]) {
			yield = nil
			l.stop(Aborted, errLeft)
		}
	}
	l.settled = l.settled[:0]
	return yield
}

// startsAtOnce is how many attempts start before the loop lets other goroutines run.
// Thousands of goroutines that wait for their first turn each hold a stack of some KB, which
// makes garbage collections frequent: a run of 5,000 invocations takes 10 % more CPU time
// and 30 MB more memory. A quarter of this number does as well.
const startsAtOnce = 64

// startReady starts attempts while there are free slots, retries first: it
// finishes items before it begins others. It returns true when it has started
// startsAtOnce and there may be more.
func (l *loop[T, R]) startReady() (more bool) {
	l.checkParent()
	now := time.Now() // once for all that start together
	l.checkedAt = now
	if l.end != "" || l.tooLate(now) {
		return false
	}
	l.endWaits(now)
	enough := l.started + startsAtOnce
	for q := l.nextQueue(now); q != nil; q = l.nextQueue(now) {
		l.start(q.take(), now, false)
		if l.started == enough {
			return true
		}
	}
	l.hedge(now)
	return false
}

// finishEnded handles the attempts that have returned.
func (l *loop[T, R]) finishEnded() {
	for {
		select {
		case a := <-l.ended:
			l.finish(a)
		default:
			return
		}
	}
}

// start starts an attempt at item i.
func (l *loop[T, R]) start(i int, now time.Time, hedge bool) {
	prior := slices.Clip(l.outcomes[i].Attempts)
	a := &attempt[R]{item: i, number: len(prior) + 1, prior: prior, hedge: hedge}
	if hedge {
		a.number++ // the slow attempt is not among prior yet
	}
	l.running++
	l.started++
	q := l.queueOf(i)
	q.running++
	a.sending = q.lane.begin(now)
	if l.hedger != nil {
		l.hedger.add(l.ctx, a)
	}
	l.attempts = append(l.attempts, a)
	if l.watch != nil {
		l.watch(Event[R]{Item: i, Number: a.number, Attempt: Attempt{Start: now, Hedge: hedge}})
	}
	go l.try(a)
}

// wait blocks until something has happened, and handles it.
func (l *loop[T, R]) wait() {
	select {
	case a := <-l.ended: // before any timer: a late loop gives up no attempt that has ended
		l.finish(a)
		return
	default:
	}
	over := l.parent.Done()
	if l.end != "" {
		over = nil
	}
	timer := l.setTimer()
	select {
	case a := <-l.ended:
		l.finish(a)
	case <-timer:
		l.timerAt = time.Time{}
		l.handleTimes(time.Now())
	case <-over:
		l.checkParent()
	}
}

// finish handles an attempt that has returned.
func (l *loop[T, R]) finish(a *attempt[R]) {
	l.running--
	q := l.queueOf(a.item)
	q.running--
	q.lane.running--
	a.returned = true
	l.handleTimes(a.end) // while attempts keep ending, the timer gets no turn
	if a.givenUp {
		return
	}
	if a.failure.notStarted && l.end != "" {
		l.forget(a)
		return
	}
	value := a.value
	var zero R
	a.value = zero // so that l.attempts does not hold it in memory
	l.outcomes[a.item].Value = value
	answered := a.err == nil || a.failure.skip
	l.record(a, Attempt{Start: a.start, Elapsed: a.end.Sub(a.start), Err: a.err, Hedge: a.hedge}, a.failure, answered)
}

// The causes of an early end.
var (
	errEnough error = unneededError("enough succeeded")
	errLeft         = errors.New("the loop over the outcomes was left")
)

// An unneededError ends attempts that are not needed any more. Its method Unneeded says so
// to a [Func] that could wait for an answer.
type unneededError string

func (e unneededError) Error() string { return string(e) }

// Unneeded returns true.
func (unneededError) Unneeded() bool { return true }
