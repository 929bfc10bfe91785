package coordinator

import (
	"cmp"
	"fmt"

	"meridian/pkg/protocol"
)

// batchSize is how many targets one invocation takes at most.
func (p *plan) batchSize() int {
	return cmp.Or(p.request.MaxTargetsPerInvocation, protocol.DefaultMaxTargetsPerInvocation)
}

// divide cuts the Regions' targets into units: as many targets in each as
// maxTargetsPerInvocation and [protocol.MaxInvocationBytes] allow. It returns
// how many there are, which is more than are in the plan when they are too many,
// and what is wrong with a request of which no target fits into an invocation.
func (p *plan) divide() (invocations int, faults protocol.Faults) {
	var err error
	if p.envelope, err = protocol.EnvelopeOf(unit{plan: p, progress: new(progress)}.ask(nil)); err != nil {
		return 0, protocol.Faults{{Detail: err.Error()}}
	}
	longest, fewest := 0, p.batchSize()
	for region, targets := range p.targets {
		batches, over := p.envelope.Divide(p.regions[region], targets, p.batchSize(), protocol.MaxInvocationBytes)
		longest = max(longest, over)
		if invocations += len(batches); invocations > maxInvocations {
			continue
		}
		for i, targets := range batches {
			p.units = append(p.units, unit{p, region, i, targets, new(progress)})
			if i < len(batches)-1 { // the last one has what is left
				fewest = min(fewest, len(targets))
			}
		}
	}
	if longest > 0 {
		return invocations, protocol.Faults{p.tooLong(longest)}
	}
	if fewest < p.batchSize() {
		p.notices = append(p.notices, fmt.Sprintf(
			"batches are cut to as few as %d targets: an invocation holds %d bytes", fewest, protocol.MaxInvocationBytes))
	}
	return invocations, nil
}

// tooLong returns the fault of a request of which an invocation of one target
// already has so many bytes. It is in one of the two fields that may be so long.
func (p *plan) tooLong(bytes int) protocol.Fault {
	path := "parameters"
	if len(p.request.Parameters) < bytes/2 {
		path = "targetRetry"
	}
	return protocol.Fault{Path: path, Detail: fmt.Sprintf(
		"an invocation of one target takes %d bytes with them, at most %d can be sent", bytes, protocol.MaxInvocationBytes)}
}

// longest returns how many bytes the longest payload can have.
func (p *plan) longest() int {
	most := 0
	for _, u := range p.units {
		most = max(most, p.envelope.Bytes(p.regions[u.region], u.batch, u.targets))
	}
	return most
}
