package coordinator

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"meridian/pkg/protocol"
)

// enter gives the plan the accounts of the organization, which a worker lists, and the
// Regions of each. Those that are not ACTIVE are SKIPPED.
func (c *Coordinator) enter(ctx context.Context, p *Plan, begin time.Time, all *protocol.Result) *RefusedError {
	wanted := p.Request.Organization
	var parameters json.RawMessage
	if wanted.Units != nil {
		parameters, _ = json.Marshal(map[string][]string{"units": wanted.Units}) // texts have no error
	}
	at := []PlannedRegion{{Region: c.lister(p)}}
	var listed protocol.OrganizationOutput
	o := c.lookUp(ctx, p, begin, protocol.OrganizationTask, protocol.OrganizationTask, parameters, at, all)[0]
	if refusal := read(o, &listed, "the accounts of the organization could not be listed"); refusal != nil {
		return refusal
	}
	missing := slices.DeleteFunc(slices.Clone(wanted.Exclude), func(id string) bool {
		return slices.ContainsFunc(listed.Accounts, func(a protocol.OrganizationAccount) bool { return a.ID == id })
	})
	if len(missing) > 0 {
		p.Notices = append(slices.Clip(p.Notices), protocol.CutCause("organization.exclude has accounts that are not listed: "+strings.Join(missing, ", ")))
	}
	regions, closed := p.Regions, map[string][]PlannedRegion{} // by state
	p.Accounts, p.Regions = []PlannedAccount{}, nil
	for _, a := range listed.Accounts {
		if slices.Contains(wanted.Exclude, a.ID) {
			continue
		}
		if len(p.Accounts) == protocol.MaxAccounts {
			return &RefusedError{Name: protocol.ErrorTaskFailed, Cause: fmt.Sprintf(
				"the organization has %d accounts; without the excluded ones at most %d fit into one run; name some of its units", len(listed.Accounts), protocol.MaxAccounts)}
		}
		account := planned(p.Request, protocol.Account{ID: a.ID, Name: a.Name})
		account.State = a.State
		p.Accounts = append(p.Accounts, account)
		own := regions
		if a.State != protocol.StateActive {
			if closed[a.State] == nil {
				closed[a.State] = without(regions, "the account is "+a.State)
			}
			own = closed[a.State]
		}
		for _, r := range own { // accounts share the lists of targets, which may be long
			r.Account = len(p.Accounts)
			p.Regions = append(p.Regions, r)
		}
	}
	if len(p.Accounts) == 0 {
		return &RefusedError{Name: protocol.ErrorTaskFailed, Cause: "the organization, or its units, have no account besides the excluded ones"}
	}
	return nil
}
