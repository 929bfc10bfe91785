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
	done map[string]protocol.Status // of targets: SUCCEEDED or SKIPPED
}

// add adds what an invocation did, and returns the status of all targets together:
// SUCCEEDED, SKIPPED when there was nothing to do for any of them, or FAILED while one
// is not done.
func (p *progress) add(all []string, outcomes []protocol.TargetOutcome) protocol.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done == nil {
		p.done = map[string]protocol.Status{}
	}
	for _, t := range outcomes {
		if done(t.Status) && p.done[t.Target] == "" {
			p.done[t.Target] = t.Status
		}
	}
	whole := protocol.StatusSkipped
	for _, target := range all {
		switch p.done[target] {
		case protocol.StatusSkipped:
		case protocol.StatusSucceeded:
			whole = protocol.StatusSucceeded
		default:
			return protocol.StatusFailed
		}
	}
	return whole
}

// left returns the targets that are not done.
func (p *progress) left(all []string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.done) == 0 {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(target string) bool { return p.done[target] != "" })
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
