package coordinator

import (
	"cmp"
	"fmt"
	"slices"

	"meridian/pkg/protocol"
)

// A unit is one invocation to be made: a batch of a Region's targets.
type unit struct {
	region   int // index into Plan.Regions
	batch    int
	targets  []string
	progress *progress
}

// units returns the plan's invocations, none of them made.
func (p *Plan) units() []unit {
	units := make([]unit, 0, p.invocations())
	for region, r := range p.Regions {
		targets := r.Targets
		for batch, n := range r.Batches {
			units = append(units, unit{region, batch, targets[:n:n], new(progress)})
			targets = targets[n:]
		}
	}
	return units
}

// ask returns what the worker is asked for a unit, without a budget: the targets that
// are not done yet.
func (p *Plan) ask(u unit, prior int) protocol.RegionRequest {
	r := p.Request
	return protocol.RegionRequest{
		Version:    protocol.VersionFor(r.Task),
		RunID:      p.RunID,
		Region:     p.Regions[u.region].Region,
		Batch:      u.batch,
		Attempt:    prior + 1,
		Task:       r.Task,
		Parameters: r.Parameters,
		Targets:    u.progress.left(u.targets),
		Policy: protocol.TargetPolicy{
			MaxConcurrency: r.TargetMaxConcurrency,
			TimeoutSeconds: r.TargetTimeoutSeconds,
			Retry:          r.TargetRetry,
		},
	}
}

// envelope returns what the requests to the workers have in common.
func (p *Plan) envelope() (protocol.Envelope, error) {
	return protocol.EnvelopeOf(p.ask(unit{progress: new(progress)}, 0))
}

// batchSize is the most targets of one invocation.
func (p *Plan) batchSize() int {
	return cmp.Or(p.Request.MaxTargetsPerInvocation, protocol.DefaultMaxTargetsPerInvocation)
}

// divide cuts the Regions' targets into batches: as many targets in each as
// maxTargetsPerInvocation and [protocol.MaxInvocationBytes] allow. It returns what one
// run cannot do of it.
func (p *Plan) divide() protocol.Faults {
	envelope, err := p.envelope()
	if err != nil {
		return protocol.Faults{{Detail: err.Error()}}
	}
	longest, fewest, invocations := 0, p.batchSize(), 0
	for i := range p.Regions {
		r := &p.Regions[i]
		batches, over := envelope.Divide(r.Region, r.Targets, p.batchSize(), protocol.MaxInvocationBytes)
		longest = max(longest, over)
		if invocations += len(batches); invocations > maxInvocations {
			continue
		}
		for k, targets := range batches {
			r.Batches = append(r.Batches, len(targets))
			if k < len(batches)-1 { // the last one has the rest
				fewest = min(fewest, len(targets))
			}
		}
	}
	if fewest < p.batchSize() {
		notice := fmt.Sprintf("batches are cut to as few as %d targets: an invocation holds %d bytes", fewest, protocol.MaxInvocationBytes)
		p.Notices = slices.DeleteFunc(p.Notices, func(n string) bool { return n == notice }) // of a plan that is divided anew
		p.Notices = append(p.Notices, notice)
	}
	return p.tooMuch(longest, invocations)
}

// tooMuch returns the faults of a plan that one run cannot do. longest is the size
// of the longest invocation of one target that cannot be sent, or 0.
func (p *Plan) tooMuch(longest, invocations int) (faults protocol.Faults) {
	outcomes, most := p.targetCount(), 0
	for _, r := range p.Regions {
		most = max(most, len(r.Targets))
	}
	if longest > 0 {
		faults = append(faults, tooLong(longest))
	}
	if most > protocol.MaxTargets { // the request names no more, but "*" stands for many
		faults = append(faults, protocol.Fault{Path: "targets", Detail: fmt.Sprintf(
			"with every service in the place of %q a Region has %d targets; at most %d fit into one run",
			protocol.EveryService, most, protocol.MaxTargets)})
	}
	if invocations > maxInvocations {
		faults = append(faults, protocol.Fault{Path: "maxTargetsPerInvocation", Detail: fmt.Sprintf(
			"%d targets over %d Regions, in batches of up to %d, are %d invocations; at most %d fit into one run",
			outcomes, len(p.Regions), p.batchSize(), invocations, maxInvocations)})
	}
	if m := p.Request.MinSuccessful; m > len(p.Regions) {
		faults = append(faults, protocol.Fault{Path: "minSuccessful", Value: fmt.Sprint(m), Detail: fmt.Sprintf(
			"want at most %d, the number of its Regions", len(p.Regions))})
	}
	least := protocol.LeastResultBytes(p.targetLists())
	if p.MaxAnswerBytes > 0 && least > p.MaxAnswerBytes {
		faults = append(faults, protocol.Fault{Path: "targets", Detail: fmt.Sprintf(
			"the outcomes of %d targets over %d Regions need up to %d bytes, an answer holds %d; split the run",
			outcomes, len(p.Regions), least, p.MaxAnswerBytes)})
	}
	return faults
}

// tooLong returns the fault of a request when an invocation of one target already
// has more bytes than can be sent. Only the parameters can be that long.
func tooLong(bytes int) protocol.Fault {
	return protocol.Fault{Path: "parameters", Detail: fmt.Sprintf(
		"an invocation of one target takes %d bytes with them, at most %d can be sent", bytes, protocol.MaxInvocationBytes)}
}
