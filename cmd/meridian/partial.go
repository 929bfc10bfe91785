package main

import (
	"encoding/json"
	"fmt"

	"meridian/pkg/protocol"
)

// A partial is the result of a run as far as its events have it.
type partial struct {
	started bool
	task    string // "" if a function works by itself
	places  []string
	regions map[string]*protocol.RegionOutcome
	outputs map[string]map[string]json.RawMessage // by place and target
}

// placeOf names a Region of an account.
func placeOf(account, region string) string { return account + " " + region }

// add adds the next event.
func (p *partial) add(e protocol.Event) {
	switch e.Type {
	case protocol.EventRunStarted:
		p.started, p.task = true, e.Started.Task
	case protocol.EventGenerationStarted:
		for _, o := range p.regions {
			if d := e.Generation.Redrive; d != nil && d.Repeats(o) {
				o.Status, o.Error, o.Cause, o.Hint = protocol.StatusRunning, "", "", ""
			}
		}
	case protocol.EventAttemptStarted:
		names := e.Regions
		if names == nil {
			names = []string{e.Region}
		}
		for _, name := range names {
			if p.regions[placeOf(e.Account, name)] == nil {
				p.set(protocol.RegionOutcome{
					Account: e.Account, Region: name, Status: protocol.StatusRunning, StartMs: e.Attempt.StartMs, Attempts: []protocol.Attempt{},
				})
			}
		}
	case protocol.EventAttemptEnded:
		p.answered(e)
	case protocol.EventRegionSettled:
		p.set(*e.Outcome)
	case protocol.EventNotice, protocol.EventGenerationEnded, protocol.EventRunEnded:
	}
}

// set sets the outcome of a Region.
func (p *partial) set(o protocol.RegionOutcome) {
	place := placeOf(o.Account, o.Region)
	if p.regions == nil {
		p.regions = map[string]*protocol.RegionOutcome{}
	}
	if p.regions[place] == nil {
		p.places = append(p.places, place)
	}
	p.regions[place] = &o
}

// answered remembers the outputs of an attempt. It leaves out an attempt for several Regions, and
// outputs that only the store has.
func (p *partial) answered(e protocol.Event) {
	if e.Answer == nil || e.Answer.Targets == nil || len(e.Regions) > 1 {
		return
	}
	targets, err := protocol.DecodeTargets(e.Answer.Targets)
	if err != nil {
		return
	}
	place := placeOf(e.Account, e.Region)
	if p.outputs == nil {
		p.outputs = map[string]map[string]json.RawMessage{}
	}
	if p.outputs[place] == nil {
		p.outputs[place] = map[string]json.RawMessage{}
	}
	for _, o := range targets {
		if o.Output != nil {
			p.outputs[place][o.Target] = o.Output
		}
	}
}

// fill gives a result the outputs that it lacks.
func (p *partial) fill(r *protocol.Result) {
	for i := range r.Regions {
		o := &r.Regions[i]
		outputs, times := p.outputs[placeOf(o.Account, o.Region)], map[string]int{}
		for k := range o.Targets {
			times[o.Targets[k].Target]++
		}
		for k := range o.Targets {
			target := &o.Targets[k]
			if output, ok := outputs[target.Target]; ok && target.Output == nil && target.Status == protocol.StatusSucceeded && times[target.Target] == 1 {
				target.Output, target.DroppedOutputBytes = output, 0
			}
		}
	}
}

// result returns the result of a run that has not ended. It has the Regions that have started.
func (p *partial) result(s protocol.RunState) protocol.Result {
	r := protocol.Result{
		RunID: s.RunID, Name: s.Name, Status: s.Status, Error: s.Error, Cause: s.Cause, StartedAt: s.StartedAt, ElapsedMs: s.ElapsedMs,
		Message:     fmt.Sprintf("%.3f seconds so far", s.ElapsedMs/1000),
		Generations: s.Generations, Redrives: s.Redrives,
		Summary: protocol.Summary{Regions: s.Regions, Targets: s.Targets},
		Regions: []protocol.RegionOutcome{},
	}
	for _, place := range p.places {
		r.Regions = append(r.Regions, *p.regions[place])
	}
	p.fill(&r)
	return r
}

// lacksOutputs reports whether outputs of a result were dropped.
func lacksOutputs(r *protocol.Result) bool {
	for i := range r.Regions {
		for k := range r.Regions[i].Targets {
			if r.Regions[i].Targets[k].DroppedOutputBytes > 0 {
				return true
			}
		}
	}
	return false
}
