package fanout

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// A lane is items that share one limit on what runs at once. The loop owns it.
type lane struct {
	items   int
	fresh   []int // items that were never tried, in order
	ready   []int // items whose wait before a retry is over, in that order
	running int
	open    int // items not settled

	limited bool      // whether window bounds it
	window  float64   // how many may run; the next may start while fewer do
	burst   float64   // by how much it grows at first
	ramping bool      // whether no limit was met yet
	tickAt  time.Time // the next tick of the burst, if ramping; zero before the first
	ticks   int       // since it began; counted on from where a later burst's begin
	held    int       // places in the window that this burst's throttles have left, for nobody
	settled float64   // the window that it has come to, for the record; zero as long as that is window

	tried     float64 // attempts started lately
	refused   float64 // those of them that were throttled
	accepted  int
	throttled int
	streak    int       // throttles since an attempt was accepted, burst by burst
	cutAt     time.Time // the last time that the window fell by a throttle

	calm     int       // attempts accepted since the last throttle
	patience int       // how many they have to be, to try for more than the throttles allow for
	trying   bool      // whether it does
	rests    bool      // whether it waits when nothing is accepted at all
	restTill time.Time // nothing starts before
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
		l.rests = !a.CountRetries
	}
	return lanes
}

// wakeAt returns when a lane that waits for nothing but time has to look again,
// and false when it does not.
func (l *lane) wakeAt(now time.Time) (time.Time, bool) {
	switch {
	case !l.limited || len(l.ready)+len(l.fresh) == 0:
		return time.Time{}, false
	case l.restTill.After(now):
		return l.restTill, true
	}
	full := float64(l.running+l.held) >= l.window
	return l.tickAt, l.ramping && full && !l.tickAt.IsZero()
}

// room reports whether one more may run.
func (l *lane) room(now time.Time) bool {
	if !l.limited {
		return true
	}
	if l.ramping && !l.tickAt.After(now) {
		l.tick(now)
	}
	return float64(l.running+l.held) < l.window && !l.restTill.After(now)
}

// tick takes note that time has passed, and lets the burst grow when it was
// enough.
func (l *lane) tick(now time.Time) {
	if !l.tickAt.IsZero() { // else the burst begins
		l.ticks++
	}
	l.tickAt = now.Add(burstTick)
	if l.ticks < firstTicks {
		return
	}
	l.ticks, l.held = firstTicks-burstTicks, 0
	switch {
	case l.window >= float64(l.running+len(l.fresh)+len(l.ready)):
		return // it is not what holds anything up
	case l.refused < 1:
		l.window += l.burst
	default:
		l.window += l.burst / 2
		l.ticks++ // half as many have a little less time
	}
	l.forget()
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

// start takes note of an attempt that starts, be it a hedge.
func (l *lane) start() {
	if l.tried >= 2*max(firstBurst, float64(l.running)) { // two rounds
		l.forget()
	}
	l.tried++
	l.running++
}

// forget makes what is tried next count more than what was.
func (l *lane) forget() {
	l.tried /= 2
	l.refused /= 2
}

// accept takes note of an attempt that was not throttled, whatever became of it.
func (l *lane) accept() {
	l.accepted++
	l.calm++
	l.streak = 0
	if l.ramping {
		return
	}
	allowed := float64(l.throttled+1) <= extraShare*float64(l.accepted)
	l.trying = !allowed && l.calm >= l.patience
	if !allowed && !l.trying {
		return
	}
	l.window += 1 / l.window
	l.settle()
	if l.calm >= l.patience+3*int(l.window) { // rounds: more is borne, it seems
		l.patience = firstPatience
	}
}

// throttle takes note of an attempt that was throttled, and was started then.
// What still runs beside it was accepted, or has not heard yet.
func (l *lane) throttle(started, now time.Time) {
	l.throttled++
	l.refused++
	l.calm = 0
	if l.trying { // for one more than the other side bears
		l.trying = false
		l.patience = min(2*l.patience, mostPatience)
		l.window = max(1, min(l.window, float64(l.running)))
		l.settle()
		return
	}
	if l.refused <= tolerated*l.tried {
		if l.ramping {
			l.held++
		}
		return
	}
	if most := min(l.window, float64(l.items)); l.ramping && float64(l.accepted) >= most*backoff {
		l.settled = most // nearly as many were accepted, so it is no limit to begin with
	}
	l.ramping, l.held = false, 0
	window := min(l.window, float64(l.running))
	if started.After(l.cutAt) { // the first of a burst
		window = min(window, l.window*backoff)
		l.cutAt = now
		l.streak++
	}
	l.window = max(1, window)
	l.settle()
	if l.rests && l.running == 0 {
		l.restTill = now.Add(l.longestPause() / 2)
	}
}

// pause is how long a throttled item waits at least. It is no less than the rest
// of the lane, so a lane of one item only waits once.
func (l *lane) pause() time.Duration {
	longest := l.longestPause()
	return longest/2 + rand.N(longest/2+1)
}

func (l *lane) longestPause() time.Duration {
	return min(longestPause, shortestPause<<min(max(l.streak-1, 0), 10))
}

// wakeBy ends a rest no later than at t.
func (l *lane) wakeBy(t time.Time) {
	if l.restTill.After(t) {
		l.restTill = t
	}
}

// settle takes note of the window, for the record. Of the last items nothing takes
// the places that become free, and the window falls to what still runs: fewer items
// than there were places do not show that there are fewer.
func (l *lane) settle() {
	if l.window > l.settled || float64(l.open) >= l.settled {
		l.settled = min(l.window, float64(l.items))
	}
}

// settledAt is how many at once it has come to.
func (l *lane) settledAt() int {
	return min(int(math.Ceil(cmp.Or(l.settled, l.window))), l.items)
}
