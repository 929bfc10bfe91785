package fanout

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// A lane is the items that share one limit on what runs at once. The loop owns it.
type lane struct {
	items   int
	fresh   []int // items that were never tried, in order
	ready   []int // items whose wait before a retry has passed, in that order
	running int
	open    int // items not settled

	limited bool      // whether window limits it
	window  float64   // how many attempts may run at once
	burst   float64   // by how much window grows while ramping
	ramping bool      // until the first limit is met
	tickAt  time.Time // the next tick of the burst while ramping; zero before the first
	ticks   int       // of this burst; a later burst starts at firstTicks-burstTicks
	held    int       // slots freed by throttled attempts, not reused until the next burst
	settled float64   // the window reached, for the record; zero means window

	recent          float64 // attempts started recently
	recentThrottled float64 // those of them that were throttled
	accepted        int
	throttled       int
	streak          int       // bursts of throttles since an attempt was accepted
	loweredAt       time.Time // when a throttle last lowered the window

	calm        int       // attempts accepted since the last throttle
	patience    int       // how many accepted attempts a probe waits for
	probing     bool      // whether it tries one more than its throttles allow
	pauses      bool      // whether it pauses when nothing is accepted
	pausedUntil time.Time // nothing starts before
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
		l.items, l.open = len(l.fresh), len(l.fresh)
		l.limited = len(a.ErrorEquals) > 0
		l.burst = max(1, burstShare*float64(l.items))
		l.window = max(firstBurst, l.burst)
		l.ramping = true
		l.patience = firstPatience
		l.pauses = !a.CountRetries
	}
	return lanes
}

// wakeAt returns when a lane that waits only for time has to be looked at again,
// and false when it waits for something else.
func (l *lane) wakeAt(now time.Time) (time.Time, bool) {
	switch {
	case !l.limited || len(l.ready)+len(l.fresh) == 0:
		return time.Time{}, false
	case l.pausedUntil.After(now):
		return l.pausedUntil, true
	}
	full := float64(l.running+l.held) >= l.window
	return l.tickAt, l.ramping && full && !l.tickAt.IsZero()
}

// room reports whether one more attempt may start.
func (l *lane) room(now time.Time) bool {
	if !l.limited {
		return true
	}
	if l.ramping && !l.tickAt.After(now) {
		l.tick(now)
	}
	return float64(l.running+l.held) < l.window && !l.pausedUntil.After(now)
}

// tick counts a tick of the burst, and lets the window grow after the last one.
func (l *lane) tick(now time.Time) {
	if !l.tickAt.IsZero() { // else the burst starts now
		l.ticks++
	}
	l.tickAt = now.Add(burstTick)
	if l.ticks < firstTicks {
		return
	}
	l.ticks, l.held = firstTicks-burstTicks, 0
	switch {
	case l.window >= float64(l.running+len(l.fresh)+len(l.ready)):
		return // the window holds nothing up
	case l.recentThrottled < 1:
		l.window += l.burst
	default:
		l.window += l.burst / 2
		l.ticks++ // half a burst gets less time
	}
	l.decay()
}

// take removes the item to start next: one that waited for a retry before one that
// was never tried.
func (l *lane) take() int {
	from := &l.fresh
	if len(l.ready) > 0 {
		from = &l.ready
	}
	i := (*from)[0]
	*from = (*from)[1:]
	return i
}

// start counts an attempt that starts, hedges included.
func (l *lane) start() {
	if l.recent >= 2*max(firstBurst, float64(l.running)) { // two rounds
		l.decay()
	}
	l.recent++
	l.running++
}

// decay makes coming attempts count more than past ones.
func (l *lane) decay() {
	l.recent /= 2
	l.recentThrottled /= 2
}

// accept counts an attempt that was not throttled, whether it succeeded or not.
func (l *lane) accept() {
	l.accepted++
	l.calm++
	l.streak = 0
	if l.ramping {
		return
	}
	allowed := float64(l.throttled+1) <= extraShare*float64(l.accepted)
	l.probing = !allowed && l.calm >= l.patience
	if !allowed && !l.probing {
		return
	}
	l.window += 1 / l.window
	l.settle()
	if l.calm >= l.patience+3*int(l.window) { // three rounds without a throttle: the limit has risen
		l.patience = firstPatience
	}
}

// throttle counts a throttled attempt, started at that time. The attempts still
// running were accepted, or have no answer yet.
func (l *lane) throttle(started, now time.Time) {
	l.throttled++
	l.recentThrottled++
	l.calm = 0
	if l.probing { // the probe failed
		l.probing = false
		l.patience = min(2*l.patience, mostPatience)
		l.window = max(1, min(l.window, float64(l.running)))
		l.settle()
		return
	}
	if l.recentThrottled <= tolerated*l.recent {
		if l.ramping {
			l.held++
		}
		return
	}
	if most := min(l.window, float64(l.items)); l.ramping && float64(l.accepted) >= most*backoff {
		l.settled = most // nearly the whole window was accepted, so it is below the limit
	}
	l.ramping, l.held = false, 0
	window := min(l.window, float64(l.running))
	if started.After(l.loweredAt) { // the first of a burst
		window = min(window, l.window*backoff)
		l.loweredAt = now
		l.streak++
	}
	l.window = max(1, window)
	l.settle()
	if l.pauses && l.running == 0 {
		l.pausedUntil = now.Add(l.longestPause() / 2)
	}
}

// pause is how long a throttled item waits at least. It is no less than the
// lane's own pause, so that a lane of one item waits once.
func (l *lane) pause() time.Duration {
	longest := l.longestPause()
	return longest/2 + rand.N(longest/2+1)
}

func (l *lane) longestPause() time.Duration {
	return min(longestPause, shortestPause<<min(max(l.streak-1, 0), 10))
}

// wakeBy ends the lane's pause at t at the latest.
func (l *lane) wakeBy(t time.Time) {
	if l.pausedUntil.After(t) {
		l.pausedUntil = t
	}
}

// settle records the window. It does not record a fall while fewer items are open
// than the recorded window: at the end of a lane nothing takes the free slots, and
// the window falls to what is running, which says nothing about the limit.
func (l *lane) settle() {
	if l.window > l.settled || float64(l.open) >= l.settled {
		l.settled = min(l.window, float64(l.items))
	}
}

// settledAt returns how many attempts at once the lane has settled at.
func (l *lane) settledAt() int {
	return min(int(math.Ceil(cmp.Or(l.settled, l.window))), l.items)
}
