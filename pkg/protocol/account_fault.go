package protocol

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

const (
	lower        = "abcdefghijklmnopqrstuvwxyz"
	digits       = "0123456789"
	alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + lower + digits
)

// of reports whether s has only characters of set.
func of(s, set string) bool { return strings.Trim(s, set) == "" }

// ValidAccount reports whether s has the form of an account's id.
func ValidAccount(s string) bool { return len(s) == 12 && of(s, digits) }

// accounts checks the accounts of r, their roles and its waves.
func (f *Faults) accounts(r *Request) {
	switch {
	case r.Accounts != nil && r.Organization != nil:
		f.add("organization", r.Organization, "want either accounts or organization")
	case r.Accounts == nil && r.Organization == nil:
		f.withoutAccounts(r)
	}
	if r.Accounts != nil && len(r.Accounts) == 0 {
		f.add("accounts", r.Accounts, "is empty; leave it out for the account of the credentials")
	}
	f.access("", r.Role, r.ExternalID, "")
	if several := len(r.Accounts) > 1 || r.Organization != nil; several && strings.HasPrefix(r.Role, "arn:") && !strings.Contains(r.Role, "{account}") {
		f.add("role", r.Role, "has no {account}, so it is one role for all accounts; write arn:{partition}:iam::{account}:role/NAME")
	}
	if s := r.SessionName; s != "" && (len(s) < 2 || len(s) > 64 || !of(s, alphanumeric+"_+=,.@-")) {
		f.add("sessionName", s, "want 2 to 64 of A-Z a-z 0-9 _ + = , . @ -")
	}
	if !f.tooMany("accounts", len(r.Accounts), MaxAccounts) {
		f.eachAccount(r)
	}
	if o := r.Organization; o != nil {
		f.organization(r, o)
	}
	f.waves(r.Waves)
}

// withoutAccounts refuses what is for accounts only.
func (f *Faults) withoutAccounts(r *Request) {
	for _, field := range []struct {
		path  string
		value any
		given bool
	}{
		{"role", r.Role, r.Role != ""},
		{"externalId", r.ExternalID, r.ExternalID != ""},
		{"sessionName", r.SessionName, r.SessionName != ""},
		{"sessionTags", r.SessionTags, r.SessionTags},
	} {
		if field.given {
			f.add(field.path, field.value, "is for accounts or organization; name the accounts")
		}
	}
}

// eachAccount checks the accounts of r.
func (f *Faults) eachAccount(r *Request) {
	first, own := map[string]string{}, ""
	for i := range r.Accounts {
		a, at := &r.Accounts[i], fmt.Sprintf("accounts[%d]", i)
		f.account(at, a)
		key, path := a.ID, at+".id"
		if a.Profile != "" {
			key, path = "profile "+a.Profile, at+".profile"
		}
		if before, twice := first[key]; twice && key != "" {
			f.add(path, cmp.Or(a.Profile, a.ID), "is listed twice, first as %s", before)
		} else {
			first[key] = at
		}
		if a.Role != "" || r.Role != "" || a.Profile != "" {
			continue
		}
		if own != "" {
			f.add(at+".role", nil, "missing; only one account can be without a role, that of the credentials, and %s is; set role", own)
		}
		own = at
	}
}

// account checks one account.
func (f *Faults) account(at string, a *Account) {
	switch {
	case a.ID == "" && a.Profile == "":
		f.add(at+".id", nil, "missing; want the 12 digits of the account")
	case a.ID != "" && !ValidAccount(a.ID):
		f.add(at+".id", a.ID, "want the 12 digits of an account")
	}
	if a.Name != "" {
		if problem := entryProblem(a.Name, MaxAccountNameLength); problem != "" {
			f.add(at+".name", a.Name, "%s", problem)
		}
	}
	if a.Profile != "" {
		if problem := entryProblem(a.Profile, MaxAccountNameLength); problem != "" {
			f.add(at+".profile", a.Profile, "%s", problem)
		}
		if a.Role != "" {
			f.add(at+".role", a.Role, "want either profile or role")
		}
	}
	f.access(at+".", a.Role, a.ExternalID, a.ID)
	f.list(at+".regions", a.Regions, MaxRegions, "leave it out for the Regions of the request")
	f.list(at+".excludeRegions", a.ExcludeRegions, MaxRegions, "leave it out for the Regions of the request")
}

// access checks a role and an external id. account is the only account of the role; empty
// means that the role is for all.
func (f *Faults) access(prefix, role, externalID, account string) {
	if problem := roleProblem(role, account); role != "" && problem != "" {
		f.add(prefix+"role", role, "%s", problem)
	}
	if s := externalID; s != "" && (len(s) < 2 || len(s) > 1224 || !of(s, alphanumeric+"_+=,.@:/-")) {
		f.add(prefix+"externalId", nil, "want 2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -")
	}
}

// roleProblem returns what is wrong with a role, or "".
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func roleProblem(role, account string) string {
	const partitions = lower + "-"
	name := strings.TrimPrefix(role, "/")
	if strings.HasPrefix(role, "arn:") {
		parts := strings.SplitN(role, ":", 6)
		if len(parts) < 6 || parts[2] != "iam" || parts[3] != "" || !strings.HasPrefix(parts[5], "role/") ||
			parts[1] != "{partition}" && (parts[1] == "" || !of(parts[1], partitions)) ||
			parts[4] != "{account}" && !ValidAccount(parts[4]) {
			return "is no ARN of a role; want arn:{partition}:iam::{account}:role/NAME"
		}
		if account != "" && parts[4] != "{account}" && parts[4] != account {
			return fmt.Sprintf("is a role of account %s, not of %s", parts[4], account)
		}
		name = strings.TrimPrefix(parts[5], "role/")
	}
	last := name[strings.LastIndexByte(name, '/')+1:]
	if len(last) < 1 || len(last) > 64 || len(name) > 64+512 || !of(name, alphanumeric+"_+=,.@-/") {
		return "want the name of a role, 1 to 64 of A-Z a-z 0-9 _ + = , . @ -, or an ARN with {partition} and {account}"
	}
	return ""
}

// organization checks an organization.
func (f *Faults) organization(r *Request, o *Organization) {
	if r.Role == "" {
		f.add("role", nil, "missing; an organization needs a role to assume in its accounts")
	}
	f.list("organization.units", o.Units, 100, "leave it out for all accounts")
	f.list("organization.exclude", o.Exclude, MaxAccounts, "leave it out for none")
	for i, unit := range o.Units {
		if !validUnit(unit) && !blank(unit) {
			f.add(fmt.Sprintf("organization.units[%d]", i), unit, "want the id of an organizational unit, as in ou-ab12-cdef3456, or of a root, as in r-ab12")
		}
	}
	for i, id := range o.Exclude {
		if !ValidAccount(id) && !blank(id) {
			f.add(fmt.Sprintf("organization.exclude[%d]", i), id, "want the 12 digits of an account")
		}
	}
}

// validUnit reports whether s has the form of the id of an organizational unit or a root.
//
// Source: https://docs.aws.amazon.com/organizations/latest/APIReference/API_OrganizationalUnit.html
func validUnit(s string) bool {
	root, isRoot := strings.CutPrefix(s, "r-")
	own := "00000000"
	if !isRoot {
		rest, isUnit := strings.CutPrefix(s, "ou-")
		if root, own, _ = strings.Cut(rest, "-"); !isUnit {
			return false
		}
	}
	return len(root) >= 4 && len(root) <= 32 && len(own) >= 8 && len(own) <= 32 && of(root+own, lower+digits)
}

// waves checks waves.
func (f *Faults) waves(waves []Wave) {
	if waves != nil && len(waves) == 0 {
		f.add("waves", waves, "is empty; leave it out to start all at once")
	}
	if f.tooMany("waves", len(waves), MaxWaves) {
		return
	}
	for i, w := range waves {
		at := fmt.Sprintf("waves[%d]", i)
		if w.Accounts == nil && w.Regions == nil {
			f.add(at, w, "want accounts, regions, or both")
		}
		f.list(at+".accounts", w.Accounts, MaxAccounts, "leave it out for all")
		f.list(at+".regions", w.Regions, MaxRegions, "leave it out for all")
		if i := slices.Index(w.Regions, EnabledRegions); i >= 0 {
			f.add(fmt.Sprintf("%s.regions[%d]", at, i), EnabledRegions, "is for regions only; want a Region or a glob")
		}
	}
}
