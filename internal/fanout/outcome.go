package fanout

import (
	"slices"
	"time"
)

// A Status says how an item, or a run, ended.
type Status string

// The statuses of an item. A run's are SUCCEEDED, FAILED, TIMED_OUT and ABORTED.
const (
	Succeeded  Status = "SUCCEEDED"
	Failed     Status = "FAILED"
	TimedOut   Status = "TIMED_OUT"
	Aborted    Status = "ABORTED"     // started, then given up
	NotStarted Status = "NOT_STARTED" // the run ended before its turn
	Skipped    Status = "SKIPPED"     // nothing to do
)

// An Outcome is what became of one item.
type Outcome[R any] struct {
	// Status says how it ended; never empty.
	Status Status

	// Value is what the last attempt returned, also beside an error; the zero
	// value when there was none or it was abandoned.
	Value R

	// Err says why Status is not SUCCEEDED. When the run's end interrupted the
	// item it wraps the context's cause and the item's own last error.
	Err error

	// OutOfTime says that the end of the run's time settled the item, not a timeout of its own:
	// another run may carry it on.
	OutOfTime bool

	// Attempts lists every attempt, in the order of their ends, after those of [Policy.Prior].
	Attempts []Attempt

	// Elapsed is the time from the first attempt's start to the last one's end.
	Elapsed time.Duration
}

// Started returns when the first attempt started, or the zero time.
func (o Outcome[R]) Started() time.Time {
	if len(o.Attempts) == 0 {
		return time.Time{}
	}
	// The attempts are in the order of their ends: a hedge may have ended before the slow one.
	return slices.MinFunc(o.Attempts, func(a, b Attempt) int { return a.Start.Compare(b.Start) }).Start
}

// An Attempt is one try of an item.
type Attempt struct {
	// Start is when it started, and Elapsed how long it took, or how long the
	// engine waited for it.
	Start   time.Time
	Elapsed time.Duration

	// Err is its error, and Name the error's name. Nil and empty mean success;
	// an error without a name says that there was nothing to do.
	Err  error
	Name string

	// Wait is the wait after it, before the next attempt. Zero means that none
	// was planned.
	Wait time.Duration

	// Hedge means that it was made beside a slow attempt. The slower of the two
	// has an error without a name.
	Hedge bool

	// Abandoned means that it had not returned Policy.Grace after the end of its
	// time. It may still be running.
	Abandoned bool
}

// A Verdict says how a run as a whole ended.
type Verdict struct {
	// Status is SUCCEEDED, FAILED when more groups failed than is tolerated,
	// TIMED_OUT or ABORTED when the context ended first.
	Status Status

	// Err says why Status is not SUCCEEDED: a [ToleranceError], or the cause of
	// the context's end.
	Err error

	// Throttled counts the attempts that ended with one of the Adaptation's
	// errors. Concurrency is how many attempts at once the lanes settled at together,
	// when a limit was found in at least one; a lane without a limit counts the most
	// attempts that it had running. A throttle does not lower it when fewer items than
	// that were open. It is 0 when no limit was found.
	Throttled, Concurrency int

	// Windows has what the run has shown of each lane, for the [Adaptation.FirstBurst] of
	// the next run. The zero Window means nothing new.
	Windows []Window
}
