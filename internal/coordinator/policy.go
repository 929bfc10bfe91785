package coordinator

import (
	"time"

	"meridian/internal/fanout"
	"meridian/internal/invoke"
	"meridian/pkg/protocol"
)

// policy returns the engine's policy for the plan's units. memoryMB is the coordinator's
// memory, or 0 when it is not known. Grace is the run's to set.
func (p *Plan) policy(units []unit, memoryMB int) fanout.Policy {
	groups := make([]int, len(units)) // the Region of each
	for i, u := range units {
		groups[i] = u.region
	}
	r := p.Request
	retriers := r.Retry
	if retriers == nil {
		retriers = invoke.DefaultRetry()
	}
	policy := fanout.Policy{
		MaxConcurrency: p.MaxConcurrency,
		MaxAttempts:    protocol.MostAttempts(memoryMB),
		Groups:         groups,
		Timeout:        seconds(r.RegionTimeoutSeconds),
		Adaptation: fanout.Adaptation{
			ErrorEquals: []string{protocol.ErrorLambdaThrottled},
			// Retriers of the request's own are kept to the letter.
			CountRetries: r.Retry != nil,
			PerGroup:     p.Regional,
		},
		Tolerance: fanout.Tolerance{
			FailureCount:      r.ToleratedFailureCount,
			FailurePercentage: r.ToleratedFailurePercentage,
			FailFast:          r.FailFast,
			MinSuccessful:     r.MinSuccessful,
		},
		Hedge: p.hedge(),
	}
	for _, retrier := range retriers {
		policy.Retry = append(policy.Retry, fanout.Retrier(retrier))
	}
	return policy
}

// seconds returns s seconds as a Duration. Only 0 s is 0, which means no limit: any
// other time is at least 1 ns.
func seconds(s float64) time.Duration {
	if s == 0 {
		return 0
	}
	return max(time.Duration(s*float64(time.Second)), 1)
}
