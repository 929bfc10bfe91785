package coordinator

import (
	"encoding/json"
	"slices"
	"sync"

	"meridian/pkg/protocol"
)

// answersKept is how many answers' worth of outputs a run keeps at most: 24 MiB for
// Lambda's answers, where each worker may bring 6. What is let go then is what
// protocol.Fit would take from the answer in the end, as long as each Region has one
// invocation. With several a Region may have the most now and not in the end; that is
// what so much room is left for.
const answersKept = 4

// The outputs of a run's targets are kept apart from their outcomes, because workers
// may bring many times what the coordinator's memory holds. When they come to more
// than the limit, those of the Region with the most are let go, and so is what it
// brings from then on.
type outputs struct {
	limit int // bytes that are kept; 0 means no limit

	mu      sync.Mutex
	bytes   int // that are kept
	regions []regionOutputs
	closed  bool
}

// regionOutputs are those of one Region.
type regionOutputs struct {
	bytes   int // that are kept
	replies [][]json.RawMessage
	lost    bool // whether some were let go
}

// newOutputs returns where the run's outputs are kept, of which an answer holds up to
// maxAnswerBytes; 0 means no limit.
func (p *plan) newOutputs(maxAnswerBytes int) *outputs {
	return &outputs{limit: answersKept * maxAnswerBytes, regions: make([]regionOutputs, len(p.regions))}
}

// keep takes the outputs out of the targets of a Region's reply, and returns them in
// the targets' order. They may be let go at any time until close, so nobody looks at
// them before.
func (o *outputs) keep(region int, targets []protocol.TargetOutcome) []json.RawMessage {
	kept := make([]json.RawMessage, len(targets))
	bytes := 0
	for i := range targets {
		kept[i], targets[i].Output = targets[i].Output, nil
		bytes += len(kept[i])
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed { // the run is over, and nobody waits for this
		return kept
	}
	r := &o.regions[region]
	r.replies = append(r.replies, kept)
	r.bytes += bytes
	o.bytes += bytes
	if r.lost {
		o.letGo(r)
	}
	for o.limit > 0 && o.bytes > o.limit {
		o.letGo(o.largest())
	}
	return kept
}

// largest returns the Region with the most outputs.
func (o *outputs) largest() *regionOutputs {
	most := &o.regions[0]
	for i := range o.regions {
		if r := &o.regions[i]; r.bytes > most.bytes {
			most = r
		}
	}
	return most
}

// letGo gives up a Region's outputs.
func (o *outputs) letGo(r *regionOutputs) {
	r.lost = r.lost || r.bytes > 0
	for _, reply := range r.replies {
		clear(reply)
	}
	o.bytes -= r.bytes
	r.bytes, r.replies = 0, nil
}

// close ends the keeping: what there is stays as it is.
func (o *outputs) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
}

// give gives a Region's outcome what has been kept of its targets' outputs, each of
// which is at its place, if there is one. close has been called.
func (o *outputs) give(region int, r *protocol.RegionOutcome, places [][]*json.RawMessage) {
	for i, place := range slices.Concat(places...) {
		if place != nil {
			r.Targets[i].Output = *place
		}
	}
	r.Truncated = r.Truncated || o.regions[region].lost
}
