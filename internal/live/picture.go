package live

import (
	"cmp"
	"slices"
	"time"

	"meridian/pkg/protocol"
)

// A picture is a state at one time.
type picture struct {
	doing         string
	elapsed, left time.Duration // left is 0 if the run's timeout is not known

	accounts, regions, targets  int // of the whole run
	settled                     int // Regions
	targetsDone, targetsFailed  int
	inFlight, retries, throttle int
	waiting                     int // Regions

	// rows counts those found, if that is known. There are more if rowsLost.
	rows                int
	rowsKnown, rowsLost bool

	// out has the rows of each phase, in the order of a person's need: of failures the last
	// first, of retries the first that is due, of attempts the longest. Of what is done, it
	// has the last lastDone.
	out      [phases][]*row
	statuses protocol.Counts // of what is done
}

// lastDone is how many of the rows that are done a picture has. No terminal shows more.
const lastDone = 100

// A row is an item as it is drawn.
type row struct {
	phase
	place
	status      protocol.Status
	time        time.Duration // how long it took, has taken, or waits
	error       string
	cause       string
	attempts    int // that are running, each of another invocation unless hedged
	hedged, due bool
	at          int // the number of its outcome, or of its first event
}

// picture returns the state at this time, by the clock of this machine.
func (s *State) picture(now time.Time) picture {
	s.mu.Lock()
	defer s.mu.Unlock()
	remote := s.clock.now(now)
	p := picture{
		doing: s.settings.Doing, accounts: s.started.Accounts, regions: s.started.Regions, targets: s.started.Targets,
		inFlight: len(s.inFlight), throttle: s.throttle,
	}
	p.elapsed = now.Sub(s.opened)
	if !s.began.IsZero() {
		p.elapsed = remote.Sub(s.began)
	}
	if s.settings.Timeout > 0 {
		p.left = max(0, s.settings.Timeout-p.elapsed)
	}
	rows := make([]row, len(s.order))
	for n, i := range s.order {
		rows[n].at = n
		p.add(&rows[n], i, remote, i.outcome != nil && i.outcome.at > s.settled-lastDone)
	}
	p.waiting = max(0, p.regions-p.settled-len(p.out[retrying])-len(p.out[running]))
	return p
}

// add adds an item, with this row. isLast says whether it is among the last that have settled.
func (p *picture) add(r *row, i *item, now time.Time, isLast bool) {
	r.phase, r.place, r.error, r.attempts = i.phase(), i.place, i.failure, len(i.attempts)
	p.retries += len(i.waits)
	if o := i.outcome; o != nil {
		r.status, r.time, r.error, r.cause, r.at = o.Status, protocol.Duration(o.ElapsedMs), o.failure, o.why, o.at
		p.settled++
		p.targetsDone += o.targets
		p.targetsFailed += o.failed
	}
	switch r.phase {
	case retrying:
		next := slices.MinFunc(i.waits, func(a, b retry) int { return a.until.Compare(b.until) })
		r.time, r.due, r.error = max(0, next.until.Sub(now)), !next.until.After(now), next.failure
	case running:
		first := slices.MinFunc(i.attempts, func(a, b attempt) int { return a.start.Compare(b.start) })
		r.time = max(0, now.Sub(first.start))
		r.hedged = slices.ContainsFunc(i.attempts, func(a attempt) bool { return a.hedge })
	case done:
		p.statuses.Add(r.status)
		if !isLast {
			return
		}
	case waiting:
		return // without an event it is not even known
	case failed:
	}
	p.out[r.phase] = append(p.out[r.phase], r)
}

// sort orders the rows.
func (p *picture) sort() {
	newest := func(a, b *row) int { return b.at - a.at }
	slices.SortFunc(p.out[failed], newest)
	slices.SortFunc(p.out[done], newest)
	slices.SortFunc(p.out[retrying], func(a, b *row) int { return cmp.Or(cmp.Compare(a.time, b.time), a.at-b.at) })
	slices.SortFunc(p.out[running], func(a, b *row) int { return cmp.Or(cmp.Compare(b.time, a.time), a.at-b.at) })
}
