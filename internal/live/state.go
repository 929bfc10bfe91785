// Package live shows a run while it lasts. The command line calls it.
//
// A [State] follows a run by its events. [Draw] draws it on a terminal, and [Print] writes it
// as lines where there is none.
//
// # What the package promises
//
// State.Event never waits for a terminal, and may be called while the state is drawn. What has
// failed and what is still out is always on the screen: as a row, or counted, the failures by
// the names of their errors. A terminal is drawn at most [Redraws] times a second. Draw reads
// no input, handles no signals, and erases what it has drawn. Text of a result never reaches
// a terminal as a control character.
package live

import (
	"cmp"
	"encoding/json"
	"sync"
	"time"

	"meridian/pkg/protocol"
)

// Settings say what the caller knows of a run before its first event.
type Settings struct {
	// Doing says what the command does until the first event, such as "running".
	Doing string

	// Timeout is the time that the run has from its start, or from the start of its last
	// redrive. Zero means that it is not known.
	Timeout time.Duration

	// Rows returns a function that counts the rows in an output of a task, or nil for a task
	// without rows; "" stands for a function of the caller's own. A nil Rows means that rows
	// are not counted.
	Rows func(task string) func(output json.RawMessage) int
}

// A State is what is known of a run by its events so far. Its methods may be called from
// several goroutines at once.
type State struct {
	settings Settings
	opened   time.Time

	mu       sync.Mutex
	clock    clock
	began    time.Time // by the run's clock; zero before its start is known
	started  protocol.RunStarted
	items    map[place]*item
	order    []*item // by their first events
	settled  int     // counts the outcomes
	inFlight map[attemptKey]bool
	throttle int
	answers  answers
}

// A place is a Region, or an account in it.
type place struct{ account, region string }

// An attemptKey names an attempt of a run. The Region is the first one of the attempt's.
type attemptKey struct {
	place
	batch, number int
}

// New returns the state of a run without events.
func New(s Settings) *State {
	s.Doing = clean(s.Doing)
	return &State{settings: s, opened: time.Now(), items: map[place]*item{}, inFlight: map[attemptKey]bool{}}
}

// Event adds the next event. What it points to is read before Event returns, apart from the
// targets of an answer, which must not change.
func (s *State) Event(e protocol.Event) {
	if !isWhole(e) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock.received(e.Time, time.Now())
	switch e.Type {
	case protocol.EventRunStarted:
		s.began, s.started = e.Time, *e.Started
	case protocol.EventGenerationStarted:
		s.generation(e)
	case protocol.EventAttemptStarted:
		key := keyOf(e)
		s.inFlight[key] = true
		for _, p := range placesOf(e) {
			s.item(p).start(key, e)
		}
	case protocol.EventAttemptEnded:
		key := keyOf(e)
		delete(s.inFlight, key)
		for _, p := range placesOf(e) {
			s.item(p).end(key, e)
		}
		if e.Attempt.Error == protocol.ErrorLambdaThrottled {
			s.throttle++
		}
		if s.settings.Rows != nil {
			s.answers.add(key, e.Answer)
		}
	case protocol.EventRegionSettled:
		s.settled++
		account := cmp.Or(e.Account, e.Outcome.AccountName) // of a profile without credentials
		s.item(place{account, e.Region}).settle(e.Outcome, s.settled)
	case protocol.EventNotice, protocol.EventGenerationEnded, protocol.EventRunEnded:
	}
}

// isWhole reports whether an event has the part that its type says: one that was read may not.
func isWhole(e protocol.Event) bool {
	switch e.Type {
	case protocol.EventRunStarted:
		return e.Started != nil
	case protocol.EventGenerationStarted:
		return e.Generation != nil
	case protocol.EventAttemptStarted, protocol.EventAttemptEnded:
		return e.Attempt != nil
	case protocol.EventRegionSettled:
		return e.Outcome != nil
	case protocol.EventNotice, protocol.EventGenerationEnded, protocol.EventRunEnded:
	}
	return true
}

// generation forgets the attempts of a generation that has died, and the outcomes that a
// redrive replaces.
func (s *State) generation(e protocol.Event) {
	clear(s.inFlight)
	redrive := e.Generation.Redrive
	if redrive != nil {
		s.began = e.Time
	}
	for _, i := range s.order {
		i.attempts = nil
		if redrive != nil && i.outcome != nil && redrive.Repeats(&i.outcome.RegionOutcome) {
			i.outcome, i.waits, i.failure = nil, nil, ""
		}
	}
}

// item returns the item of a place.
func (s *State) item(p place) *item {
	i := s.items[p]
	if i == nil {
		i = &item{place: p}
		s.items[p] = i
		s.order = append(s.order, i)
	}
	return i
}

// keyOf names the attempt of an event.
func keyOf(e protocol.Event) attemptKey {
	return attemptKey{place{e.Account, e.Region}, e.Attempt.Batch, e.Number}
}

// placesOf returns the places of an attempt: several if its invocation serves several Regions.
func placesOf(e protocol.Event) []place {
	if len(e.Regions) == 0 {
		return []place{{e.Account, e.Region}}
	}
	places := make([]place, len(e.Regions))
	for i, region := range e.Regions {
		places[i] = place{e.Account, region}
	}
	return places
}

// A clock relates the times of events to the clock of this machine, which may differ.
type clock struct {
	last          time.Time // when the last event was received
	least, latest time.Duration
	any, fresh    bool
}

const (
	// freshAfter is the pause after which an event is taken for one that has just happened:
	// what happened before comes without pauses.
	freshAfter = time.Second

	// clocksAgree is the largest difference of two clocks that are taken to agree. It is
	// longer than the time between two polls for the events of a deployed run.
	clocksAgree = 5 * time.Second
)

// received notes when an event happened, by the clock of the run, and when it was received, by ours.
func (c *clock) received(happened, now time.Time) {
	behind := now.Sub(happened)
	if !c.any || behind < c.least {
		c.least = behind
	}
	if !c.last.IsZero() && now.Sub(c.last) >= freshAfter && (!c.fresh || behind < c.latest) {
		c.fresh, c.latest = true, behind
	}
	c.any, c.last = true, now
}

// now returns the time of the run's clock. An event cannot be received before it happened,
// so a time in the future shows how far that clock is ahead. How far it is behind is known
// only by events that have just happened.
func (c *clock) now(ours time.Time) time.Time {
	switch {
	case !c.any:
		return ours
	case c.least < 0:
		return ours.Add(-c.least)
	case c.fresh && min(c.least, c.latest) > clocksAgree:
		return ours.Add(-c.latest)
	}
	return ours
}
