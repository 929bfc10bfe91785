package coordinator

import (
	"context"
	"fmt"
	"slices"

	"meridian/internal/endpoints"
	"meridian/internal/fanout"
	"meridian/pkg/protocol"
)

// formWaves gives each Region of the plan its wave. It returns faults for accounts and
// Regions that are not among the request's.
func (p *Plan) formWaves() (faults protocol.Faults) {
	waves := p.Request.Waves
	for i := range p.Regions {
		p.Regions[i].Wave = len(waves)
	}
	for k, wave := range slices.Backward(waves) { // the first wave of several counts
		if len(faults) > maxFaults {
			break
		}
		at := fmt.Sprintf("waves[%d]", k)
		regions, more := expandEach(at+".regions", wave.Regions, endpoints.AllRegions(), nil)
		more = more.And(p.unknownAccounts(at, wave.Accounts))
		faults = faults.And(more)
		found := false
		for i := range p.Regions {
			r := &p.Regions[i]
			if (wave.Regions == nil || slices.Contains(regions, r.Region)) && p.inWave(wave, r.Account) {
				r.Wave, found = k, true
			}
		}
		if !found && more == nil && !p.AskOrganization && !p.AskEnabled {
			faults = faults.And(protocol.Faults{protocol.NewFault(at, wave, "has no account and Region of the run")})
		}
	}
	return faults
}

// idleWaves returns a fault if a wave has no invocation and one after it has: that one would
// begin with nothing done before it.
func (p *Plan) idleWaves() protocol.Faults {
	busy := make([]bool, len(p.Request.Waves)+1)
	for i := range p.Regions {
		r := &p.Regions[i]
		busy[r.Wave] = busy[r.Wave] || len(r.Batches) > 0
	}
	idle := slices.Index(busy, false)
	if idle < 0 || !slices.Contains(busy[idle:], true) {
		return nil
	}
	return protocol.Faults{protocol.NewFault(fmt.Sprintf("waves[%d]", idle), p.Request.Waves[idle],
		"has nothing to do: all of it is skipped, and the next wave would begin without it")}
}

// inWave reports whether a wave has the account with a number.
func (p *Plan) inWave(w protocol.Wave, account int) bool {
	if w.Accounts == nil || account == 0 {
		return w.Accounts == nil
	}
	a := &p.Accounts[account-1]
	return slices.Contains(w.Accounts, a.Given.ID) || slices.Contains(w.Accounts, a.name())
}

// unknownAccounts returns faults for the accounts of a wave that are not among the request's.
func (p *Plan) unknownAccounts(at string, names []string) (faults protocol.Faults) {
	if p.AskOrganization && p.Accounts == nil {
		return nil // only the organization knows its accounts
	}
	var known []string
	for _, a := range p.Accounts {
		known = append(known, a.Given.ID, a.name())
	}
	for i, name := range names {
		if len(faults) > maxFaults {
			break
		}
		if !slices.Contains(known, name) {
			faults = append(faults, protocol.UnknownFault(fmt.Sprintf("%s.accounts[%d]", at, i), name, "an account of the request", known))
		}
	}
	return faults
}

// waves returns the indexes of the run's units by wave, without waves that have none.
func (r *run) waves() [][]int {
	waves := make([][]int, len(r.plan.Request.Waves)+1)
	for i, u := range r.units {
		k := r.plan.Regions[u.region].Wave
		waves[k] = append(waves[k], i)
	}
	return slices.DeleteFunc(waves, func(wave []int) bool { return wave == nil })
}

// leave settles the units of the waves that do not begin, because of how the one before
// them has ended. If another generation carries the run on, they may begin there.
func (r *run) leave(ctx context.Context, waves [][]int, why error) {
	open := len(r.open) > 0
	for _, i := range slices.Concat(waves...) {
		u, o := r.units[i], r.before(i)
		switch {
		case o.Status != "":
		case open:
			r.leaveOpen(u, o, false)
			continue
		case len(o.Attempts) > 0: // before a redrive
			o.Status, o.Err = fanout.Aborted, &waveError{why}
		default:
			o.Status, o.Err = fanout.NotStarted, &waveError{why}
		}
		r.settled(ctx, r.add(u, o))
	}
}

// A waveError is why a wave did not begin.
type waveError struct{ err error }

// Error says that the wave before it is the reason.
func (e *waveError) Error() string { return "the wave before did not end well: " + e.err.Error() }

// Unwrap returns how that ended.
func (e *waveError) Unwrap() error { return e.err }
