package fanout

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// A queue has the items of one group that are not running. The loop owns it.
type queue struct {
	lane    *lane // the limit that they share
	bound   int   // of running
	fresh   []int // items that were never tried, in order
	ready   []int // items whose wait before a retry has passed, in that order
	waiting int   // items that wait before a retry
	running int   // the group's attempts that have not returned
}

// newQueues gives each group a queue, and the queues one lane or a lane each. Items
// without groups have one queue.
func newQueues(p Policy, n int) (queues []*queue, lanes []*lane) {
	queues = make([]*queue, 1)
	if len(p.Groups) > 0 {
		queues = make([]*queue, slices.Max(p.Groups)+1)
	}
	for g := range queues {
		if g == 0 || p.Adaptation.PerGroup {
			lanes = append(lanes, &lane{})
		}
		queues[g] = &queue{lane: lanes[len(lanes)-1], bound: cmp.Or(p.GroupConcurrency, math.MaxInt)}
	}
	if len(queues) == 1 {
		queues[0].fresh = make([]int, 0, n)
	}
	for i := range n {
		q := queues[0]
		if p.Groups != nil {
			q = queues[p.Groups[i]]
		}
		if p.Prior == nil { // else see restore
			q.fresh = append(q.fresh, i)
		}
		q.lane.items++
	}
	for i, l := range lanes {
		l.setUp(p.Adaptation, i)
	}
	return queues, lanes
}

func (l *loop[T, R]) queueOf(i int) *queue {
	if l.policy.Groups == nil {
		return l.queues[0]
	}
	return l.queues[l.policy.Groups[i]]
}

func (l *loop[T, R]) laneOf(i int) *lane { return l.queueOf(i).lane }

// nextQueue returns the queue that starts an item next, or nil: the next in turn that has
// room and a retry, else the next that has room and an item.
func (l *loop[T, R]) nextQueue(now time.Time) *queue {
	var found *queue
	first := l.turn
	for k := range l.queues {
		at := (first + k) % len(l.queues)
		q := l.queues[at]
		better := len(q.ready) > 0 || found == nil && len(q.fresh) > 0
		if better && l.room(q, now) {
			found, l.turn = q, at+1
		}
		if found != nil && len(found.ready) > 0 {
			break
		}
	}
	return found
}

// take removes the item to start next: one that waited for a retry before one that
// was never tried.
func (q *queue) take() int {
	from := &q.fresh
	if len(q.ready) > 0 {
		from = &q.ready
	}
	i := (*from)[0]
	*from = (*from)[1:]
	return i
}

// room reports whether one more attempt of q's group may start. It keeps slots for the
// groups that have fewer running, so that each could have as many, if it has the items
// and its lane lets it. So a group whose attempts hang gets no more than its share.
func (l *loop[T, R]) room(q *queue, now time.Time) bool {
	free, keptInLane := l.policy.MaxConcurrency-l.running, 0
	for k := 0; free > 0 && k < len(l.queues); k++ {
		other := l.queues[k]
		if n := min(q.running, other.most()) - other.running; n > 0 {
			free -= n
			if other.lane == q.lane {
				keptInLane += n
			}
		}
	}
	return free > 0 && q.running < q.bound && q.lane.room(now, keptInLane)
}

// most returns how many attempts the group could have running now.
func (q *queue) most() int {
	return min(q.running+len(q.ready)+len(q.fresh)+q.waiting, q.bound, q.lane.most())
}
