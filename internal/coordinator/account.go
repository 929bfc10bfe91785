package coordinator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"meridian/internal/endpoints"
	"meridian/pkg/protocol"
)

// A PlannedAccount is an account of a plan.
type PlannedAccount struct {
	// Given is an account of the request. What it leaves out is taken from the request. Its
	// parameters are merged with the request's, or nil when it has none of its own.
	Given protocol.Account `json:"given"`

	// State is the account's state in the organization. Empty means ACTIVE.
	State string `json:"state,omitzero"`
}

// name returns what outcomes and waves call the account, or "".
func (a *PlannedAccount) name() string { return cmp.Or(a.Given.Name, a.Given.Profile) }

// A RefusedError is why no worker is asked for a Region of an account.
type RefusedError struct {
	Name  string        `json:"error"`
	Cause string        `json:"cause"`
	Hint  protocol.Hint `json:"hint,omitzero"`
}

// Error returns the cause.
func (e *RefusedError) Error() string { return e.Cause }

// ErrorName returns the name of the error of the worker or of AWS.
func (e *RefusedError) ErrorName() string { return e.Name }

// place fills in the plan's accounts, and returns its Regions: with accounts, the Regions of
// each account in turn. They have no targets yet.
func (c *Coordinator) place(p *Plan) (places []PlannedRegion, faults protocol.Faults) {
	r := p.Request
	deployed := c.deployed(r)
	regions, faults := expand(r, deployed)
	p.AskEnabled = slices.Contains(r.Regions, protocol.EnabledRegions)
	if len(r.Accounts) == 0 || len(r.Accounts) > protocol.MaxAccounts {
		return placed(0, regions), faults
	}
	if fault := tooManyParameters(r); fault != nil {
		return nil, faults.And(fault)
	}
	for i, a := range r.Accounts {
		if len(faults) > maxFaults {
			break
		}
		own := regions
		if a.Regions != nil || a.ExcludeRegions != nil {
			var more protocol.Faults
			own, more = expand(ofAccount(r, a), deployed)
			faults = faults.And(more.Within(fmt.Sprintf("accounts[%d]", i)))
			p.AskEnabled = p.AskEnabled || slices.Contains(a.Regions, protocol.EnabledRegions)
		}
		p.Accounts = append(p.Accounts, planned(r, a))
		places = append(places, placed(i+1, own)...)
	}
	return places, faults
}

// placed returns Regions for the account with a number.
func placed(account int, regions []string) []PlannedRegion {
	places := make([]PlannedRegion, len(regions))
	for i, region := range regions {
		places[i] = PlannedRegion{Account: account, Region: region}
	}
	return places
}

// ofAccount returns the request with the Regions of an account.
func ofAccount(r protocol.Request, a protocol.Account) protocol.Request {
	if a.Regions != nil {
		r.Regions = a.Regions
	}
	if a.ExcludeRegions != nil {
		r.ExcludeRegions = a.ExcludeRegions
	}
	return r
}

// planned returns an account with what the request says for all.
func planned(r protocol.Request, a protocol.Account) PlannedAccount {
	if a.Profile == "" {
		a.Role = cmp.Or(a.Role, r.Role)
	}
	a.ExternalID = cmp.Or(a.ExternalID, r.ExternalID)
	if a.Parameters != nil {
		a.Parameters = merged(r.Parameters, a.Parameters)
	}
	return PlannedAccount{Given: a}
}

// maxFaults is how many faults are reported, see [protocol.Faults]. Each looks for the
// nearest name: hundreds of thousands of them would take minutes.
const maxFaults = 100

// maxParametersBytes bounds the parameters of all accounts that have their own, each merged
// with the request's: all are held, and checked one by one. It is as much as one invocation
// can have.
const maxParametersBytes = protocol.MaxInvocationBytes

// tooManyParameters returns the fault of accounts whose parameters are too long together.
func tooManyParameters(r protocol.Request) protocol.Faults {
	bytes := 0
	for _, a := range r.Accounts {
		if a.Parameters != nil {
			bytes += len(r.Parameters) + len(a.Parameters)
		}
	}
	if bytes <= maxParametersBytes {
		return nil
	}
	return protocol.Faults{{Path: "accounts", Detail: fmt.Sprintf(
		"their parameters, each with those of the request, have %d bytes; at most %d fit into one run", bytes, maxParametersBytes)}}
}

// merged returns an object with the members of all and of own. Members of own replace members
// of all.
func merged(all, own json.RawMessage) json.RawMessage {
	members := map[string]json.RawMessage{}
	for _, object := range []json.RawMessage{all, own} {
		if object != nil && json.Unmarshal(object, &members) != nil {
			return own // a fault is found in it
		}
	}
	data, _ := json.Marshal(members) // valid JSON has no error
	return data
}

// checkAccounts checks the parameters of the accounts that have their own. It clears
// idempotent if the work may not be done twice with them.
func (c *Coordinator) checkAccounts(p *Plan, targets []string, idempotent *bool) (faults protocol.Faults) {
	tasks := c.tasks(p.Request)
	for i, a := range p.Accounts {
		if a.Given.Parameters == nil {
			continue
		}
		at := fmt.Sprintf("accounts[%d]", i)
		found := tasks.Check(p.Request.Task, a.Given.Parameters, targets)
		faults = faults.And(found.Within(at))
		*idempotent = *idempotent && len(found) == 0 && tasks.Idempotent(p.Request.Task, a.Given.Parameters, targets)
	}
	return faults
}

// parameters returns the parameters for the account with a number.
func (p *Plan) parameters(account int) json.RawMessage {
	if of := p.parametersOf(account); of > 0 {
		return p.Accounts[of-1].Given.Parameters
	}
	return p.Request.Parameters
}

// parametersOf returns the number of the account that an account's parameters come from: its
// own number, or 0 if they are the request's.
func (p *Plan) parametersOf(account int) int {
	if account > 0 && p.Accounts[account-1].Given.Parameters == nil {
		return 0
	}
	return account
}

// access returns the credentials that a worker uses in a Region; nil means its own.
func (p *Plan) access(r *PlannedRegion) *protocol.Access {
	if r.Account == 0 {
		return nil
	}
	a := p.Accounts[r.Account-1]
	access := &protocol.Access{Account: a.Given.ID, Profile: a.Given.Profile}
	if a.Given.Role != "" {
		partition, _ := endpoints.PartitionOf(r.Region)
		access.Role, access.ExternalID = protocol.RoleARN(a.Given.Role, partition.ID, a.Given.ID), a.Given.ExternalID
		access.SessionName, access.SessionTags = p.Request.SessionName, p.Request.SessionTags
	}
	return access
}

// outcome returns the outcome of a Region of the plan, with its names only.
func (p *Plan) outcome(r *PlannedRegion) protocol.RegionOutcome {
	o := protocol.RegionOutcome{Region: r.Region}
	if r.Account > 0 {
		a := &p.Accounts[r.Account-1]
		o.Account, o.AccountName = a.Given.ID, a.name()
	}
	return o
}
