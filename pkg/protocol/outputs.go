package protocol

import (
	"container/heap"
	"encoding/json"
	"sync"
)

// Outputs keeps the outputs of targets until their message is built, in a limited number
// of bytes. Above the limit it drops the largest, as [Fit] does, so it drops none that
// an answer of that length has room for. Of equal ones it drops the latest. Make one
// with [NewOutputs]. It may be used from several goroutines.
type Outputs struct {
	limit int

	mu    sync.Mutex
	bytes int // of the kept ones
	kept  largestFirst
	count int // of all
}

// NewOutputs returns Outputs that keep at most limit bytes. Zero means no limit.
func NewOutputs(limit int) *Outputs { return &Outputs{limit: limit} }

// An Output is an output that Outputs keep, or have dropped.
type Output struct {
	outputs *Outputs
	number  int // in the order of Keep
	value   json.RawMessage
	dropped int // how long it was
}

// Keep keeps an output. It returns nil for nil.
func (o *Outputs) Keep(value json.RawMessage) *Output {
	if value == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count++
	k := &Output{outputs: o, number: o.count, value: value}
	if o.limit == 0 {
		return k
	}
	o.bytes += len(value)
	heap.Push(&o.kept, k)
	for o.bytes > o.limit {
		drop := heap.Pop(&o.kept).(*Output) //nolint:forcetypeassert // the heap has no other
		o.bytes -= len(drop.value)
		drop.value, drop.dropped = nil, len(drop.value)
	}
	return k
}

// PutInto sets t's Output if it was kept, and its DroppedOutputBytes if not. Nil changes
// nothing.
func (k *Output) PutInto(t *TargetOutcome) {
	if k == nil {
		return
	}
	k.outputs.mu.Lock()
	defer k.outputs.mu.Unlock()
	t.Output, t.DroppedOutputBytes = k.value, k.dropped
}

// largestFirst is a heap of outputs with the next one to drop at the top.
type largestFirst []*Output

func (h *largestFirst) Len() int { return len(*h) }

func (h *largestFirst) Less(i, j int) bool {
	a, b := (*h)[i], (*h)[j]
	return len(a.value) > len(b.value) || len(a.value) == len(b.value) && a.number > b.number
}

func (h *largestFirst) Swap(i, j int) { (*h)[i], (*h)[j] = (*h)[j], (*h)[i] }

func (h *largestFirst) Push(x any) { *h = append(*h, x.(*Output)) } //nolint:forcetypeassert // see Keep

func (h *largestFirst) Pop() any {
	last := (*h)[len(*h)-1]
	(*h)[len(*h)-1] = nil
	*h = (*h)[:len(*h)-1]
	return last
}
