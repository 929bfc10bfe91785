package coordinator

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"meridian/internal/endpoints"
	"meridian/pkg/protocol"
)

// complete returns the plan with what workers find out first, each time in half of the
// time that is left: the accounts of the organization, and the Regions that are enabled in
// each account. If that fails for the whole run, all Regions of the plan as it was are
// refused. lookups has the outcomes of the workers.
func (c *Coordinator) complete(ctx context.Context, p Plan, begin time.Time) (completed Plan, lookups protocol.Result) {
	completed = p
	var refusal *Refusal
	if p.AskOrganization {
		refusal = c.enter(ctx, &completed, begin, &lookups)
	}
	if refusal == nil && p.AskEnabled {
		refusal = c.narrow(ctx, &completed, begin, &lookups)
	}
	if refusal == nil {
		refusal = c.finish(&completed)
	}
	if refusal == nil {
		return completed, lookups
	}
	p.Notices, p.Regions = completed.Notices, slices.Clone(p.Regions)
	for i := range p.Regions {
		p.Regions[i].refuse(refusal)
	}
	return p, lookups
}

// finish divides the work of a plan whose Regions are known now.
func (c *Coordinator) finish(p *Plan) *Refusal {
	r, before := p.Request, p.Notices
	p.omit(c.Tasks)
	faults := p.formWaves()
	if faults == nil {
		faults = p.divide()
	}
	if err := faults.Err(); err != nil {
		return &Refusal{Error: protocol.ErrorTaskFailed, Cause: protocol.CutCause(err.Error())}
	}
	if r.Organization != nil { // else there are no more invocations than were planned
		p.limit(c.inFlight(), c.memoryMB()<<20/requestsShare)
		p.Notices = union(before, p.Notices)
	}
	return nil
}

// lookUp has workers do a task that finds out where to run: a run of its own, with the
// retriers of the request, in half of the time that is left. The target is only a label.
func (c *Coordinator) lookUp(
	ctx context.Context, p *Plan, begin time.Time, task, target string, parameters json.RawMessage, regions []PlannedRegion, all *protocol.Result,
) []protocol.RegionOutcome {
	lister := *c
	lister.Events, lister.Log = nil, nil // the run itself has them
	half := 0.0
	if limit := p.Request.TimeoutSeconds; limit > 0 {
		half = max(limit-time.Since(begin).Seconds(), 0.001) / 2
	}
	if deadline, ok := ctx.Deadline(); ok {
		if left := max(time.Until(deadline).Seconds()/2, 0.001); half == 0 || left < half {
			half = left
		}
	}
	accounts := slices.Clone(p.Accounts)
	for i := range accounts {
		accounts[i].Parameters = nil
	}
	for i := range regions {
		regions[i].Targets, regions[i].Batches = []string{target}, []int{1}
	}
	found := lister.Execute(ctx, Plan{
		Version: planVersion, RunID: p.RunID, Regional: p.Regional, MaxConcurrency: min(c.inFlight(), len(regions)),
		Request: protocol.Request{
			Task: task, Parameters: parameters, Retry: p.Request.Retry, SessionName: p.Request.SessionName, SessionTags: p.Request.SessionTags,
			MaxConcurrency: p.Request.MaxConcurrency, TimeoutSeconds: half, RegionTimeoutSeconds: p.Request.RegionTimeoutSeconds,
		},
		Accounts: accounts, Regions: regions,
	})
	all.Regions = append(all.Regions, found.Regions...)
	all.Summary.Attempts += found.Summary.Attempts
	all.Summary.Retries += found.Summary.Retries
	all.Summary.Throttled += found.Summary.Throttled
	for _, o := range found.Regions {
		if o.Hint == protocol.HintDeployBoth {
			p.Notices = union(slices.Clip(p.Notices), []string{olderWorkers(p.Regional, []string{o.Region})})
		}
	}
	return found.Regions
}

// read reads what a look-up found, or returns why it failed. what says what could not be
// done.
func read(o protocol.RegionOutcome, into any, what string) *Refusal {
	found := o.Targets[0]
	if o.Status == protocol.StatusSucceeded && json.Unmarshal(found.Output, into) == nil {
		return nil
	}
	return &Refusal{
		Error: cmp.Or(found.Error, o.Error, protocol.ErrorTaskFailed), Hint: o.Hint,
		Cause: protocol.CutCause(fmt.Sprintf("%s: %s", what, cmp.Or(found.Cause, o.Cause, "the answer has no list"))),
	}
}

// narrow leaves the Regions in the plan that are enabled in their account. A Region that
// the request also asks for in another way, and that is not enabled, is SKIPPED. An account
// whose Regions could not be listed fails.
func (c *Coordinator) narrow(ctx context.Context, p *Plan, begin time.Time, all *protocol.Result) *Refusal {
	partition := cmp.Or(p.Request.Partition, protocol.DefaultPartition)
	home := c.lister(*p, partition)
	var regions []PlannedRegion
	for _, account := range p.asking() {
		regions = append(regions, PlannedRegion{Account: account, Region: home})
	}
	var listed []protocol.EnabledRegionsOutput
	refusals := map[int]*Refusal{}
	lists := map[int]protocol.EnabledRegionsOutput{}
	if len(regions) > 0 {
		for i, o := range c.lookUp(ctx, p, begin, protocol.EnabledRegionsTask, protocol.EnabledRegions, nil, regions, all) {
			var list protocol.EnabledRegionsOutput
			what := "the Regions that are enabled in the account could not be listed"
			refusal := read(o, &list, what)
			if refusal == nil && len(list.Regions) == 0 {
				refusal = &Refusal{Error: protocol.ErrorTaskFailed, Cause: what + ": AWS listed none"}
			}
			if account := regions[i].Account; refusal != nil {
				refusals[account] = refusal
			} else {
				lists[account], listed = list, append(listed, list)
			}
		}
	}
	var left []PlannedRegion
	for rest := p.Regions; len(rest) > 0; {
		n := slices.IndexFunc(rest, func(r PlannedRegion) bool { return r.Account != rest[0].Account })
		if n < 0 {
			n = len(rest)
		}
		account := rest[0].Account
		list, known := lists[account]
		switch {
		case known:
			left = append(left, c.enabled(p, rest[:n], partition, list)...)
		case refusals[account] != nil && account == 0:
			return refusals[account]
		case refusals[account] != nil:
			left = append(left, refused(c.assumed(p, rest[:n]), refusals[account])...)
		case p.asks(account): // it cannot be entered
			left = append(left, c.assumed(p, rest[:n])...)
		default:
			left = append(left, rest[:n]...)
		}
		rest = rest[n:]
	}
	p.Regions, p.Notices = left, append(slices.Clip(p.Notices), noticesOf(listed)...)
	if len(left) == 1 && left[0].Account == 0 && left[0].Refused != nil {
		return left[0].Refused
	}
	return nil
}

// asking returns the numbers of the accounts whose enabled Regions a worker has to list.
func (p *Plan) asking() (accounts []int) {
	if p.Accounts == nil {
		return []int{0}
	}
	for i, a := range p.Accounts {
		if p.asks(i+1) && cmp.Or(a.State, protocol.StateActive) == protocol.StateActive {
			accounts = append(accounts, i+1)
		}
	}
	return accounts
}

// asks reports whether the request asks for the enabled Regions of the account with a
// number.
func (p *Plan) asks(account int) bool {
	return slices.Contains(p.requestOf(account).Regions, protocol.EnabledRegions)
}

// requestOf returns the request with the Regions of the account with a number.
func (p *Plan) requestOf(account int) protocol.Request {
	if account == 0 {
		return p.Request
	}
	return ofAccount(p.Request, p.Accounts[account-1].Account)
}

// noticesOf returns the notices about lists of enabled Regions.
func noticesOf(lists []protocol.EnabledRegionsOutput) (notices []string) {
	var names []string
	fewest, most := 0, 0
	for i, list := range lists {
		names = union(names, list.Regions)
		if fewest = min(fewest, len(list.Regions)); i == 0 {
			fewest = len(list.Regions)
		}
		most = max(most, len(list.Regions))
	}
	switch {
	case len(lists) == 1:
		notices = append(notices, lists[0].Message)
	case fewest < most:
		notices = append(notices, fmt.Sprintf("Regions enabled in each of %d accounts: %d to %d", len(lists), fewest, most))
	case len(lists) > 1:
		notices = append(notices, fmt.Sprintf("Regions enabled in each of %d accounts: %d", len(lists), most))
	}
	if unknown := unknownRegions(names); unknown != "" {
		notices = append(notices, "left out, because this version does not know them: "+unknown)
	}
	return notices
}

// asked returns the Regions that the request of an account asks for in another way than as
// enabled ones.
func (c *Coordinator) asked(r protocol.Request) []string {
	r.Regions = slices.DeleteFunc(slices.Clone(r.Regions), func(s string) bool { return s == protocol.EnabledRegions })
	r.ExcludeRegions = nil
	if len(r.Regions) == 0 {
		return nil
	}
	asked, _ := expand(r, c.Regions)
	return asked
}

// enabled returns those of an account's Regions that are enabled, and those that the
// request asks for in another way. Of other partitions nothing is known: their Regions stay.
func (c *Coordinator) enabled(p *Plan, of []PlannedRegion, partition string, listed protocol.EnabledRegionsOutput) (regions []PlannedRegion) {
	asked := c.asked(p.requestOf(of[0].Account))
	for _, r := range of {
		at, _ := endpoints.PartitionOf(r.Region)
		switch {
		case slices.Contains(listed.Regions, r.Region) || at.ID != partition:
		case slices.Contains(asked, r.Region):
			r.omitAll(fmt.Sprintf("%s is not enabled in the account, says %s", r.Region, listed.Source))
		default:
			continue
		}
		r.Batches = []int{}
		regions = append(regions, r)
	}
	if len(regions) == 0 {
		return refused(c.assumed(p, of)[:1], &Refusal{
			Error: protocol.ErrorTaskFailed, Cause: "no Region of the request is enabled in the account, says " + listed.Source,
		})
	}
	return regions
}

// assumed returns those of an account's Regions that need no opt-in, and so are enabled in
// every account, and those that the request asks for in another way. If there are none, it
// returns all.
func (c *Coordinator) assumed(p *Plan, of []PlannedRegion) []PlannedRegion {
	asked, all := c.asked(p.requestOf(of[0].Account)), endpoints.AllRegions()
	some := slices.DeleteFunc(slices.Clone(of), func(r PlannedRegion) bool {
		return !slices.Contains(asked, r.Region) &&
			!slices.ContainsFunc(all, func(k endpoints.Region) bool { return k.Name == r.Region && !k.OptIn })
	})
	if len(some) == 0 {
		return of
	}
	return some
}

// refused returns Regions that have failed.
func refused(regions []PlannedRegion, why *Refusal) []PlannedRegion {
	regions = slices.Clone(regions)
	for i := range regions {
		regions[i].refuse(why)
	}
	return regions
}

// refuse makes a Region fail without a worker.
func (r *PlannedRegion) refuse(why *Refusal) {
	r.Refused, r.Joined, r.Batches = why, false, []int{}
	if n := len(r.Targets); n > 0 {
		r.Batches = []int{n}
	}
}

// unknownRegions returns the names that the catalogue does not have, or "".
func unknownRegions(names []string) string {
	known := endpoints.AllRegions()
	unknown := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return name == "" || slices.ContainsFunc(known, func(r endpoints.Region) bool { return r.Name == name })
	})
	return protocol.CutCause(strings.Join(unknown, ", "))
}

// lister returns the Region whose worker looks up what holds for a partition: the
// coordinator's own, or else the one in which AWS has the partition's accounts, or else,
// if neither has a worker, the first of the plan.
func (c *Coordinator) lister(p Plan, partition string) string {
	candidates := []string{c.Billing.Region}
	regions := endpoints.Regions(partition)
	if home, err := endpoints.Resolve("account", regions[0].Name, endpoints.Variant{}); err == nil {
		candidates = append(candidates, home.SigningRegion)
	}
	for _, region := range candidates {
		of, _ := endpoints.PartitionOf(region)
		if of.ID == partition && (c.Regions == nil || slices.Contains(c.Regions, region)) {
			return region
		}
	}
	return p.Regions[0].Region
}
