package coordinator

import (
	"fmt"
	"time"

	"meridian/pkg/protocol"
)

// A History is what the log of a kept run says of its earlier generations. Add its events in
// order, then give it to the next [Generation].
type History struct {
	plan    *Plan
	targets func(key string) ([]byte, error)
	outputs *protocol.Outputs

	units   []unit
	past    []past // of each unit
	unitAt  map[place]int
	regions map[place]int             // indexes into plan.Regions
	settled []*protocol.RegionOutcome // of each Region; nil means that it has not settled, or is done again

	started   bool               // whether the run was
	ended     *protocol.RunEnded // nil while the run has not
	handed    bool               // whether the last generation has handed the run over
	sequence  int                // of the last event
	last      time.Time          // its time
	idle      time.Duration      // between the ends of the run and its redrives
	spans     []span
	redrives  int
	before    int // generations before the last redrive
	throttled int // attempts
	store     protocol.StoreUsage
	redrive   *protocol.Redrive // the last one
	redriveAt time.Time
	notices   []string
}

// A place names a unit, or with batch 0 a Region.
type place struct {
	account, region string
	batch           int
}

// A span is the time of one generation.
type span struct{ begin, end time.Time }

// A past is what earlier generations have done for a unit.
type past struct {
	attempts  []pastAttempt
	running   map[int]protocol.Attempt // started and not ended, by number
	uncounted int                      // attempts before the last redrive
	status    protocol.Status          // if it has settled
	why       *pastError
	kept      map[int]protocol.TargetOutcome // targets that failed and that the last redrive leaves as they are
}

// A pastAttempt is an attempt of an earlier generation.
type pastAttempt struct {
	made protocol.Attempt
	reply
	why *pastError // nil for a success
}

// NewHistory returns the History of an empty log. targets reads what is stored beside the log.
func NewHistory(ready *Ready, targets func(key string) ([]byte, error)) *History {
	p := &ready.Plan
	h := &History{plan: p, targets: targets, outputs: newOutputs(p.MaxAnswerBytes), units: p.units(), unitAt: map[place]int{}, regions: map[place]int{}}
	h.past, h.settled = make([]past, len(h.units)), make([]*protocol.RegionOutcome, len(p.Regions))
	for i, u := range h.units {
		h.unitAt[p.placeOf(u.region, u.batch)] = i
	}
	for i := range p.Regions {
		h.regions[p.placeOf(i, 0)] = i
	}
	return h
}

// placeOf returns the place of a batch of the Region with an index.
func (p *Plan) placeOf(region, batch int) place {
	o := p.outcome(&p.Regions[region])
	return place{o.Account, o.Region, batch}
}

// Add adds the next event of the log. The error says what is wrong with it.
func (h *History) Add(e protocol.Event) error {
	before := h.last
	h.last, h.sequence = e.Time, e.Sequence
	if n := len(h.spans); n > 0 && e.Type != protocol.EventGenerationStarted {
		h.spans[n-1].end = e.Time
	}
	switch e.Type {
	case protocol.EventGenerationStarted:
		h.spans, h.handed = append(h.spans, span{e.Time, e.Time}), false
		if d := e.Generation.Redrive; d != nil {
			h.idle += e.Time.Sub(before)
			h.again(d, e.Time)
		}
	case protocol.EventRunStarted:
		h.started = true
	case protocol.EventNotice:
		h.notices = union(h.notices, []string{e.Notice})
	case protocol.EventAttemptStarted, protocol.EventAttemptEnded:
		return h.addAttempt(e)
	case protocol.EventRegionSettled:
		i, known := h.regions[place{e.Outcome.Account, e.Outcome.Region, 0}]
		if !known {
			return fmt.Errorf("event %d: the plan has no %s", e.Sequence, e.Outcome.Region)
		}
		h.settled[i] = e.Outcome
	case protocol.EventRunEnded:
		h.ended = e.Ended
	case protocol.EventGenerationEnded:
		h.handed = true
		if used := e.Generation.Store; used != nil {
			h.store.Writes += used.Writes
			h.store.Reads += used.Reads
		}
	}
	return nil
}

// Ended reports whether the run has ended, and no redrive has begun since.
func (h *History) Ended() bool { return h.ended != nil }

// HandedOver reports whether the last generation has ended and left the run to another one.
func (h *History) HandedOver() bool { return h.handed }

// Store returns how many requests to the store the ended generations have made.
func (h *History) Store() protocol.StoreUsage { return h.store }

// Generations returns how many generations there were, and Redrives how many of them began a
// redrive.
func (h *History) Generations() int { return len(h.spans) }

// SinceRedrive returns how many generations there were since the last redrive began, or in all.
func (h *History) SinceRedrive() int { return len(h.spans) - h.before }

// Redrives returns how many redrives there were.
func (h *History) Redrives() int { return h.redrives }

// addAttempt adds the start or the end of an attempt.
func (h *History) addAttempt(e protocol.Event) error {
	i, known := h.unitAt[place{e.Account, e.Region, e.Attempt.Batch}]
	if !known {
		return fmt.Errorf("event %d: the plan has no batch %d of %s", e.Sequence, e.Attempt.Batch, e.Region)
	}
	p := &h.past[i]
	if e.Type == protocol.EventAttemptStarted {
		if p.running == nil {
			p.running = map[int]protocol.Attempt{}
		}
		p.running[e.Number] = *e.Attempt
		return nil
	}
	delete(p.running, e.Number)
	if e.NotMade {
		return nil
	}
	a := pastAttempt{made: *e.Attempt}
	if e.Attempt.Error != "" || e.Attempt.Cause != "" {
		a.why = &pastError{made: e.Attempt, name: e.Attempt.Error, cause: e.Attempt.Cause}
	}
	if answer := e.Answer; answer != nil {
		if a.why != nil {
			a.why.hint = answer.Hint
		}
		if err := h.read(&a, answer); err != nil {
			return fmt.Errorf("event %d: %w", e.Sequence, err)
		}
		if answer.Settled != "" {
			p.status, p.why = answer.Settled, a.why
		}
	}
	if a.made.Error == protocol.ErrorLambdaThrottled {
		h.throttled++
	}
	p.attempts = append(p.attempts, a)
	return nil
}

// read reads the answer of an attempt.
func (h *History) read(a *pastAttempt, answer *protocol.Answer) error {
	data := []byte(answer.Targets)
	if answer.StoredAs != "" {
		stored, err := h.targets(answer.StoredAs)
		if err != nil {
			return err
		}
		data = stored
	}
	returned := answer.Targets != nil || answer.StoredAs != "" || a.why == nil
	if !returned {
		return nil
	}
	a.recorded = &a.made
	a.workerRegion, a.older, a.truncated, a.at = answer.WorkerRegion, answer.Older, answer.Truncated, answer.At
	if data == nil {
		return nil
	}
	targets, err := protocol.DecodeTargets(data)
	if err != nil {
		return err
	}
	a.outputs = keep(h.outputs, targets)
	a.targets = targets
	return nil
}

// again marks what a redrive selects as not done.
func (h *History) again(d *protocol.Redrive, at time.Time) {
	h.redrive, h.redriveAt, h.ended = d, at, nil
	h.redrives++
	h.before = len(h.spans) - 1
	var undone []int // indexes of Regions, which may have several units
	for i := range h.past {
		u, p := h.units[i], &h.past[i]
		status, why := h.ends(i)
		kept, selected := h.selects(d, u)
		if done(status) || !selected {
			p.status, p.why = status, why
			continue
		}
		p.status, p.why, p.uncounted, p.kept = "", nil, len(p.attempts), kept
		for k := range u.regions {
			undone = append(undone, u.region+k)
		}
	}
	for _, k := range undone {
		h.settled[k] = nil
	}
}

// ends returns the status of a unit of a run that has ended, and why.
func (h *History) ends(i int) (protocol.Status, *pastError) {
	p, o := &h.past[i], h.settled[h.units[i].region]
	switch {
	case p.status != "" || o == nil:
		return p.status, p.why
	case h.mayHaveRun(p):
		return protocol.StatusFailed, &pastError{name: protocol.ErrorInterrupted, cause: interruptedCause}
	}
	why := &pastError{name: o.Error, cause: o.Cause, hint: o.Hint}
	switch {
	case len(p.attempts) == 0 && h.plan.Regions[h.units[i].region].Refused == nil:
		return protocol.StatusNotStarted, &pastError{cause: o.Cause}
	case o.Status == protocol.StatusTimedOut, len(h.plan.Regions[h.units[i].region].Batches) == 1:
		return o.Status, why
	}
	return protocol.StatusAborted, &pastError{cause: o.Cause}
}

// mayHaveRun reports whether a unit that has not settled must not be tried again: its work may not
// be done twice, and its last attempt may have done it.
func (h *History) mayHaveRun(p *past) bool {
	n := len(p.attempts)
	return h.plan.AtMostOnce && p.status == "" && n > p.uncounted && p.attempts[n-1].made.WaitMs == 0
}
