package coordinator

import (
	"fmt"

	"meridian/pkg/protocol"
)

// Plan returns what Run would do with a request, or Answer within a function's
// limit. Nothing is invoked. The error is nil or a
// [protocol.InvalidRequestError], the same one that those would return.
func (c *Coordinator) Plan(r protocol.Request, limit int) (protocol.Plan, error) {
	p, faults := c.plan(r, r.Validate(), limit)
	if err := faults.Err(); err != nil {
		return protocol.Plan{}, err
	}
	payload, err := p.longest()
	if err != nil {
		return protocol.Plan{}, err
	}
	plan := protocol.Plan{
		Task:                 p.request.Task,
		Invocations:          len(p.units),
		MaxConcurrency:       min(p.policy.MaxConcurrency, len(p.units)),
		TimeoutSeconds:       r.TimeoutSeconds,
		RegionTimeoutSeconds: r.RegionTimeoutSeconds,
		TargetTimeoutSeconds: r.TargetTimeoutSeconds,
		PayloadBytes:         payload,
		MaxPayloadBytes:      protocol.MaxInvocationBytes,
		AnswerBytes:          protocol.LeastResultBytes(p.targets),
		MaxAnswerBytes:       protocol.MaxPayloadBytes,
		Notices:              p.notices,
		Regions:              make([]protocol.RegionPlan, len(p.regions)),
	}
	if payload > protocol.MaxInvocationBytes {
		plan.Notices = append(plan.Notices, fmt.Sprintf(
			"an invocation of %d bytes is refused; a smaller maxTargetsPerInvocation makes shorter ones", payload))
	}
	skip := c.Tasks.Skips(p.request.Task, p.request.Parameters)
	for i, region := range p.regions {
		plan.Targets += len(p.targets[i])
		plan.Regions[i] = protocol.RegionPlan{Region: region, Targets: len(p.targets[i]), Batches: []int{}}
		for _, target := range p.targets[i] {
			if cause := skip(region, target); cause != "" {
				plan.Regions[i].Skips = append(plan.Regions[i].Skips, protocol.Skip{Target: target, Cause: cause})
			}
		}
	}
	for _, u := range p.units {
		plan.Regions[u.region].Batches = append(plan.Regions[u.region].Batches, len(u.targets))
	}
	return plan, nil
}

// longest returns the length in bytes of the longest payload, but for the
// budget, which is known only when it is sent.
func (p *plan) longest() (int, error) {
	var at, most int
	for i, u := range p.units {
		bytes := 0
		for _, target := range u.targets {
			bytes += len(target)
		}
		if bytes += 3 * len(u.targets); bytes > most { // quotes and comma
			at, most = i, bytes
		}
	}
	if len(p.units) == 0 {
		return 0, nil
	}
	const budget = len(`,"budgetMs":900000.001`)
	payload, err := p.units[at].ask(nil).Encode()
	if err != nil {
		return 0, fmt.Errorf("encode request: %w", err)
	}
	return len(payload) + budget, nil
}
