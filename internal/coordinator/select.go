package coordinator

import "meridian/pkg/protocol"

// Unknown returns faults for the Regions and accounts of a redrive that the run does not have.
func (h *History) Unknown(d *protocol.Redrive) protocol.Faults {
	var regions, accounts []string
	for i := range h.plan.Regions {
		o := h.plan.outcome(&h.plan.Regions[i])
		regions, accounts = union(regions, []string{o.Region}), union(accounts, []string{o.Account, o.AccountName})
	}
	return d.Unknown(regions, accounts)
}

// unselected returns the targets of a unit that have failed with errors that a redrive does not
// select, by their indexes. Those of a unit of several Regions are all done again.
func (h *History) unselected(d *protocol.Redrive, u unit) map[int]protocol.TargetOutcome {
	o := h.settled[u.region]
	if o == nil || u.regions > 1 || d.SelectsError(o.Error) {
		return nil
	}
	kept, byName := map[int]protocol.TargetOutcome{}, map[string]protocol.TargetOutcome{}
	for _, t := range o.Targets {
		byName[t.Target] = t
	}
	for i, target := range u.targets {
		if t := byName[target]; t.Error != "" && !done(t.Status) && !d.SelectsError(t.Error) {
			kept[i] = t
		}
	}
	return kept
}
