package coordinator

import (
	"cmp"
	"fmt"

	"meridian/pkg/protocol"
)

// maxInFlight is the most invocations in flight at once, whatever the request
// says, and inFlightPerMB how many of them each MB of the coordinator's memory
// allows. The benchmarks of 5,000 invocations with answers of some hundred bytes took 136 MiB
// of 256 MB, garbage included, so the default holds them.
// Connections are no limit: 5,000 invocations fit into 50 of HTTP/2.
//
// requestsShare is the part of the memory that the requests in flight may take: one in
// requestsShare. A request is encoded when there is a connection for it. Answers and outputs
// take the rest.
const (
	maxInFlight     = 5000
	inFlightPerMB   = 20
	requestsShare   = 8
	defaultMemoryMB = 256 // of a coordinator that does not know
)

// maxInvocations bounds the invocations of one run. At 2 KiB each the records of
// 10,000 alone would fill the answer.
const maxInvocations = 10_000

// inFlight is how many invocations may be in flight at once here.
func (c *Coordinator) inFlight() int { return min(maxInFlight, c.memoryMB()*inFlightPerMB) }

// memoryMB returns the coordinator's memory, or what is assumed of it.
func (c *Coordinator) memoryMB() int { return cmp.Or(c.MemoryMB, defaultMemoryMB) }

// limit sets MaxConcurrency: at most inFlight, and at most as many as have room for their
// requests in requestBytes, but at least one.
func (p *Plan) limit(inFlight, requestBytes int) {
	invocations := p.invocations()
	concurrency := cmp.Or(p.Request.MaxConcurrency, invocations)
	of := ""
	if longest := p.longest(); longest > 0 && requestBytes/longest < inFlight {
		inFlight, of = max(requestBytes/longest, 1), fmt.Sprintf(" of up to %d bytes", longest)
	}
	if min(concurrency, invocations) > inFlight {
		p.Notices = append(p.Notices, fmt.Sprintf(
			"maxConcurrency is %d here: more invocations%s in flight may not fit into the coordinator's memory",
			inFlight, of))
	}
	if p.Request.Hedge != nil {
		most := p.hedge().Most(invocations)
		if p.Request.MaxConcurrency == 0 { // a hedge does not wait for another invocation to end
			concurrency = invocations + most
		}
		if most == 0 {
			p.Notices = append(p.Notices, fmt.Sprintf(
				"nothing is hedged: of %d in all, maxExtraPercentage allows less than one extra invocation", invocations))
		}
	}
	p.MaxConcurrency = min(concurrency, inFlight)
}

// invocations returns how many invocations there are, without retries and hedges.
func (p *Plan) invocations() (n int) {
	for _, r := range p.Regions {
		if !r.Joined {
			n += len(r.Batches)
		}
	}
	return n
}

// targetCount returns how many targets there are, counted once for each Region.
func (p *Plan) targetCount() (n int) {
	for _, r := range p.Regions {
		n += len(r.Targets) + len(r.Omitted)
	}
	return n
}

// leastBytes returns an upper bound for the length of the shortest result.
func (p *Plan) leastBytes() int {
	const escape, account = 6, 64 // the longest JSON of a byte; an id and the names of two fields
	lists := make([][]string, len(p.Regions), len(p.Regions)+len(p.Accounts)+2)
	bytes := 0
	for i, r := range p.Regions {
		lists[i] = spread(r.Targets, r.Omitted, func(o OmittedTarget) string { return o.Target })
		if r.Account > 0 {
			bytes += account + escape*len(p.outcome(&r).AccountName)
		}
	}
	for range p.lookups() {
		lists = append(lists, []string{protocol.EnabledRegionsTask})
	}
	return bytes + protocol.LeastResultBytes(lists)
}

// lookups returns how many look-ups there are before the run, as far as it is known.
func (p *Plan) lookups() (n int) {
	if p.AskOrganization {
		n++
	}
	if p.AskEnabled {
		n += max(len(p.Accounts), 1)
	}
	return n
}
