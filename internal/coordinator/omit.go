package coordinator

import (
	"slices"

	"meridian/internal/endpoints"
	"meridian/pkg/protocol"
)

// omit leaves targets out of the plan, by what the task says of each account. A plan that
// is too large in any case, and so is refused, is left as it is: to ask for millions of
// targets takes minutes.
func (p *Plan) omit(tasks Tasks) {
	if p.tooMuch(0, 0) != nil {
		return
	}
	type asking struct {
		account int
		target  string
	}
	causes := map[int]func(region string, named bool, target string, earlier []string) string{}
	asked := map[asking][]string{} // the Regions that are asked, by account and target
	for _, i := range p.homeFirst() {
		r := &p.Regions[i]
		of := p.parametersOf(r.Account)
		cause, known := causes[of]
		if !known {
			cause = tasks.Omits(p.Request.Task, p.parameters(of))
			causes[of] = cause
		}
		if cause == nil || r.Refused != nil {
			continue
		}
		named := slices.Contains(p.requestOf(r.Account).Regions, r.Region)
		var kept []string
		for at, target := range r.Targets {
			key := asking{r.Account, target}
			if why := cause(r.Region, named, target, asked[key]); why != "" {
				r.Omitted = append(r.Omitted, OmittedTarget{at, target, why})
				continue
			}
			kept = append(kept, target)
			asked[key] = append(asked[key], r.Region)
		}
		r.Targets = kept
	}
}

// homeFirst returns the indexes of the Regions in the order in which they are asked for what
// has one answer for all of them: first those in which AWS has the accounts of their
// partition, such as us-east-1, then those that need no opt-in, then the others.
func (p *Plan) homeFirst() []int {
	var ranked [3][]int
	ranks, all := map[string]int{}, endpoints.AllRegions()
	for i, r := range p.Regions {
		rank, known := ranks[r.Region]
		if !known {
			rank = rankOf(r.Region, all)
			ranks[r.Region] = rank
		}
		ranked[rank] = append(ranked[rank], i)
	}
	return slices.Concat(ranked[:]...)
}

// rankOf returns the rank of a Region among all, see homeFirst.
func rankOf(region string, all []endpoints.Region) int {
	home, err := endpoints.Resolve("account", region, endpoints.Variant{})
	switch {
	case err == nil && home.SigningRegion == region:
		return 0
	case slices.ContainsFunc(all, func(k endpoints.Region) bool { return k.Name == region && !k.OptIn }):
		return 1
	}
	return 2
}

// omitAll leaves all targets out of a Region.
func (r *PlannedRegion) omitAll(cause string) {
	all := spread(r.Targets, r.Omitted, func(o OmittedTarget) string { return o.Target })
	r.Targets, r.Batches, r.Omitted = nil, []int{}, nil
	for at, target := range all {
		r.Omitted = append(r.Omitted, OmittedTarget{at, target, cause})
	}
}

// without returns Regions with all targets left out.
func without(regions []PlannedRegion, cause string) []PlannedRegion {
	regions = slices.Clone(regions)
	for i := range regions {
		regions[i].omitAll(cause)
	}
	return regions
}

// spread returns what belongs to the targets of a Region in the order of all its targets:
// what there is for those that were kept, and what of makes for those that are omitted.
func spread[T any](kept []T, omitted []OmittedTarget, of func(OmittedTarget) T) []T {
	if len(omitted) == 0 {
		return kept
	}
	all := make([]T, 0, len(kept)+len(omitted))
	for _, o := range omitted {
		n := o.At - len(all)
		all = append(append(all, kept[:n]...), of(o))
		kept = kept[n:]
	}
	return append(all, kept...)
}

// skipped returns the outcome of a target that is omitted.
func skipped(o OmittedTarget) protocol.TargetOutcome {
	return protocol.TargetOutcome{Target: o.Target, Status: protocol.StatusSkipped, Cause: o.Cause}
}
