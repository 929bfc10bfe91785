package fanout

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// An Adaptation says how the number of attempts at once follows what the other
// side can take. The zero Adaptation does not follow anything.
//
// A burst begins with a part of the items, and doubles every few milliseconds
// until something is throttled; a throttle that comes at once is thereby met by
// few. From then on the number is what the other side was seen to bear: it falls
// to what is still under way, at least by a tenth, and grows by one for each
// round that went well, as long as throttled attempts stay under a fifth of
// those that were not.
type Adaptation struct {
	// ErrorEquals lists the error names that mean "too much at once". Empty means
	// that nothing is adapted.
	ErrorEquals []string

	// Lanes gives each item its lane, by any number from 0 up; the items of a
	// lane share one limit. Nil means that all do.
	Lanes []int

	// CountRetries says that a throttled attempt uses up its retrier's attempts,
	// with the retrier's waits. False means that it does not, and waits until the
	// other side can be expected to bear it, as long as some retrier applies to it.
	CountRetries bool
}

// The measures of an Adaptation.
const (
	// firstBurst is how many attempts a lane begins with at least: every Region
	// of the largest partition, so that a sweep over them is one burst.
	firstBurst = 36

	// burstShare is the share of a lane's items that it begins with, if that is
	// more: half of it may be throttled and the extra calls still stay under a
	// tenth.
	burstShare = 0.18

	// burstInterval is how long a burst waits for a first throttle before it
	// doubles: some round trips inside a Region, where a throttle takes one.
	burstInterval = 25 * time.Millisecond

	// backoff is what a throttle leaves of the limit at most.
	backoff = 0.9

	// extraShare is how many throttled attempts may come of one accepted: past
	// it a lane does not try for more.
	extraShare = 0.2

	// shortestPause and longestPause bound the wait of a throttled attempt. It
	// doubles with each throttle that no accepted attempt came between.
	shortestPause = 25 * time.Millisecond
	longestPause  = 3200 * time.Millisecond
)

func (a Adaptation) validate(n int) error {
	if a.Lanes != nil && len(a.Lanes) != n {
		return fmt.Errorf("adaptation Lanes has %d entries for %d items", len(a.Lanes), n)
	}
	for i, lane := range a.Lanes {
		if lane < 0 {
			return fmt.Errorf("adaptation Lanes[%d] is %d; want 0 or more", i, lane)
		}
	}
	return nil
}

// throttles reports whether an error of that name means "too much at once".
func (a Adaptation) throttles(name string) bool { return slices.Contains(a.ErrorEquals, name) }

// A lane is items that share one limit on what runs at once. The loop owns it.
type lane struct {
	fresh   []int // items that were never tried, in order
	ready   []int // items whose wait before a retry is over, in that order
	running int

	limited bool      // whether window bounds it
	window  float64   // how many may run; the next may start while fewer do
	ramping bool      // whether nothing was throttled yet
	rampAt  time.Time // when the window doubles, if ramping

	accepted  int
	throttled int
	streak    int       // throttles since an attempt was accepted, burst by burst
	cutAt     time.Time // the last time that the window fell by a throttle
}

// newLanes divides n items into lanes.
func newLanes(a Adaptation, n int) []*lane {
	lanes := make([]*lane, 1)
	if len(a.Lanes) > 0 {
		lanes = make([]*lane, slices.Max(a.Lanes)+1)
	}
	for i := range lanes {
		lanes[i] = &lane{}
	}
	if len(lanes) == 1 {
		lanes[0].fresh = make([]int, 0, n)
	}
	for i := range n {
		l := lanes[a.laneOf(i)]
		l.fresh = append(l.fresh, i)
	}
	for _, l := range lanes {
		l.limited = len(a.ErrorEquals) > 0
		l.window = max(firstBurst, burstShare*float64(len(l.fresh)))
		l.ramping = true
	}
	return lanes
}

func (a Adaptation) laneOf(i int) int {
	if a.Lanes == nil {
		return 0
	}
	return a.Lanes[i]
}

// wakeAt returns when the window of a lane that only waits for that will double,
// and false when it does not.
func (l *lane) wakeAt() (time.Time, bool) {
	full := float64(l.running) >= l.window && len(l.ready)+len(l.fresh) > 0
	return l.rampAt, l.limited && l.ramping && full && !l.rampAt.IsZero()
}

// room reports whether one more may run.
func (l *lane) room(now time.Time) bool {
	if !l.limited {
		return true
	}
	if l.ramping && l.rampAt.IsZero() {
		l.rampAt = now.Add(burstInterval) // the burst begins
	}
	for l.ramping && !l.rampAt.After(now) && l.window < float64(l.running+len(l.fresh)+len(l.ready)) {
		l.window *= 2
		l.rampAt = l.rampAt.Add(burstInterval)
	}
	return float64(l.running) < l.window
}

// take removes the item to start next: what was begun before what was not.
func (l *lane) take() int {
	from := &l.fresh
	if len(l.ready) > 0 {
		from = &l.ready
	}
	i := (*from)[0]
	*from = (*from)[1:]
	return i
}

// accept takes note of an attempt that was not throttled, whatever became of it.
func (l *lane) accept() {
	l.accepted++
	l.streak = 0
	if !l.ramping && float64(l.throttled+1) <= extraShare*float64(l.accepted) {
		l.window += 1 / l.window
	}
}

// throttle takes note of an attempt that was throttled, and was started then.
// What still runs beside it was accepted, or has not heard yet.
func (l *lane) throttle(started, now time.Time) {
	l.throttled++
	l.ramping = false
	window := min(l.window, float64(l.running))
	if started.After(l.cutAt) { // the first of a burst
		window = min(window, l.window*backoff)
		l.cutAt = now
		l.streak++
	}
	l.window = max(1, window)
}

// pause is how long a throttled item waits at least.
func (l *lane) pause() time.Duration {
	longest := min(longestPause, shortestPause<<min(max(l.streak-1, 0), 10))
	return longest/2 + rand.N(longest/2+1)
}
