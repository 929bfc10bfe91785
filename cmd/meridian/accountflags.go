package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"meridian/pkg/protocol"
)

// accountFlags are the flags for the accounts to run in, their roles and the waves.
type accountFlags struct {
	ids, profiles, units, exclude []string
	file                          string
	tags, names                   []string // which accounts of the file
	organization                  bool
	role, externalID, sessionName string
	sessionTags                   bool
	canaryRegions, canaryAccounts []string
	waves                         string

	given   func(flag string) bool // whether a flag was given
	content []byte                 // of the file
	read    accountFile            // what the file has
	listed  []listedAccount        // the selected accounts of read, as in the request
}

// register adds the flags to cmd.
func (f *accountFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.ids, "account", nil, "`ids` of the accounts to run in; repeatable (default the account of the credentials)")
	flags.StringVar(&f.file, "accounts", "", "read the accounts to run in from the YAML or JSON file at `path`, Meridian's or c7n-org's")
	flags.StringArrayVar(&f.tags, "account-tag", nil, "run in the accounts of --accounts with the tag `key=value`; repeatable: with all of them")
	flags.StringArrayVar(&f.names, "account-name", nil, "run in the account of --accounts with this `name` or id; repeatable")
	flags.BoolVar(&f.organization, "organization", false, "run in every active account of the organization")
	flags.StringArrayVar(&f.units, "unit", nil, "`ids` of the organizational units to run in, with those below them; repeatable; implies --organization")
	flags.StringArrayVar(&f.exclude, "exclude-account", nil, "`ids` of accounts to leave out; repeatable")
	flags.StringArrayVar(&f.profiles, "profile", nil, "`names` of AWS profiles, one for each account to run in; repeatable")
	flags.StringVar(&f.role, "role", "", "the `name` of the role to assume in each account, or an ARN with {partition} and {account}")
	flags.StringVar(&f.externalID, "external-id", "", "the external `id` that the trust policies of the roles ask for")
	flags.StringVar(&f.sessionName, "session-name", "", "the `name` of the roles' sessions (default meridian- and the run's id)")
	flags.BoolVar(&f.sessionTags, "session-tags", false, "tag the roles' sessions with the run's id")
	flags.StringArrayVar(&f.canaryRegions, "canary-region", nil, "`names` or globs of the Regions to finish before the others begin; repeatable")
	flags.StringArrayVar(&f.canaryAccounts, "canary-account", nil, "the `id` or name of an account to finish before the others begin; repeatable")
	flags.StringVar(&f.waves, "waves", "", "the parts of the run to finish one after the other: a `JSON` array such as [{\"regions\":[\"eu-west-1\"]}]")
	_ = cmd.RegisterFlagCompletionFunc("accounts", cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)) // offers files
	complete(cmd, "canary-region", completeRegions)
}

// check returns the error of flags that do not go together.
func (f *accountFlags) check(changed func(flag string) bool) error {
	sources := slices.DeleteFunc([]string{"account", "accounts", "profile", "organization", "unit"}, func(flag string) bool { return !changed(flag) })
	if len(sources) > 1 && !slices.Equal(sources, []string{"organization", "unit"}) {
		return usage("--%s and --%s both say in which accounts to run; set one of them", sources[0], sources[1])
	}
	if changed("accounts") && f.file == "" {
		return usage(`--accounts: "": want the path of a file, or - for standard input`)
	}
	if changed("organization") && !f.organization && !changed("unit") {
		return usage("--organization=false has no meaning; leave it out")
	}
	for _, flag := range []string{"account-tag", "account-name"} {
		if changed(flag) && !changed("accounts") {
			return usage("--%s needs --accounts: it selects from that file", flag)
		}
	}
	for _, flag := range []string{"role", "external-id", "session-name", "session-tags"} {
		if changed("profile") && changed(flag) {
			return usage("--%s is for roles, not for --profile", flag).
				hint("set role_arn, and what belongs to it, in the profile")
		}
	}
	for _, flag := range []string{"canary-region", "canary-account"} {
		if changed(flag) && changed("waves") {
			return usage("--%s and --waves both say what to finish first; set one of them", flag)
		}
	}
	return nil
}

// checkProfiles refuses accounts with profiles for a deployed coordinator.
func checkProfiles(function string, request protocol.Request, from source) error {
	i := slices.IndexFunc(request.Accounts, func(a protocol.Account) bool { return a.Profile != "" })
	if function == "" || i < 0 {
		return nil
	}
	return usage("%s: %q: is for workers in this process, not for --function", from.place(fmt.Sprintf("accounts[%d].profile", i)), request.Accounts[i].Profile).
		hint("set a role; the deployed workers assume it")
}

// needsOwn reports whether the run needs other credentials than the profiles of its accounts.
func needsOwn(request protocol.Request) bool {
	return request.Accounts == nil || slices.ContainsFunc(request.Accounts, func(a protocol.Account) bool { return a.Profile == "" })
}

// saysWhere are the flags that say in which accounts to run.
//
//nolint:gochecknoglobals // a constant
var saysWhere = []string{"account", "accounts", "organization", "unit", "profile"}

// settings returns the flags that set a field, in the order to apply them. A field that
// the request does not have is the flag's own: its faults name the flag.
func (f *accountFlags) settings() []setting {
	return []setting{
		{"account", "accounts", func(r *protocol.Request) protocol.Faults {
			return accountsOf(f.ids, r, func(id string) protocol.Account { return protocol.Account{ID: id} })
		}},
		{"accounts", "accounts", f.applyFile},
		{"profile", "accounts", func(r *protocol.Request) protocol.Faults {
			return accountsOf(f.profiles, r, func(name string) protocol.Account { return protocol.Account{Profile: name, Name: name} })
		}},
		set("organization", "organization", func(r *protocol.Request) { r.Accounts, r.Organization = nil, &protocol.Organization{} }),
		{"unit", "organization", func(r *protocol.Request) protocol.Faults {
			r.Accounts, r.Organization = nil, &protocol.Organization{}
			return decodeNames("organization.units", f.units, &r.Organization.Units)
		}},
		{"exclude-account", "exclude-account", f.applyExclude},
		set("role", "role", func(r *protocol.Request) { r.Role = f.role }),
		set("external-id", "externalId", func(r *protocol.Request) { r.ExternalID = f.externalID }),
		set("session-name", "sessionName", func(r *protocol.Request) { r.SessionName = f.sessionName }),
		set("session-tags", "sessionTags", func(r *protocol.Request) { r.SessionTags = f.sessionTags }),
		{"waves", "waves", func(r *protocol.Request) protocol.Faults { return decodeField(r, "waves", f.waves) }},
		{"canary-region", "waves", f.applyCanary},
		{"canary-account", "waves", f.applyCanary},
	}
}

// accountsOf sets the accounts of the request from a list of names.
func accountsOf(values []string, r *protocol.Request, account func(name string) protocol.Account) protocol.Faults {
	var names []string
	if faults := decodeNames("accounts", values, &names); faults != nil {
		return faults
	}
	r.Accounts, r.Organization = make([]protocol.Account, len(names)), nil
	for i, name := range names {
		r.Accounts[i] = account(name)
	}
	return nil
}

// place returns the flag, or the place in the file of --accounts, of a path that one of
// the flags set. It returns "" for paths of other fields.
func (f *accountFlags) place(path, flag string) string {
	field := fieldOf(path)
	rest := path[len(field):]
	switch {
	case field == "accounts" && flag == "accounts":
		return strings.TrimSuffix(shownFile(f.file)+": "+f.placeInFile(rest), ": ")
	case field == "accounts" && flag == "account" && strings.HasSuffix(rest, ".role"):
		return "--role"
	case field == "accounts" && flag != "":
		return "--" + flag // the fault's value shows which it is
	case strings.HasPrefix(path, "organization.units"):
		return "--unit"
	case strings.HasPrefix(path, "organization.exclude"), field == "exclude-account":
		return "--exclude-account"
	case flag == "canary-region" || flag == "canary-account":
		if strings.Contains(rest, ".accounts") {
			return "--canary-account"
		}
		return "--canary-region"
	}
	return ""
}
