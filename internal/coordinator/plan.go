package coordinator

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"meridian/internal/fanout"
	"meridian/pkg/protocol"
)

// maxInFlight is the most invocations in flight at once, whatever the request
// says, and inFlightPerMB how many of them each MB of the coordinator's memory
// allows. `make bench` and `make bench-cold` have seen 5,000 of them, with answers of
// some hundred bytes, take 106 to 176 MiB, garbage included: the default of 256 MB holds
// them. Their connections do not bound them: HTTP/2 carries 5,000 over 50.
const (
	maxInFlight   = 5000
	inFlightPerMB = 20
)

// maxInvocations bounds the invocations of one run. Past it one coordinator is
// the wrong shape: at 2 KiB each their records alone would fill the answer.
const maxInvocations = 10_000

// A plan is a request made ready: what to invoke, and under which policy.
type plan struct {
	request protocol.Request
	runID   string
	regions []string
	targets [][]string // of each Region
	units   []unit
	policy  fanout.Policy

	envelope protocol.Envelope // of what is sent
	outputs  *outputs          // of what comes back

	endBy   time.Time // when the run's time is over; zero means never
	once    bool      // whether an invocation that may have run is not made again
	notices []string
}

// A unit is one invocation to be made: a batch of a Region's targets.
type unit struct {
	plan    *plan
	region  int // index into plan.regions
	batch   int
	targets []string

	progress *progress
}

// plan makes a request ready, or returns what is wrong with it: the faults found
// already, Regions and tasks that do not exist, and sizes that do not fit.
func (c *Coordinator) plan(r protocol.Request, faults protocol.Faults, maxAnswerBytes int) (*plan, protocol.Faults) {
	r.Task = cmp.Or(r.Task, protocol.DefaultTask)
	p := &plan{request: r, runID: newRunID()}
	targets := r.Targets
	if targets == nil {
		targets = []string{protocol.DefaultTarget}
	}
	var more protocol.Faults
	p.regions, more = expand(cmp.Or(r.Partition, protocol.DefaultPartition), r.Regions, r.ExcludeRegions)
	faults = faults.And(more).And(c.Tasks.Check(r.Task, r.Parameters, targets))
	idempotent := c.Tasks.Idempotent(r.Task)
	p.once = !idempotent && r.Retry == nil
	if r.Hedge != nil && !idempotent {
		faults = faults.And(protocol.Faults{protocol.NewFault("hedge", r.Hedge, fmt.Sprintf(
			"task %s does not say of itself that it may be done twice", r.Task))})
	}
	if len(faults) == 0 {
		for _, region := range p.regions {
			p.targets = append(p.targets, targetsIn(region, targets))
		}
		faults = p.tooMuch(maxAnswerBytes)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	p.outputs = p.newOutputs(maxAnswerBytes)
	p.decide(c.Regional, c.inFlight())
	return p, nil
}

// newRunID returns an id that sorts by time: a ULID, 48 bits of milliseconds and
// 80 random ones.
func newRunID() string {
	return ulid.MustNew(ulid.Now(), rand.Reader).String()
}

// tooMuch returns what the plan asks for that one run cannot give, and divides it
// into units.
func (p *plan) tooMuch(maxAnswerBytes int) protocol.Faults {
	outcomes, most := 0, 0
	for _, targets := range p.targets {
		outcomes += len(targets)
		most = max(most, len(targets))
	}
	invocations, faults := p.divide()
	if most > protocol.MaxTargets { // the request names no more, but "*" stands for many
		faults = append(faults, protocol.Fault{Path: "targets", Detail: fmt.Sprintf(
			"with every service in the place of %q a Region has %d targets; at most %d fit into one run",
			protocol.EveryService, most, protocol.MaxTargets)})
	}
	if invocations > maxInvocations {
		faults = append(faults, protocol.Fault{Path: "maxTargetsPerInvocation", Detail: fmt.Sprintf(
			"%d targets over %d Regions, in batches of up to %d, are %d invocations; at most %d fit into one run",
			outcomes, len(p.regions), p.batchSize(), invocations, maxInvocations)})
	}
	if m := p.request.MinSuccessful; m > len(p.regions) {
		faults = append(faults, protocol.Fault{Path: "minSuccessful", Value: fmt.Sprint(m), Detail: fmt.Sprintf(
			"want at most %d, the number of its Regions", len(p.regions))})
	}
	least := protocol.LeastResultBytes(p.targets)
	if maxAnswerBytes > 0 && least > maxAnswerBytes {
		faults = append(faults, protocol.Fault{Path: "targets", Detail: fmt.Sprintf(
			"the outcomes of %d targets over %d Regions need up to %d bytes, an answer holds %d; split the run",
			outcomes, len(p.regions), least, maxAnswerBytes)})
	}
	return faults
}

// inFlight is how many invocations may be in flight at once here.
func (c *Coordinator) inFlight() int {
	if c.MemoryMB > 0 {
		return min(maxInFlight, c.MemoryMB*inFlightPerMB)
	}
	return maxInFlight
}

// decide sets the policy for the units.
func (p *plan) decide(regional bool, inFlight int) {
	groups := make([]int, len(p.units)) // the Region of each
	for i, u := range p.units {
		groups[i] = u.region
	}
	r := p.request
	concurrency := cmp.Or(r.MaxConcurrency, len(p.units))
	if min(concurrency, len(p.units)) > inFlight {
		p.notices = append(p.notices, fmt.Sprintf(
			"maxConcurrency is %d here: more invocations in flight may not fit into the coordinator's memory",
			inFlight))
	}
	retriers := r.Retry
	if retriers == nil {
		retriers = protocol.DefaultRetry()
	}
	p.policy = fanout.Policy{
		MaxConcurrency: min(concurrency, inFlight),
		Timeout:        seconds(r.RegionTimeoutSeconds),
		Adaptation: fanout.Adaptation{
			ErrorEquals: []string{protocol.ErrorLambdaThrottled},
			// Retriers of the request's own are kept to the letter.
			CountRetries: r.Retry != nil,
		},
		Tolerance: fanout.Tolerance{
			Groups:            groups,
			FailureCount:      r.ToleratedFailureCount,
			FailurePercentage: r.ToleratedFailurePercentage,
			FailFast:          r.FailFast,
			MinSuccessful:     r.MinSuccessful,
		},
	}
	if h := r.Hedge; h != nil {
		p.policy.Hedge = fanout.Hedge{
			After: seconds(h.AfterSeconds), AfterPercentile: h.AfterPercentile, MaxExtraPercentage: h.MaxExtraPercentage,
		}
		most := p.policy.Hedge.Most(len(p.units))
		if r.MaxConcurrency == 0 { // the others need not wait for one to end
			p.policy.MaxConcurrency = min(len(p.units)+most, inFlight)
		}
		if most == 0 {
			p.notices = append(p.notices, fmt.Sprintf(
				"nothing is hedged: of %d in all, maxExtraPercentage allows less than one extra invocation", len(p.units)))
		}
	}
	if regional {
		p.policy.Adaptation.Lanes = groups
	}
	for _, retrier := range retriers {
		p.policy.Retry = append(p.policy.Retry, fanout.Retrier(retrier))
	}
}

// atOnce returns how many invocations may be in flight at once, by Region.
func (p *plan) atOnce() map[string]int {
	calls := map[string]int{}
	for _, u := range p.units[:min(p.policy.MaxConcurrency, len(p.units))] {
		calls[p.regions[u.region]]++
	}
	return calls
}

// withinTime returns the context of the run, which began at begin: it ends after
// the request's time, and before the function's deadline by its reserve.
func (c *Coordinator) withinTime(ctx context.Context, p *plan, begin time.Time) (context.Context, context.CancelFunc) {
	limit := seconds(p.request.TimeoutSeconds)
	if deadline, ok := ctx.Deadline(); ok {
		left := max(deadline.Sub(begin), 0) // it may be past
		targets := 0
		for _, u := range p.units {
			targets += len(u.targets)
		}
		reserve := c.reserve(left, min(p.policy.MaxConcurrency, len(p.units)), targets)
		p.policy.Grace = reserve / 2 // the other half is for the encoding
		if rest := left - reserve; limit == 0 || rest < limit {
			limit = max(rest, 1) // 0 would mean no limit
			if notice := keep(reserve, left); notice != "" {
				p.notices = append(p.notices, notice)
			}
		}
	}
	if limit == 0 {
		return context.WithCancel(ctx)
	}
	p.endBy = begin.Add(limit)
	return context.WithDeadlineCause(ctx, p.endBy, &fanout.TimeoutError{What: "run", After: limit})
}

// seconds returns s seconds as a Duration, of what is not zero at least 1 ns: only 0
// means no limit.
func seconds(s float64) time.Duration {
	if s == 0 {
		return 0
	}
	return max(time.Duration(s*float64(time.Second)), 1)
}
