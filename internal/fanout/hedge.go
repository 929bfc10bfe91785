package fanout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"
)

// A Hedge says when an item with a slow attempt gets a second one beside it. The
// first answer wins; the other attempt is cancelled, and is recorded. Before it
// ends, the run waits for cancelled attempts, each for at most Policy.Grace from its
// cancelling. An item has at most one hedge running. The zero Hedge makes none.
type Hedge struct {
	// After is how long the first attempt may take. Zero means that
	// AfterPercentile decides.
	After time.Duration

	// AfterPercentile derives that time from the run's attempts so far: the time
	// within which this percentage of them succeeded, and a tenth more, because an
	// attempt that is about to answer needs no hedge. Attempts that failed do not
	// count. Above 0 and below 100. Nothing is hedged until that percentage, and ten
	// at least, have succeeded. Zero means that After decides.
	AfterPercentile float64

	// MaxExtraPercentage bounds the number of hedges, as a percentage of the
	// items, rounded down. Zero means DefaultMaxExtraPercentage.
	MaxExtraPercentage float64
}

// DefaultMaxExtraPercentage is the MaxExtraPercentage of a Hedge that has none: one
// extra call for twenty.
const DefaultMaxExtraPercentage = 5

const (
	// minSample is the least number of successful attempts that a percentile is
	// computed from.
	minSample = 10

	// percentileFactor multiplies the percentile.
	percentileFactor = 1.1
)

func (h Hedge) validate() error {
	switch {
	case h.After < 0:
		return fmt.Errorf("hedge After is %v; want 0 or more", h.After)
	case !(h.AfterPercentile >= 0 && h.AfterPercentile < 100):
		return fmt.Errorf("hedge AfterPercentile is %v; want 0 or more, less than 100", h.AfterPercentile)
	case h.After > 0 && h.AfterPercentile > 0:
		return errors.New("hedge has both After and AfterPercentile; want one of them")
	case !(h.MaxExtraPercentage >= 0 && h.MaxExtraPercentage <= 100):
		return fmt.Errorf("hedge MaxExtraPercentage is %v; want 0 to 100", h.MaxExtraPercentage)
	}
	return nil
}

func (h Hedge) enabled() bool { return h.After > 0 || h.AfterPercentile > 0 }

// Most returns how many hedges a run of n items may make.
func (h Hedge) Most(n int) int {
	return int(cmp.Or(h.MaxExtraPercentage, DefaultMaxExtraPercentage) / 100 * float64(n))
}

// errLost is the error of an attempt when another one at its item answered first.
var errLost error = unneededError("another attempt answered first")

// A hedger decides which items get a second attempt. The loop owns it.
type hedger[R any] struct {
	policy  Hedge
	left    int                   // hedges that may still be made
	queue   []*attempt[R]         // first attempts that may get a hedge, by their start
	running map[int][]*attempt[R] // attempts that are running, by item
	losers  []*attempt[R]         // running attempts at settled items, by lostAt
	took    []time.Duration       // the times of successful attempts, sorted
}

func newHedger[R any](h Hedge, n int) *hedger[R] {
	if !h.enabled() {
		return nil
	}
	return &hedger[R]{policy: h, left: h.Most(n), running: map[int][]*attempt[R]{}}
}

// after returns how long an attempt may take without a hedge, and false while that
// is not known.
func (h *hedger[R]) after() (time.Duration, bool) {
	if h.policy.After > 0 {
		return h.policy.After, true
	}
	// The percentile of all items that have succeeded or are running: those that have
	// succeeded are the fast ones.
	all := len(h.took) + len(h.running)
	rank := max(1, int(math.Ceil(h.policy.AfterPercentile/100*float64(all))))
	if len(h.took) < max(rank, minSample) {
		return 0, false
	}
	after := time.Duration(percentileFactor * float64(h.took[rank-1]))
	return max(1, after), true // an attempt that has just started is not slow
}

// next returns the next time after now at which an attempt may get a hedge, and
// false when there is none.
func (h *hedger[R]) next(now time.Time) (time.Time, bool) {
	after, known := h.after()
	if !known || h.left == 0 {
		return time.Time{}, false
	}
	due := now.Add(-after)
	from := sort.Search(len(h.queue), func(k int) bool { return h.queue[k].start.After(due) })
	for _, a := range h.queue[from:] {
		if !a.over() {
			return a.start.Add(after), true
		}
	}
	return time.Time{}, false
}

// add adds an attempt that starts, and gives it a context of its own.
func (h *hedger[R]) add(ctx context.Context, a *attempt[R]) {
	a.ctx, a.cancel = context.WithCancelCause(ctx)
	h.running[a.item] = append(h.running[a.item], a)
	if !a.hedge {
		h.queue = append(h.queue, a)
	}
}

// remove cancels an attempt that has ended or is given up, and returns the others
// that are running at its item.
func (h *hedger[R]) remove(a *attempt[R], cause error) []*attempt[R] {
	a.cancel(cause)
	if a.returned && a.err == nil {
		d := a.end.Sub(a.start)
		at, _ := slices.BinarySearch(h.took, d)
		h.took = slices.Insert(h.took, at, d)
	}
	others := slices.DeleteFunc(h.running[a.item], func(other *attempt[R]) bool { return other == a })
	h.running[a.item] = others
	if len(others) == 0 {
		delete(h.running, a.item)
	}
	return others
}

// hedge makes the hedges that are due while there is room. A group without room does
// not hold up the others.
func (l *loop[T, R]) hedge(now time.Time) {
	h := l.hedger
	if h == nil || l.end != "" {
		return
	}
	after, known := h.after()
	for k := 0; known && k < len(h.queue) && h.left > 0 && l.running < l.policy.MaxConcurrency; {
		slow := h.queue[k]
		switch {
		case !slow.over() && slow.start.Add(after).After(now):
			return
		case !slow.over() && !l.room(l.queueOf(slow.item), now):
			if len(l.queues) == 1 {
				return
			}
			k++
			continue
		}
		h.queue = slices.Delete(h.queue, k, k+1)
		if !slow.over() {
			h.left--
			l.start(slow.item, now, true)
		}
	}
}

// remove takes an attempt from those running at its item, and reports whether the
// item is decided by it. When it answered, the others have lost; when it failed,
// they may still answer.
func (l *loop[T, R]) remove(a *attempt[R], answered bool) (decided bool) {
	if l.hedger == nil {
		return true
	}
	others := l.hedger.remove(a, nil)
	if !answered {
		return len(others) == 0
	}
	l.hedger.losers = slices.DeleteFunc(l.hedger.losers, func(a *attempt[R]) bool { return a.returned })
	for _, other := range others {
		other.givenUp, other.lostAt = true, a.end
		l.hedger.remove(other, errLost)
		l.hedger.losers = append(l.hedger.losers, other)
		lost := Attempt{Start: other.start, Elapsed: a.end.Sub(other.start), Err: errLost, Hedge: other.hedge}
		made := !other.claimed.CompareAndSwap(false, true)
		if o := &l.outcomes[a.item]; made {
			o.Attempts = append(o.Attempts, lost)
		}
		l.report(Event[R]{Item: a.item, Number: other.number, NotMade: !made, Attempt: lost})
	}
	return true
}

// awaitLosers waits until the attempts that lost have returned, each for as long as
// an attempt may take to return.
func (l *loop[T, R]) awaitLosers() {
	if l.hedger == nil {
		return
	}
	for _, loser := range l.hedger.losers {
		by := loser.lostAt.Add(l.policy.Grace)
		if l.end != "" && l.endBy.Before(by) {
			by = l.endBy
		}
		l.timer.Reset(time.Until(by))
		for late := false; !late && !loser.returned; {
			select {
			case a := <-l.ended:
				a.returned = true
			case <-l.timer.C:
				late = true
			}
		}
	}
}
