package main

import (
	"fmt"
	"slices"
	"strings"

	"meridian/pkg/protocol"
)

// applyFile sets the accounts of the request to the accounts of the file that the flags select.
func (f *accountFlags) applyFile(r *protocol.Request) protocol.Faults {
	var faults protocol.Faults
	if f.read, faults = readAccounts(f.content); faults != nil {
		return inFile(faults)
	}
	f.override()
	if f.listed, faults = f.selected(); faults != nil {
		return faults
	}
	r.Accounts, r.Organization = requested(f.listed), nil
	return nil
}

// override clears the fields of a c7n-org file's accounts that a flag sets. In c7n-org, too,
// flags have precedence over the file.
func (f *accountFlags) override() {
	if !f.read.c7n {
		return
	}
	for i := range f.read.accounts {
		a := &f.read.accounts[i].account
		if f.given("role") {
			a.Role, a.Profile = "", ""
		}
		if f.given("region") {
			a.Regions = nil
		}
		if f.given("external-id") {
			a.ExternalID = ""
		}
	}
}

// selected returns the accounts of the file that have all tags, and one of the names.
func (f *accountFlags) selected() ([]listedAccount, protocol.Faults) {
	var faults protocol.Faults
	accounts := f.read.accounts
	for _, tag := range f.tags {
		if !slices.ContainsFunc(f.read.accounts, func(a listedAccount) bool { return a.tagged(tag) }) {
			faults = append(faults, f.unmatched("account-tag", tag, "tag", f.read.tags()))
		}
		accounts = slices.DeleteFunc(slices.Clone(accounts), func(a listedAccount) bool { return !a.tagged(tag) })
	}
	if len(accounts) == 0 && faults == nil && len(f.tags) > 0 {
		faults = append(faults, protocol.NewFault("account-tag", f.tags, "no account in "+shownFile(f.file)+" has all of these tags"))
	}
	if f.names == nil || faults != nil {
		return accounts, faults
	}
	var chosen []listedAccount
	for _, a := range accounts {
		if slices.ContainsFunc(f.names, func(name string) bool { return called(a.account, name) }) {
			chosen = append(chosen, a)
		}
	}
	for _, name := range f.names {
		if !slices.ContainsFunc(chosen, func(a listedAccount) bool { return called(a.account, name) }) {
			faults = append(faults, f.unmatched("account-name", name, "name or id", namesOf(requested(accounts))))
		}
	}
	return chosen, faults
}

// unmatched returns the fault of a selection that matches no account.
func (f *accountFlags) unmatched(flag, value, kind string, known []string) protocol.Fault {
	which := "no account in " + shownFile(f.file)
	if flag == "account-name" && f.tags != nil {
		which += " with the tags"
	}
	hint := nearest(value, known)
	if strings.Contains(value, ",") {
		hint = "; give --" + flag + " once for each" // a name may have commas and blanks
	}
	return protocol.NewFault(flag, value, which+" has this "+kind+hint)
}

// nearest returns the suggestion of the known name that is most similar, or "".
func nearest(name string, known []string) string {
	if near := protocol.Nearest(name, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// called reports whether an account has this id, name or profile.
func called(a protocol.Account, name string) bool {
	return name != "" && (a.ID == name || a.Name == name || a.Profile == name)
}

// requested returns the accounts as the request has them.
func requested(listed []listedAccount) []protocol.Account {
	accounts := make([]protocol.Account, len(listed))
	for i, a := range listed {
		accounts[i] = a.account
	}
	return accounts
}

// namesOf returns the names and ids of accounts.
func namesOf(accounts []protocol.Account) []string {
	var names []string
	for _, a := range accounts {
		names = append(names, a.Name, a.ID)
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// applyExclude leaves accounts out.
func (f *accountFlags) applyExclude(r *protocol.Request) protocol.Faults {
	var names []string
	if faults := decodeNames("exclude-account", f.exclude, &names); faults != nil {
		return faults
	}
	if r.Organization != nil {
		r.Organization.Exclude = names
		return nil
	}
	if r.Accounts == nil {
		if slices.ContainsFunc(saysWhere, f.given) {
			return nil // their fault is returned
		}
		return protocol.Faults{protocol.NewFault("exclude-account", names, "is for accounts; set --account, --accounts or --organization")}
	}
	var faults protocol.Faults
	known := namesOf(r.Accounts)
	for _, name := range names {
		if !slices.ContainsFunc(r.Accounts, func(a protocol.Account) bool { return called(a, name) }) {
			faults = append(faults, protocol.NewFault("exclude-account", name, "is none of the accounts"+nearest(name, known)))
		}
	}
	out := func(a protocol.Account) bool {
		return slices.ContainsFunc(names, func(name string) bool { return called(a, name) })
	}
	before := len(r.Accounts)
	r.Accounts = slices.DeleteFunc(slices.Clone(r.Accounts), out)
	f.listed = slices.DeleteFunc(f.listed, func(a listedAccount) bool { return out(a.account) })
	if len(r.Accounts) == 0 && before > 0 {
		r.Accounts = nil // one fault is enough
		faults = append(faults, protocol.NewFault("exclude-account", names, "leaves no account to run in"))
	}
	return faults
}

// applyCanary sets the first wave. It is the same for both flags.
func (f *accountFlags) applyCanary(r *protocol.Request) protocol.Faults {
	var first protocol.Wave
	if f.canaryRegions != nil {
		if faults := decodeNames("waves[0].regions", f.canaryRegions, &first.Regions); faults != nil {
			return faults
		}
	}
	first.Accounts = f.canaryAccounts
	r.Waves = []protocol.Wave{first}
	return nil
}
