package live

import (
	"encoding/json"

	"meridian/pkg/protocol"
)

// maxPending is how many bytes of answers wait until their rows are counted. It is more than
// the answers of one redraw's time, and little beside the memory of a run.
const maxPending = 16 << 20

// answers are answers whose rows are not counted yet.
type answers struct {
	pending []answer
	bytes   int
	lost    bool // some answers are missing
}

// An answer has the outcomes of targets.
type answer struct {
	invocation attemptKey // with the number 0
	*protocol.Answer
}

// add adds what an attempt brought back.
func (a *answers) add(key attemptKey, brought *protocol.Answer) {
	if brought == nil || len(brought.Targets) == 0 && brought.StoredAs == "" {
		return
	}
	if brought.StoredAs != "" || a.bytes+len(brought.Targets) > maxPending {
		a.lost = true
		return
	}
	key.number = 0
	a.pending = append(a.pending, answer{key, brought})
	a.bytes += len(brought.Targets)
}

// A rowCount counts the rows that a run has found. Only the goroutine that draws uses it: it
// decodes whole answers.
type rowCount struct {
	counts map[target]int
	total  int
	lost   bool // there are more
}

// A target is one of an invocation.
type target struct {
	invocation attemptKey
	index      int
}

// take counts the rows of the answers that have come.
func (c *rowCount) take(s *State) {
	if s.settings.Rows == nil {
		return
	}
	s.mu.Lock()
	pending, task := s.answers.pending, s.started.Task
	s.answers.pending, s.answers.bytes = nil, 0
	c.lost = c.lost || s.answers.lost
	s.mu.Unlock()
	if len(pending) == 0 {
		return
	}
	rows := s.settings.Rows(task)
	for _, a := range pending {
		targets, err := protocol.DecodeTargets(a.Targets)
		if rows == nil || err != nil { // the run itself reports the error
			continue
		}
		for i, t := range targets {
			if i < len(a.At) {
				i = a.At[i]
			}
			c.set(target{a.invocation, i}, t.Output, rows)
		}
	}
}

// set counts the rows of an output in the place of an earlier one of the same target.
func (c *rowCount) set(t target, output json.RawMessage, rows func(json.RawMessage) int) {
	if c.counts == nil {
		c.counts = map[target]int{}
	}
	n := 0
	if len(output) > 0 {
		n = rows(output)
	}
	c.total += n - c.counts[t]
	c.counts[t] = n
}
