package fanout

import (
	"fmt"
	"slices"
	"time"
)

// An Adaptation says how the number of attempts at once follows what the other
// side can take. The zero Adaptation does not follow anything.
//
// It begins with a part of the items, and as many again follow every few
// milliseconds; a limit is thereby met by few. As long as no more than a sixth of
// the attempts are throttled, they are not taken for a limit on what runs at
// once, and the parts are only halved. Past it the number is what the other side
// was seen to bear: it falls to what is still under way, at least by a tenth, and
// grows by one for each round that went well. When the throttles so far do not
// allow for more, one more is only tried now and then, and given up at the first
// throttle; while that goes well the number grows all the same. An other side that
// bears nothing is asked by one at a time, less and less.
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

	// burstShare is the share of a lane's items that a burst is, the first one if
	// that is more.
	// However many the other side takes, one burst meets its limit, so a sixth
	// keeps the extra calls of that under a fifth.
	burstShare = 0.17

	// The first burst has firstTicks times burstTick for its throttles, because it
	// may find no connection yet; a later one has burstTicks, a few round trips
	// inside a Region, where a throttle takes one. Ticks are counted, not made up
	// for: on a small share of a CPU a burst is sent only bit by bit, and each tick
	// waits its turn behind the sending.
	burstTick  = 2 * time.Millisecond
	firstTicks = 8
	burstTicks = 3

	// tolerated is the share of the last attempts that may be throttled without
	// being taken for a limit: as many as make a fifth more calls.
	tolerated = 1. / 6

	// backoff is what a throttle leaves of the limit at most.
	backoff = 0.9

	// extraShare is how many throttled attempts may come of one accepted, over
	// the run: past it a lane tries for more only after so many were accepted since
	// the last throttle, twice as many each time that this fails. The most makes
	// those tries cost two throttles of a hundred.
	extraShare    = 0.15
	firstPatience = 2
	mostPatience  = 64

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

func (a Adaptation) laneOf(i int) int {
	if a.Lanes == nil {
		return 0
	}
	return a.Lanes[i]
}
