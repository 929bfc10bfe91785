package fanout

import (
	"math"
	"math/rand/v2"
	"time"
)

// A lane is one limit on what runs at once, and the items that share it. The loop owns
// it.
type lane struct {
	items   int
	running int
	open    int // items not settled

	peak int // the most attempts that ran at once

	limited bool      // whether window limits it
	window  float64   // how many attempts may run at once
	fullAt  time.Time // when it last refused an attempt
	again   time.Time // when to ask again then; zero means when something has ended

	ramping   bool      // until the first limit is met
	first     int       // how many attempts the first burst had at most
	burst     float64   // by how much window grows while ramping
	growAt    time.Time // when it grows next while ramping; zero before the first start
	timed     bool      // whether the round trip was known then
	held      int       // slots freed by throttled attempts, not reused until the next burst
	roundTrip func() (time.Duration, bool)

	calm     int     // attempts accepted since the last throttle, or since window grew
	patience float64 // how many rounds have to be calm before window grows
	step     float64 // by how much it grows then
	probing  bool    // whether it has grown since the last throttle
	settled  float64 // the window that throttles have shown; zero means none

	recent          float64 // attempts started recently
	recentThrottled float64 // those of them that were throttled
	accepted        int
	succeeded       int // of those accepted
	throttled       int
	streak          int       // bursts of throttles since an attempt was accepted
	loweredAt       time.Time // when a burst of throttles last lowered the window
	pauses          bool      // whether it pauses when nothing is accepted
	pausedUntil     time.Time // nothing starts before

	begun   time.Time // when the first attempt started
	started int       // attempts
	pace    pace
}

// A sending is what a lane knows of an attempt from its start. A throttle is judged by
// it: the other side decided by what was running then, not by what is running when the
// throttle is heard.
type sending struct {
	start     time.Time
	number    int // of the lane's attempts, from 1
	running   int // attempts that ran, this one included
	throttled int // the lane's throttles so far
}

// setUp prepares a lane that knows its items. number is its own.
func (l *lane) setUp(a Adaptation, number int) {
	l.open = l.items
	l.limited = len(a.ErrorEquals) > 0
	l.burst = max(1, burstShare*float64(l.items))
	l.window = max(firstBurst, l.burst)
	if a.FirstBurst != nil {
		known := a.FirstBurst(number)
		if !known.Limit {
			known.AtOnce = min(known.AtOnce, largestBurst)
		}
		if known.Limit || float64(known.AtOnce) > l.window {
			l.window = float64(max(known.AtOnce, 1))
		}
	}
	l.first = int(l.window)
	l.ramping = true
	l.patience, l.step = firstPatience, 1
	l.pauses = !a.CountRetries
	if a.RoundTrip != nil {
		l.roundTrip = func() (time.Duration, bool) { return a.RoundTrip(number) }
	}
}

// wakeAt returns when a lane that has just refused an attempt has to be asked again, and
// false when that does not depend on time.
func (l *lane) wakeAt(now time.Time) (time.Time, bool) {
	return l.again, l.fullAt.Equal(now) && !l.again.IsZero()
}

// room reports whether one more attempt may start, beside those running and those kept
// for others.
func (l *lane) room(now time.Time, kept int) bool {
	if !l.limited {
		return true
	}
	if l.ramping && !l.growAt.After(now) {
		l.ramp(now)
	}
	switch {
	case l.pausedUntil.After(now):
		l.again = l.pausedUntil
	case l.pace.next.After(now):
		l.again = l.pace.next
	case float64(l.running+l.held+kept) < l.window:
		return true
	case l.ramping:
		l.again = l.growAt
	default:
		l.again = time.Time{}
	}
	l.fullAt = now
	return false
}

// most returns how many attempts may run at once, as far as that is known.
func (l *lane) most() int {
	if !l.limited || l.ramping {
		return math.MaxInt
	}
	return int(l.window)
}

// ramp starts the next burst, when the throttles of the one before have been heard. It
// counts the first burst from when the round trip is known: until then it waits for a
// connection.
func (l *lane) ramp(now time.Time) {
	timed := l.timed
	var wait time.Duration
	wait, l.timed = l.wait()
	l.growAt = now.Add(wait)
	if !timed || l.window >= float64(max(l.open, l.running+1)) { // a hedge is one more
		return
	}
	l.held = 0
	if l.recentThrottled < 1 {
		l.window += l.burst
	} else {
		l.window += l.burst / 2
	}
	l.decay()
}

// wait returns how long the throttles of a burst take at most, and whether that is
// known.
func (l *lane) wait() (longest time.Duration, known bool) {
	roundTrip, known := time.Duration(0), true
	if l.roundTrip != nil {
		roundTrip, known = l.roundTrip()
	}
	return roundTrip + min(leastMargin+roundTrip/2, mostMargin), known
}

// begin counts an attempt that starts, hedges included.
func (l *lane) begin(now time.Time) sending {
	if l.recent >= 2*max(firstBurst, float64(l.running)) { // two rounds
		l.decay()
	}
	l.recent++
	l.running++
	l.peak = max(l.peak, l.running)
	if l.started++; l.started == 1 {
		l.begun = now
	}
	l.plan(now)
	return sending{now, l.started, l.running, l.throttled}
}

// decay makes coming attempts count more than past ones.
func (l *lane) decay() {
	l.recent /= 2
	l.recentThrottled /= 2
}

// accept counts an attempt that was not throttled, whether it succeeded or not. After
// calm rounds the window grows, and twice as much after the next ones: the limit may
// have risen.
func (l *lane) accept(succeeded bool) {
	l.streak = 0
	l.accepted++
	if succeeded {
		l.succeeded++
	}
	if l.ramping || float64(l.running+1) < l.window/2 { // a window that is not used shows no limit
		return
	}
	if l.calm++; float64(l.calm) < l.patience*l.window {
		return
	}
	if l.probing { // the last growth went well
		l.patience = firstPatience
	}
	l.window += l.step
	l.step *= 2
	l.calm, l.probing = 0, true
	l.settle()
}

// throttle counts a throttled attempt. A few throttles among many attempts show no
// limit. More of them, or one after the window has grown, lower the window to what the
// other side accepted when it decided; throttles for the rate lower the pace instead.
func (l *lane) throttle(s sending, now time.Time, rate bool) {
	before := s.running - 1 - (l.throttled - s.throttled) // without those that were throttled, too
	l.throttled++
	if rate && !l.pace.next.IsZero() { // it counts them itself
		l.tooFast(s, now)
		return
	}
	l.recentThrottled++
	l.calm = 0
	if !l.probing && l.recentThrottled <= tolerated*l.recent {
		if l.ramping {
			l.held++
		}
		return
	}
	if rate {
		l.tooFast(s, now)
		return
	}
	if l.probing {
		l.patience = min(2*l.patience, mostPatience)
	}
	if l.settled == 0 && l.pace.next.IsZero() && float64(l.accepted) >= mostAccepted*float64(l.peak) {
		l.settled = float64(l.peak) // so the limit was not below that
	}
	l.ramping, l.probing, l.held, l.step = false, false, 0, 1
	l.window = max(1, min(l.window, float64(max(before, l.running))))
	l.settle()
	if s.start.After(l.loweredAt) { // the first of a burst
		l.loweredAt = now
		l.streak++
	}
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
// than the recorded window: at the end of a lane nothing takes the free slots, and few
// running attempts say nothing about the limit.
func (l *lane) settle() {
	if l.window > l.settled || float64(l.open) >= l.settled {
		l.settled = min(l.window, float64(l.items))
	}
}

// atOnce returns how many attempts at once the lane has settled at, or has had if it
// has met no limit.
func (l *lane) atOnce() int {
	if l.settled == 0 {
		return l.peak
	}
	return int(math.Ceil(l.settled))
}

// shown returns the window that throttles have shown, or how many attempts at once have
// succeeded if the first burst had fewer.
func (l *lane) shown() Window {
	switch {
	case l.settled > 0:
		return Window{AtOnce: l.atOnce(), Limit: true}
	case l.peak > l.first && float64(l.succeeded) >= mostAccepted*float64(l.peak):
		return Window{AtOnce: l.peak}
	}
	return Window{}
}
