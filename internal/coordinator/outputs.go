package coordinator

import (
	"encoding/json"
	"slices"
	"sync"

	"meridian/pkg/protocol"
)

// answersKept limits the outputs that a run keeps, in answers: 24 MiB for Lambda's
// answers, where each worker may return 6. While each Region has one invocation, the
// run drops what protocol.Fit would drop from the answer in the end. A Region with
// several may have the most now and not in the end; the room of four answers is for
// that.
const answersKept = 4

// The outputs of a run's targets are kept apart from their outcomes, because workers
// may return many times what the coordinator's memory holds. Above the limit, the
// Region with the most loses its outputs, and those that it gets later.
type outputs struct {
	limit int // bytes to keep; 0 means no limit

	mu      sync.Mutex
	bytes   int // kept
	regions []regionOutputs
	closed  bool
}

// regionOutputs are the outputs of one Region.
type regionOutputs struct {
	bytes   int // kept
	replies [][]json.RawMessage
	lost    bool // whether some were dropped
}

// newOutputs returns where the outputs of that many Regions are kept, when an answer
// holds maxAnswerBytes; 0 means no limit.
func newOutputs(maxAnswerBytes, regions int) *outputs {
	return &outputs{limit: answersKept * maxAnswerBytes, regions: make([]regionOutputs, regions)}
}

// keep takes the outputs out of the targets of a Region's reply, and returns them in
// the targets' order. They must not be read before close, because they may be dropped
// until then.
func (o *outputs) keep(region int, targets []protocol.TargetOutcome) []json.RawMessage {
	kept := make([]json.RawMessage, len(targets))
	bytes := 0
	for i := range targets {
		kept[i], targets[i].Output = targets[i].Output, nil
		bytes += len(kept[i])
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed { // the run has ended without this reply
		return kept
	}
	r := &o.regions[region]
	r.replies = append(r.replies, kept)
	r.bytes += bytes
	o.bytes += bytes
	if r.lost {
		o.drop(r)
	}
	for o.limit > 0 && o.bytes > o.limit {
		o.drop(o.largest())
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

// drop drops a Region's outputs.
func (o *outputs) drop(r *regionOutputs) {
	r.lost = r.lost || r.bytes > 0
	for _, reply := range r.replies {
		clear(reply)
	}
	o.bytes -= r.bytes
	r.bytes, r.replies = 0, nil
}

// close ends the collection: the outputs kept do not change any more.
func (o *outputs) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
}

// give puts the outputs that were kept into a Region's outcome. places has, for each
// target, where its output is, or nil. close has been called.
func (o *outputs) give(region int, r *protocol.RegionOutcome, places [][]*json.RawMessage) {
	for i, place := range slices.Concat(places...) {
		if place != nil {
			r.Targets[i].Output = *place
		}
	}
	r.Truncated = r.Truncated || o.regions[region].lost
}
