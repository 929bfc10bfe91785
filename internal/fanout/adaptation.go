package fanout

import (
	"fmt"
	"slices"
	"time"
)

// An Adaptation says how the number of attempts at once follows what the other
// side accepts. The zero Adaptation follows nothing.
//
// Each lane starts with a burst: a part of its items, and as many again every few
// milliseconds, so that few attempts meet a limit. While at most a sixth of the
// attempts are throttled, the bursts only get smaller, to half. Past a sixth the
// lane's window (how many may run at once) falls to what is still running, by a
// tenth at least, and grows by one for each round without a throttle. When the run
// has had too many throttles for that, the lane probes: it tries one more now and
// then, and gives it up at the first throttle. A lane in which nothing is accepted
// tries one attempt at a time, with longer and longer pauses.
type Adaptation struct {
	// ErrorEquals lists the error names that mean "too much at once". Empty means
	// that nothing is adapted.
	ErrorEquals []string

	// Lanes gives each item its lane, by any number from 0 up; the items of a
	// lane share one limit. Nil means one lane for all.
	Lanes []int

	// CountRetries says that a throttled attempt uses up its retrier's attempts,
	// with the retrier's waits. False means that it uses up none: while any retrier
	// applies to it, it waits until the other side probably accepts it.
	CountRetries bool
}

// The measures of an Adaptation.
const (
	// firstBurst is how many attempts a lane starts with at least: every Region
	// of the largest partition, so that a sweep over them is one burst.
	firstBurst = 36

	// burstShare is the share of a lane's items in a burst; the first burst is
	// firstBurst if that is more. One burst meets the other side's limit, wherever
	// that is, so a sixth keeps the extra calls under a fifth.
	burstShare = 0.17

	// The first burst has firstTicks times burstTick for its throttles, because it
	// may have to wait for connections. A later burst has burstTicks, a few round
	// trips inside a Region; a throttle takes one. Missed ticks are not made up
	// for: on a small share of a CPU a burst is sent bit by bit, and each tick
	// waits behind the sending.
	burstTick  = 2 * time.Millisecond
	firstTicks = 8
	burstTicks = 3

	// tolerated is the share of recent attempts that may be throttled without
	// lowering the window: a sixth makes a fifth more calls.
	tolerated = 1. / 6

	// backoff is the most of its window that a lane keeps after a throttle.
	backoff = 0.9

	// extraShare is the number of throttles allowed for each accepted attempt,
	// over the run. Past it a lane probes only after firstPatience accepted
	// attempts in a row, twice as many after each failed probe, up to mostPatience.
	// At mostPatience the probes cost two throttles in a hundred attempts.
	extraShare    = 0.15
	firstPatience = 2
	mostPatience  = 64

	// shortestPause and longestPause bound the wait after a throttled attempt. It
	// doubles with each burst of throttles until an attempt is accepted.
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

func (a Adaptation) laneOf(i int) int {
	if a.Lanes == nil {
		return 0
	}
	return a.Lanes[i]
}
