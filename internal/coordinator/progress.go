package coordinator

import (
	"slices"
	"sync"

	"meridian/pkg/protocol"
)

// A progress is what the invocations of one unit have done together: a retry is sent
// only what those before it have not done, and a hedge may do what the slow invocation
// could not. A target that is done stays done.
type progress struct {
	mu   sync.Mutex
	done []protocol.Status // of each target, as workers have answered; "" if none has; nil means all of these

	final map[int]bool            // the targets that have failed and are not tried again
	first *protocol.TargetOutcome // of these

	ended bool // whether the run had ended when the unit settled; of a unit with several Regions
}

// add adds what an invocation did for the targets at these indexes of the unit's n; nil
// means all. It returns the status of all targets together: SUCCEEDED, SKIPPED when there
// was nothing to do for any of them, or FAILED while one is not done.
func (p *progress) add(n int, at []int, outcomes []protocol.TargetOutcome) protocol.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done == nil {
		p.done = make([]protocol.Status, n)
	}
	for i, t := range outcomes {
		if k := index(at, i); replaces(t.Status, p.done[k]) || p.done[k] == "" {
			p.done[k] = t.Status
		}
	}
	return together(p.done)
}

// index returns the i-th of these indexes; nil means all.
func index(at []int, i int) int {
	if at == nil {
		return i
	}
	return at[i]
}

// together returns the status of targets by what is done of them: SUCCEEDED, SKIPPED when
// all were skipped, or FAILED while one is not done.
func together(statuses []protocol.Status) protocol.Status {
	whole := protocol.StatusSkipped
	for _, s := range statuses {
		switch s {
		case protocol.StatusSkipped:
		case protocol.StatusSucceeded:
			whole = protocol.StatusSucceeded
		default:
			return protocol.StatusFailed
		}
	}
	return whole
}

// left returns the indexes of the targets that are not done; nil means all.
func (p *progress) left() []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done == nil || !slices.ContainsFunc(p.done, done) && p.final == nil {
		return nil
	}
	at := []int{}
	for k, s := range p.done {
		if !done(s) && !p.final[k] {
			at = append(at, k)
		}
	}
	return at
}

// open reports whether there is a target that is not done, and may be tried again.
func (p *progress) open() bool {
	at := p.left()
	return at == nil || len(at) > 0
}

// giveUp says that the target at an index, which has failed, is not tried again.
func (p *progress) giveUp(at int, t *protocol.TargetOutcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.final == nil {
		p.final, p.first = map[int]bool{}, t
	}
	p.final[at] = true
}

// givenUp returns the first target that is not tried again, or nil.
func (p *progress) givenUp() *protocol.TargetOutcome {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.first
}

// parts returns how many Regions of the unit, which settles, have succeeded, were skipped, or
// were cut off by the end of the run. sizes has the number of targets of each.
func (p *progress) parts(sizes []int, ended bool) (succeeded, skipped, cut int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = ended
	if p.done == nil {
		return 0, 0, 0
	}
	begin := 0
	for _, n := range sizes {
		statuses := p.done[begin : begin+n]
		begin += n
		switch s := together(statuses); {
		case s == protocol.StatusSucceeded:
			succeeded++
		case s == protocol.StatusSkipped:
			skipped++
		case ended && isCut(statuses):
			cut++
		}
	}
	return succeeded, skipped, cut
}

// isCut reports whether no target has failed, and some were stopped, or did not start.
func isCut(statuses []protocol.Status) bool {
	return !slices.ContainsFunc(statuses, func(s protocol.Status) bool {
		return !done(s) && s != protocol.StatusAborted && s != protocol.StatusNotStarted
	})
}

// done reports whether a target with this status needs no other invocation.
func done(s protocol.Status) bool {
	return s == protocol.StatusSucceeded || s == protocol.StatusSkipped
}

// replaces reports whether a target's new status replaces the one from an earlier
// invocation. A target that is done stays done, and one that was tried does not become
// NOT_STARTED.
func replaces(now, before protocol.Status) bool {
	return !done(before) && now != protocol.StatusNotStarted
}
