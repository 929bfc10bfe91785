package coordinator

import "meridian/pkg/protocol"

// Plan returns what Run would do with a request, or Answer within a function's
// limit. Nothing is invoked. The error is nil or a
// [protocol.InvalidRequestError], the same one that those would return.
func (c *Coordinator) Plan(r protocol.Request, limit int) (protocol.Plan, error) {
	p, faults := c.plan(r, r.Validate(), limit)
	if err := faults.Err(); err != nil {
		return protocol.Plan{}, err
	}
	plan := protocol.Plan{
		Task:                 p.request.Task,
		Invocations:          len(p.units),
		MaxConcurrency:       min(p.policy.MaxConcurrency, len(p.units)),
		TimeoutSeconds:       r.TimeoutSeconds,
		RegionTimeoutSeconds: r.RegionTimeoutSeconds,
		TargetTimeoutSeconds: r.TargetTimeoutSeconds,
		PayloadBytes:         p.longest(),
		MaxPayloadBytes:      protocol.MaxInvocationBytes,
		AnswerBytes:          protocol.LeastResultBytes(p.targets),
		MaxAnswerBytes:       protocol.MaxPayloadBytes,
		Notices:              p.notices,
		Regions:              make([]protocol.RegionPlan, len(p.regions)),
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
