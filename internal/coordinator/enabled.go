package coordinator

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"meridian/internal/endpoints"
	"meridian/pkg/protocol"
)

// narrow leaves the Regions in the plan that are enabled in their account. A Region that
// the request also asks for in another way, and that is not enabled, is SKIPPED. An account
// fails if its Regions could not be listed.
func (c *Coordinator) narrow(ctx context.Context, p *Plan, begin time.Time, all *protocol.Result) *RefusedError {
	lists, refusals := c.list(ctx, p, begin, all)
	if refusal := refusals[0]; refusal != nil {
		return refusal
	}
	left := c.left(p, lists, refusals)
	if left[0].Account == 0 && left[0].Refused != nil {
		return left[0].Refused
	}
	p.Regions = left
	return nil
}

// left returns the Regions that stay in the plan. Where the request asks for the enabled Regions
// of an account, the account's list decides. Without a list, the Regions that assumed returns stay,
// and fail if there is a refusal. Any other account keeps its Regions. Lists and refusals are by
// the account's number.
func (c *Coordinator) left(
	p *Plan, lists map[int]protocol.EnabledRegionsOutput, refusals map[int]*RefusedError,
) (left []PlannedRegion) {
	for rest := p.Regions; len(rest) > 0; {
		n := slices.IndexFunc(rest, func(r PlannedRegion) bool { return r.Account != rest[0].Account })
		if n < 0 {
			n = len(rest)
		}
		account, of := rest[0].Account, rest[:n]
		list, known := lists[account]
		switch {
		case known:
			of = c.enabled(p, of, list)
		case refusals[account] != nil:
			of = refused(c.assumed(p, of), refusals[account])
		case p.asks(account): // it cannot be entered, or was not asked yet
			of = c.assumed(p, of)
		}
		left, rest = append(left, of...), rest[n:]
	}
	return left
}

// list has workers list the enabled Regions. It returns the lists, and why there is none,
// by the number of the account.
func (c *Coordinator) list(
	ctx context.Context, p *Plan, begin time.Time, all *protocol.Result,
) (lists map[int]protocol.EnabledRegionsOutput, refusals map[int]*RefusedError) {
	const what = "the Regions that are enabled in the account could not be listed"
	lists, refusals = map[int]protocol.EnabledRegionsOutput{}, map[int]*RefusedError{}
	home := c.lister(p)
	var at []PlannedRegion
	for _, account := range p.asking() {
		at = append(at, PlannedRegion{Account: account, Region: home})
	}
	if len(at) == 0 {
		return lists, refusals
	}
	var found []protocol.EnabledRegionsOutput
	for i, o := range c.lookUp(ctx, p, begin, protocol.EnabledRegionsTask, protocol.EnabledRegions, nil, at, all) {
		var list protocol.EnabledRegionsOutput
		refusal := read(o, &list, what)
		if refusal == nil && len(list.Regions) == 0 {
			refusal = &RefusedError{Name: protocol.ErrorTaskFailed, Cause: what + ": AWS listed none"}
		}
		if refusal != nil {
			refusals[at[i].Account] = refusal
			continue
		}
		lists[at[i].Account], found = list, append(found, list)
	}
	p.Notices = append(slices.Clip(p.Notices), noticesOf(found)...)
	return lists, refusals
}

// asking returns the numbers of the accounts in which a worker has to list the enabled
// Regions.
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
	return ofAccount(p.Request, p.Accounts[account-1].Given)
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

// asked returns the Regions that the request of an account asks for by other patterns than
// [protocol.EnabledRegions].
func (c *Coordinator) asked(r protocol.Request) []string {
	r.Regions = slices.DeleteFunc(slices.Clone(r.Regions), func(s string) bool { return s == protocol.EnabledRegions })
	r.ExcludeRegions = nil
	if len(r.Regions) == 0 {
		return nil
	}
	asked, _ := expand(r, c.deployed(r))
	return asked
}

// enabled returns the Regions of an account that are enabled, and the ones that the request
// asks for in another way. Regions of other partitions stay: their state is not known.
func (c *Coordinator) enabled(p *Plan, of []PlannedRegion, listed protocol.EnabledRegionsOutput) (regions []PlannedRegion) {
	asked := c.asked(p.requestOf(of[0].Account))
	for _, r := range of {
		at, _ := endpoints.PartitionOf(r.Region)
		switch {
		case slices.Contains(listed.Regions, r.Region) || at.ID != p.partition():
		case slices.Contains(asked, r.Region):
			r.omitAll(fmt.Sprintf("%s is not enabled in the account, says %s", r.Region, listed.Source))
		default:
			continue
		}
		r.Batches = []int{}
		regions = append(regions, r)
	}
	if len(regions) == 0 {
		return refused(c.assumed(p, of)[:1], &RefusedError{
			Name: protocol.ErrorTaskFailed, Cause: "no Region of the request is enabled in the account, says " + listed.Source,
		})
	}
	return regions
}

// assumed returns the Regions of an account that need no opt-in, and so are enabled in every
// account, and the ones that the request asks for in another way. If there are none, it
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

// unknownRegions returns the names that the catalogue does not have, or "".
func unknownRegions(names []string) string {
	known := endpoints.AllRegions()
	unknown := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return name == "" || slices.ContainsFunc(known, func(r endpoints.Region) bool { return r.Name == name })
	})
	return protocol.CutCause(strings.Join(unknown, ", "))
}

// partition returns the partition that the look-ups are for.
func (p *Plan) partition() string {
	return cmp.Or(p.Request.Partition, protocol.DefaultPartition)
}

// lister returns the Region of the worker that does the look-ups: the coordinator's own, or
// else the one in which AWS has the partition's accounts, or else, if neither has a worker,
// the first of the plan.
func (c *Coordinator) lister(p *Plan) string {
	candidates := []string{c.Billing.Region}
	regions := endpoints.Regions(p.partition())
	if home, err := endpoints.Resolve("account", regions[0].Name, endpoints.Variant{}); err == nil {
		candidates = append(candidates, home.SigningRegion)
	}
	for _, region := range candidates {
		of, _ := endpoints.PartitionOf(region)
		if of.ID == p.partition() && (c.Regions == nil || slices.Contains(c.Regions, region)) {
			return region
		}
	}
	return p.Regions[0].Region
}
