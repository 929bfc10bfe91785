package fanout

import (
	"slices"
	"time"
)

// An Adaptation says how the number of attempts at once follows what the other
// side accepts. The zero Adaptation follows nothing.
//
// Each lane starts with a burst: a fifth of its items, or what FirstBurst returns. When
// the throttles of a burst have had time to arrive, the next fifth follows, so that few
// attempts meet a limit. While at most a sixth of the attempts are throttled, the bursts
// only get smaller, to half. Past a sixth the lane's window (how many may run at once)
// falls to what the other side accepted. After two rounds without a throttle it grows by
// one, after two more by two, then by four, to find a limit that has risen. The first
// throttle ends that, and the next try waits twice as long. A lane in which nothing is
// accepted tries one attempt at a time, with longer and longer pauses.
//
// Throttles that mean too many attempts per second, see [RateError], leave the window as
// it is. Past a sixth of the attempts they slow the lane down to the rate that the other
// side accepted. That rate falls and grows as the window does.
type Adaptation struct {
	// ErrorEquals lists the error names that mean "too much at once". Empty means
	// that nothing is adapted.
	ErrorEquals []string

	// PerGroup says that each of Policy.Groups has a lane, and so a limit, of its own.
	// False means one lane for all.
	PerGroup bool

	// RoundTrip returns how long a throttle takes at least in a lane, from the start of
	// the attempt; false while that is not known, and then no further burst starts. A
	// lane has its group's number, the one for all has 0. It must not block. Nil means
	// no time.
	RoundTrip func(lane int) (time.Duration, bool)

	// FirstBurst returns what [Verdict.Windows] of an earlier run said of a lane, which is
	// how many attempts it starts with. It limits nothing after that. The zero Window means
	// that it is not known, and so does a nil FirstBurst.
	FirstBurst func(lane int) Window

	// CountRetries says that a throttled attempt uses up its retrier's attempts,
	// with the retrier's waits. False means that it uses up none: while any retrier
	// applies to it, it waits until the other side probably accepts it.
	CountRetries bool
}

// A Window is how many attempts at once the other side is known to accept in a lane. The
// zero Window means that it is not known.
type Window struct {
	// AtOnce is that number.
	AtOnce int

	// Limit says that it is the limit, which throttles have shown. Otherwise more may be
	// accepted.
	Limit bool
}

// The measures of an Adaptation.
const (
	// firstBurst is how many attempts a lane starts with at least: every Region
	// of the largest partition, so that a sweep over them is one burst.
	firstBurst = 36

	// burstShare is the share of a lane's items in a burst; the first burst is
	// firstBurst if that is more. One burst meets the other side's limit, wherever
	// that is, so a fifth keeps the extra calls under a quarter, with those of probes.
	burstShare = 0.2

	// largestBurst bounds a first burst that an earlier run makes larger than burstShare.
	// 5,000 attempts in one burst took a fifth more CPU time than in five: the memory that
	// they take has to be collected. `make bench` shows it.
	largestBurst = 1000

	// A burst waits for its throttles for a round trip and a margin: leastMargin and
	// half the round trip, at most mostMargin. So a run that meets no limit, and makes
	// four more bursts, takes four round trips and 0.1 s longer at most.
	leastMargin = 5 * time.Millisecond
	mostMargin  = 25 * time.Millisecond

	// tolerated is the share of recent attempts that may be throttled without
	// lowering the window: a sixth makes a fifth more calls.
	tolerated = 1. / 6

	// mostAccepted is the share of the attempts at once that have to be accepted to show
	// that the limit is not below their number.
	mostAccepted = 0.9

	// firstPatience is how many rounds without a throttle a lane waits before its
	// window grows. It doubles with each growth that a throttle ends, up to
	// mostPatience, where probes cost one throttle in sixteen rounds.
	firstPatience = 2
	mostPatience  = 16

	// shortestPause and longestPause bound the wait after a throttled attempt. It
	// doubles with each burst of throttles until an attempt is accepted.
	shortestPause = 4 * time.Millisecond
	longestPause  = 4 * time.Second
)

// throttles reports whether an error of that name means "too much at once".
func (a Adaptation) throttles(name string) bool { return slices.Contains(a.ErrorEquals, name) }
