package coordinator

import "meridian/pkg/protocol"

// serialMs returns how long the work of the targets that succeeded takes at least, one after
// the other, or 0 when that is not known. A run that took less than one of them had a worker
// that did not do its work.
func (r *run) serialMs(elapsedMs float64) (serial float64) {
	least := map[int]float64{} // of the work for a target, by the account that its parameters come from
	for i, planned := range r.plan.Regions {
		of := r.plan.parametersOf(planned.Account)
		ms, known := least[of]
		if !known {
			ms = protocol.Milliseconds(r.coordinator.tasks(r.plan.Request).LeastTime(r.plan.Request.Task, r.plan.parameters(of)))
			least[of] = ms
		}
		for _, t := range r.regions[i].outcome.Targets {
			if t.Status != protocol.StatusSucceeded {
				continue
			}
			if ms == 0 || ms > elapsedMs {
				return 0
			}
			serial += ms
		}
	}
	return serial
}
