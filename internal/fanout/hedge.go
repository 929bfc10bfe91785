package fanout

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"
)

// A Hedge says when an item whose attempt is slow gets a second one beside it.
// The first answer wins; the other attempt is cancelled, and stays in the record.
// At its end the run waits for it, too, for Policy.Grace from then at most.
// An item has at most one such attempt in the air. The zero Hedge makes none.
type Hedge struct {
	// After is how long the first attempt may take. Zero means that
	// AfterPercentile decides.
	After time.Duration

	// AfterPercentile makes it the time within which so many of a hundred of the
	// run's attempts so far have succeeded, and a tenth more, because those that
	// are about to answer need no help. Above 0 and below 100; it decides nothing
	// until so many have, and ten at least. Zero means that After decides.
	AfterPercentile float64

	// MaxExtraPercentage bounds the attempts made in this way, of a hundred
	// items, rounded down. Zero means DefaultMaxExtraPercentage.
	MaxExtraPercentage float64
}

// DefaultMaxExtraPercentage is the cost that a Hedge may have when its
// MaxExtraPercentage is zero: one call of twenty.
const DefaultMaxExtraPercentage = 5

const (
	// leastKnown is how many attempts are a sample.
	leastKnown = 10

	// overPercentile is what a percentile is multiplied with.
	overPercentile = 1.1
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

// Most returns how many of n items may get a second attempt.
func (h Hedge) Most(n int) int {
	percentage := h.MaxExtraPercentage
	if percentage == 0 {
		percentage = DefaultMaxExtraPercentage
	}
	return int(percentage / 100 * float64(n))
}

// errOutrun is the error of an attempt that another one was faster than.
var errOutrun = errors.New("another attempt answered first")

// A hedger decides which items get a second attempt. The loop owns it.
type hedger[R any] struct {
	policy Hedge
	left   int          // second attempts that may still be made
	queue  []*flight[R] // first attempts that may get one, by their start
	air    map[int][]*flight[R]
	losers []*flight[R]    // attempts that others were faster than, by when
	made   int             // first attempts
	took   []time.Duration // of successful attempts, in order of length
}

func newHedger[R any](h Hedge, n int) *hedger[R] {
	if !h.enabled() {
		return nil
	}
	return &hedger[R]{policy: h, left: h.Most(n), air: map[int][]*flight[R]{}}
}

// after returns how long an attempt may take, and false while that is not known.
func (h *hedger[R]) after() (time.Duration, bool) {
	if h.policy.After > 0 {
		return h.policy.After, true
	}
	// Of all that were made, not of those that have ended: they are the fast ones.
	rank := max(1, int(math.Ceil(h.policy.AfterPercentile/100*float64(h.made))))
	if len(h.took) < max(rank, leastKnown) {
		return 0, false
	}
	return time.Duration(overPercentile * float64(h.took[rank-1])), true
}

// next returns the next time after now at which an attempt may get another one
// beside it, and false when there is none.
func (h *hedger[R]) next(now time.Time) (time.Time, bool) {
	after, known := h.after()
	if !known || h.left == 0 {
		return time.Time{}, false
	}
	due := now.Add(-after)
	from := sort.Search(len(h.queue), func(k int) bool { return h.queue[k].start.After(due) })
	for _, f := range h.queue[from:] {
		if !f.landed && !f.abandoned {
			return f.start.Add(after), true
		}
	}
	return time.Time{}, false
}

// launched takes note of an attempt, and gives it a context of its own.
func (h *hedger[R]) launched(ctx context.Context, f *flight[R]) {
	f.ctx, f.cancel = context.WithCancelCause(ctx)
	h.air[f.item] = append(h.air[f.item], f)
	if !f.hedge {
		h.made++
		h.queue = append(h.queue, f)
	}
}

// down ends the context of f, which is not in the air any more, and returns the
// attempts at the same item that are.
func (h *hedger[R]) down(f *flight[R], cause error) []*flight[R] {
	f.cancel(cause)
	if f.landed && f.err == nil {
		d := f.end.Sub(f.start)
		at, _ := slices.BinarySearch(h.took, d)
		h.took = slices.Insert(h.took, at, d)
	}
	others := slices.DeleteFunc(h.air[f.item], func(other *flight[R]) bool { return other == f })
	h.air[f.item] = others
	if len(others) == 0 {
		delete(h.air, f.item)
	}
	return others
}

// hedge makes the second attempts whose time has come, as long as there is room.
// One whose lane has none does not hold up those of other lanes.
func (l *loop[T, R]) hedge(now time.Time) {
	h := l.hedger
	if h == nil || l.end != "" {
		return
	}
	after, known := h.after()
	for k := 0; known && k < len(h.queue) && h.left > 0 && l.running < l.policy.MaxConcurrency; {
		slow := h.queue[k]
		over := slow.landed || slow.abandoned
		switch {
		case !over && slow.start.Add(after).After(now):
			return
		case !over && !l.laneOf(slow.item).room(now):
			if len(l.lanes) == 1 {
				return
			}
			k++
			continue
		}
		h.queue = slices.Delete(h.queue, k, k+1)
		if !over {
			h.left--
			l.start(slow.item, now, true)
		}
	}
}

// down takes f from the air and reports whether that decides its item: the
// attempts beside one that has answered are outrun, those beside one that has
// failed may still answer.
func (l *loop[T, R]) down(f *flight[R], answered bool) (decided bool) {
	if l.hedger == nil {
		return true
	}
	others := l.hedger.down(f, nil)
	if !answered {
		return len(others) == 0
	}
	l.hedger.losers = slices.DeleteFunc(l.hedger.losers, func(f *flight[R]) bool { return f.landed })
	for _, other := range others {
		other.abandoned, other.outrun = true, f.end
		l.hedger.down(other, errOutrun)
		l.hedger.losers = append(l.hedger.losers, other)
		o := &l.outcomes[f.item]
		o.Attempts = append(o.Attempts, Attempt{
			Start: other.start, Elapsed: f.end.Sub(other.start), Err: errOutrun, Hedge: other.hedge,
		})
	}
	return true
}

// linger waits for the attempts that others were faster than, each for as long as
// an attempt may take to return.
func (l *loop[T, R]) linger() {
	if l.hedger == nil {
		return
	}
	for _, loser := range l.hedger.losers {
		by := loser.outrun.Add(l.policy.Grace)
		if l.end != "" && l.endBy.Before(by) {
			by = l.endBy
		}
		l.alarm.Reset(time.Until(by))
		for in := true; in && !loser.landed; {
			select {
			case f := <-l.landed:
				f.landed = true
			case <-l.alarm.C:
				in = false
			}
		}
	}
}
