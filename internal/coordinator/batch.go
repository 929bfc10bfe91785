package coordinator

import (
	"cmp"
	"fmt"
	"slices"

	"meridian/internal/endpoints"
	"meridian/pkg/protocol"
)

// A unit is one invocation to be made: a batch of a Region's targets, or all targets of
// several Regions of an account.
type unit struct {
	region   int // index into Plan.Regions
	regions  int // how many Regions, from that one
	batch    int
	targets  []string // of all of them
	progress *progress
}

// units returns the plan's invocations, none of them made.
func (p *Plan) units() []unit {
	units := make([]unit, 0, p.invocations())
	for region, r := range p.Regions {
		if r.Joined {
			u := &units[len(units)-1]
			u.regions++
			u.targets = append(u.targets, r.Targets...)
			continue
		}
		targets := r.Targets
		for batch, n := range r.Batches {
			units = append(units, unit{region, 1, batch, targets[:n:n], new(progress)})
			targets = targets[n:]
		}
	}
	return units
}

// ask returns the request to the worker for a unit, without a budget. It has the targets that
// are not done yet, and their inputs; at has their indexes in u.targets, nil means all.
func (p *Plan) ask(u unit, prior int, inputs protocol.Inputs) (request protocol.RegionRequest, at []int) {
	r, first := &p.Request, &p.Regions[u.region]
	request = protocol.RegionRequest{
		RunID:      p.RunID,
		Region:     first.Region,
		Batch:      u.batch,
		Attempt:    prior + 1,
		Task:       r.Task,
		Parameters: p.parameters(first.Account),
		Policy: protocol.TargetPolicy{
			MaxConcurrency: r.TargetMaxConcurrency,
			TimeoutSeconds: r.TargetTimeoutSeconds,
			Retry:          r.TargetRetry,
		},
	}
	if r.Worker == nil { // else it is the account's own, and is invoked in the account
		request.Account = p.access(first)
	}
	at = u.progress.left()
	if u.regions == 1 {
		request.Targets = pick(u.targets, at)
	} else {
		request.Region, request.Regions = "", p.split(u, at)
	}
	if inputs != nil {
		request.Inputs = inputs.Of(request.Work())
	}
	request.Version = request.Needs()
	return request, at
}

// pick returns the elements at these indexes; nil means all.
func pick[T any](all []T, at []int) []T {
	if at == nil {
		return all
	}
	some := make([]T, len(at))
	for i, k := range at {
		some[i] = all[k]
	}
	return some
}

// split returns the targets of a unit with several Regions by Region. at has the indexes of the
// wanted targets in u.targets; nil means all.
func (p *Plan) split(u unit, at []int) (regions []protocol.RegionTargets) {
	end := 0
	for _, r := range p.Regions[u.region : u.region+u.regions] {
		begin := end
		end += len(r.Targets)
		targets := r.Targets
		if at != nil {
			targets = nil
			for len(at) > 0 && at[0] < end {
				targets, at = append(targets, r.Targets[at[0]-begin]), at[1:]
			}
		}
		if len(targets) > 0 {
			regions = append(regions, protocol.RegionTargets{Region: r.Region, Targets: targets})
		}
	}
	return regions
}

// envelopes returns what the requests to the workers have in common, by the number of the
// account.
func (p *Plan) envelopes() ([]protocol.Envelope, error) {
	envelopes := make([]protocol.Envelope, 1+len(p.Accounts))
	made := make([]bool, len(envelopes))
	var common *protocol.Envelope // of an account without parameters of its own
	inputs := protocol.InputsOf(p.Request.Targets)
	for _, r := range p.Regions {
		if made[r.Account] {
			continue
		}
		request, _ := (&Plan{Request: p.Request, RunID: p.RunID, Accounts: p.Accounts, Regions: []PlannedRegion{r}}).
			ask(unit{regions: 1, progress: new(progress)}, 0, nil)
		request.Inputs = inputs
		build, of := protocol.EnvelopeOf, p.parametersOf(r.Account)
		if of == 0 && common != nil {
			build = common.Of
		}
		var err error
		if envelopes[r.Account], err = build(request); err != nil {
			return nil, err //nolint:wrapcheck // it names the field
		}
		if made[r.Account] = true; of == 0 {
			common = &envelopes[r.Account]
		}
	}
	return envelopes, nil
}

// batchSize is the most targets of one invocation.
func (p *Plan) batchSize() int {
	usual := protocol.DefaultMaxTargetsPerInvocation
	if p.Request.Direct() {
		usual = 1
	}
	return cmp.Or(p.Request.MaxTargetsPerInvocation, usual)
}

// divide cuts the Regions' targets into batches: as many targets in each as
// maxTargetsPerInvocation and [protocol.MaxInvocationBytes] allow. It returns the
// faults of a plan that one run cannot do.
func (p *Plan) divide() protocol.Faults {
	dialect, err := p.dialect()
	if err != nil {
		return protocol.Faults{{Detail: err.Error()}}
	}
	longest, fewest, invocations, most := 0, p.batchSize(), 0, maxInvocations
	if p.AskEnabled {
		most *= protocol.MaxRegions // until it is known which are left
	}
	for i := range p.Regions {
		r := &p.Regions[i]
		if r.Refused != nil {
			continue
		}
		r.Batches = []int{}
		batches, over := dialect.divide(r, p.batchSize())
		longest = max(longest, over)
		if invocations += len(batches); invocations > most {
			continue
		}
		for k, targets := range batches {
			r.Batches = append(r.Batches, len(targets))
			if k < len(batches)-1 { // the last one has the rest
				fewest = min(fewest, len(targets))
			}
		}
	}
	p.bundle(dialect)
	if fewest < p.batchSize() {
		notice := fmt.Sprintf("batches are cut to as few as %d targets: an invocation holds %d bytes", fewest, protocol.MaxInvocationBytes)
		p.Notices = slices.DeleteFunc(p.Notices, func(n string) bool { return n == notice }) // of a plan that is divided anew
		p.Notices = append(p.Notices, notice)
	}
	return p.tooMuch(longest, invocations)
}

// bundle joins the invocations of an account's Regions, as far as they fit into one.
func (p *Plan) bundle(dialect dialect) {
	if !p.Bundled {
		return
	}
	var targets int
	var regions []protocol.RegionTargets // of the invocation so far
	for i := range p.Regions {
		r := &p.Regions[i]
		own := protocol.RegionTargets{Region: r.Region, Targets: r.Targets}
		r.Joined = i > 0 && r.joins(p.Regions[i-1]) && targets+len(r.Targets) <= p.batchSize() &&
			dialect.bytes(r.Account, 0, append(regions, own)) <= protocol.MaxInvocationBytes
		if !r.Joined {
			targets, regions = 0, nil
		}
		targets, regions = targets+len(r.Targets), append(regions, own)
	}
}

// joins reports whether r may share the invocation of the Region before it. A role is of one
// partition.
func (r *PlannedRegion) joins(before PlannedRegion) bool {
	at, _ := endpoints.PartitionOf(r.Region)
	of, _ := endpoints.PartitionOf(before.Region)
	return at.ID == of.ID && r.Account > 0 && r.Account == before.Account && r.Wave == before.Wave &&
		len(r.Batches) == 1 && len(before.Batches) == 1 && r.Refused == nil && before.Refused == nil
}

// tooMuch returns the faults of a plan that one run cannot do. longest is the size
// of the longest invocation of one target that cannot be sent, or 0.
func (p *Plan) tooMuch(longest, invocations int) (faults protocol.Faults) {
	outcomes, most := p.targetCount(), 0
	for _, r := range p.Regions {
		most = max(most, len(r.Targets))
	}
	if longest > 0 {
		faults = append(faults, p.tooLong(longest))
	}
	if most > protocol.MaxTargets { // the request names no more, but "*" stands for many
		faults = append(faults, protocol.Fault{Path: "targets", Detail: fmt.Sprintf(
			"with every service in the place of %q a Region has %d targets; at most %d fit into one run",
			protocol.EveryService, most, protocol.MaxTargets)})
	}
	if invocations > maxInvocations {
		faults = append(faults, protocol.Fault{Path: "maxTargetsPerInvocation", Detail: fmt.Sprintf(
			"%d targets over %d %s, in batches of up to %d, are %d invocations; at most %d fit into one run",
			outcomes, len(p.Regions), p.items(), p.batchSize(), invocations, maxInvocations)})
	}
	if n := len(p.Regions); n > protocol.MaxItems {
		faults = append(faults, protocol.Fault{Path: "accounts", Detail: fmt.Sprintf(
			"%d accounts with their Regions are %d items; at most %d fit into one run", len(p.Accounts), n, protocol.MaxItems)})
	}
	unlisted := p.AskOrganization && p.Accounts == nil // then there are more items
	if m := p.Request.MinSuccessful; m > len(p.Regions) && !unlisted {
		faults = append(faults, protocol.Fault{Path: "minSuccessful", Value: fmt.Sprint(m), Detail: fmt.Sprintf(
			"want at most %d, the number of its %s", len(p.Regions), p.items())})
	}
	least := p.leastBytes()
	if p.MaxAnswerBytes > 0 && least > p.MaxAnswerBytes {
		faults = append(faults, protocol.Fault{Path: "targets", Detail: fmt.Sprintf(
			"the outcomes of %d targets over %d %s need up to %d bytes, an answer holds %d; split the run",
			outcomes, len(p.Regions), p.items(), least, p.MaxAnswerBytes)})
	}
	return faults
}

// items returns what the run's items are called.
func (p *Plan) items() string {
	if p.Accounts == nil {
		return "Regions"
	}
	return "items (one for each account and Region)"
}

// tooLong returns the fault of a request when an invocation of one target already
// has more bytes than can be sent: with its parameters, or its payload.
func (p *Plan) tooLong(bytes int) protocol.Fault {
	path := "parameters"
	if p.Request.Direct() {
		path = "worker.payload"
	}
	return protocol.Fault{Path: path, Detail: fmt.Sprintf(
		"an invocation of one target takes %d bytes with it, at most %d can be sent", bytes, protocol.MaxInvocationBytes)}
}
