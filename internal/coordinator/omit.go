package coordinator

import (
	"slices"

	"meridian/internal/endpoints"
	"meridian/pkg/protocol"
)

// omit leaves targets out of the plan, by what Tasks.Omits returned.
func (p *Plan) omit(cause func(region string, named bool, target string, earlier []string) string) {
	if cause == nil {
		return
	}
	asked := map[string][]string{} // the Regions that are asked, by target
	for _, i := range p.homeFirst() {
		r := &p.Regions[i]
		named := slices.Contains(p.Request.Regions, r.Region)
		var kept []string
		for at, target := range r.Targets {
			if why := cause(r.Region, named, target, asked[target]); why != "" {
				r.Omitted = append(r.Omitted, OmittedTarget{at, target, why})
				continue
			}
			kept = append(kept, target)
			asked[target] = append(asked[target], r.Region)
		}
		r.Targets = kept
	}
}

// homeFirst returns the indexes of the Regions in the order in which they are asked for what
// has one answer for all of them: first those in which AWS has the accounts of their
// partition, such as us-east-1, then those that need no opt-in, then the others.
func (p *Plan) homeFirst() []int {
	var ranked [3][]int
	all := endpoints.AllRegions()
	for i, r := range p.Regions {
		home, err := endpoints.Resolve("account", r.Region, endpoints.Variant{})
		known := func(k endpoints.Region) bool { return k.Name == r.Region && !k.OptIn }
		switch {
		case err == nil && home.SigningRegion == r.Region:
			ranked[0] = append(ranked[0], i)
		case slices.ContainsFunc(all, known):
			ranked[1] = append(ranked[1], i)
		default:
			ranked[2] = append(ranked[2], i)
		}
	}
	return slices.Concat(ranked[:]...)
}

// omitAll leaves all targets out of a Region.
func (r *PlannedRegion) omitAll(cause string) {
	all := spread(r.Targets, r.Omitted, func(o OmittedTarget) string { return o.Target })
	r.Targets, r.Batches, r.Omitted = nil, []int{}, nil
	for at, target := range all {
		r.Omitted = append(r.Omitted, OmittedTarget{at, target, cause})
	}
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
