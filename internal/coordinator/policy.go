package coordinator

import (
	"time"

	"meridian/internal/fanout"
	"meridian/internal/invoke"
	"meridian/pkg/protocol"
)

// groups returns the group of each unit, and the name of each group's Region. Units take
// turns by Region, or by account when one invocation takes the Regions of an account, or by
// both when each account has a worker of its own.
func (p *Plan) groups(units []unit) (groups []int, lanes []string) {
	type key struct {
		region  string
		account int
	}
	known := make(map[key]int, len(units))
	groups = make([]int, len(units))
	for i, u := range units {
		r := p.Regions[u.region]
		k := key{region: r.Region}
		switch {
		case p.eachAccount():
			k.account = r.Account
		case p.Bundled && r.Account > 0:
			k = key{account: r.Account}
		}
		g, found := known[k]
		if !found {
			g = len(lanes)
			known[k], lanes = g, append(lanes, r.Region)
		}
		groups[i] = g
	}
	return groups, lanes
}

// eachAccount reports whether each account has a worker, and so a limit, of its own.
func (p *Plan) eachAccount() bool { return p.Request.Worker != nil && len(p.Accounts) > 0 }

// tolerance returns how many of the units may fail: each Region of an account counts.
func (p *Plan) tolerance(units []unit) fanout.Tolerance {
	r := p.Request
	t := fanout.Tolerance{
		FailureCount:      r.ToleratedFailureCount,
		FailurePercentage: r.ToleratedFailurePercentage,
		FailFast:          r.FailFast,
		MinSuccessful:     r.MinSuccessful,
	}
	if p.Accounts == nil {
		return t
	}
	t.Groups, t.Parts = make([]int, len(units)), make([]int, len(units))
	for i, u := range units {
		t.Groups[i], t.Parts[i] = u.region, u.regions
	}
	t.Done = func(i int, ended bool) (succeeded, skipped, interrupted int) {
		return units[i].progress.parts(p.sizes(units[i]), ended)
	}
	return t
}

// sizes returns the number of targets of each Region of a unit with several.
func (p *Plan) sizes(u unit) []int {
	sizes := make([]int, u.regions)
	for i := range sizes {
		sizes[i] = len(p.Regions[u.region+i].Targets)
	}
	return sizes
}

// policy returns the engine's policy for the units of the plan, in these groups. memoryMB is
// the coordinator's memory, or 0 when it is not known. The run sets Grace, and each wave its
// Tolerance.
func (p *Plan) policy(groups []int, memoryMB int) fanout.Policy {
	r := p.Request
	given, timeout, inGroup := r.Retry, r.RegionTimeoutSeconds, 0
	if r.Direct() { // a target is an invocation
		given, timeout, inGroup = r.TargetRetry, r.TargetTimeoutSeconds, r.TargetMaxConcurrency
	}
	retriers := given
	if retriers == nil {
		retriers = invoke.DefaultRetry()
	}
	policy := fanout.Policy{
		MaxConcurrency:   p.MaxConcurrency,
		GroupConcurrency: inGroup,
		AtMostOnce:       p.AtMostOnce,
		MaxAttempts:      protocol.MostAttempts(memoryMB),
		Groups:           groups,
		Timeout:          seconds(timeout),
		Adaptation: fanout.Adaptation{
			ErrorEquals: []string{protocol.ErrorLambdaThrottled},
			// Retriers of the request's own are kept to the letter.
			CountRetries: given != nil,
			PerGroup:     p.Regional || p.eachAccount(),
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
