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

// Selects returns how many invocations a redrive would make again at least.
func (h *History) Selects(d *protocol.Redrive) (n int) {
	for i, u := range h.units {
		status, _ := h.ends(i)
		if _, selected := h.selects(d, u); selected && !done(status) {
			n++
		}
	}
	return n
}

// selects reports whether a redrive does something of a unit again. kept has the targets that
// failed with errors that it does not select, by their indexes. A unit of several Regions is done
// again as a whole.
func (h *History) selects(d *protocol.Redrive, u unit) (kept map[int]protocol.TargetOutcome, selected bool) {
	for k := range u.regions {
		o := h.settled[u.region+k]
		selected = selected || o != nil && d.Selects(o)
	}
	o := h.settled[u.region]
	if !selected || u.regions > 1 || d.SelectsError(o.Error) {
		return nil, selected
	}
	byName := map[string]protocol.TargetOutcome{}
	for _, t := range o.Targets {
		byName[t.Target] = t
	}
	kept, selected = map[int]protocol.TargetOutcome{}, false
	for i, target := range u.targets {
		switch t := byName[target]; {
		case done(t.Status):
		case t.Error != "" && !d.SelectsError(t.Error):
			kept[i] = t
		default:
			selected = true
		}
	}
	return kept, selected
}
