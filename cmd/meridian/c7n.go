package main

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"meridian/pkg/protocol"
)

// isC7N reports whether an object with accounts is a file of c7n-org.
//
// Source: CONFIG_SCHEMA in https://github.com/cloud-custodian/cloud-custodian/blob/main/tools/c7n_org/c7n_org/cli.py
func isC7N(whole json.RawMessage) bool {
	fields, _ := members(whole)
	for _, field := range []string{"vars", "subscriptions", "projects", "tenancies"} {
		if fields[field] != nil {
			return true
		}
	}
	var accounts []map[string]json.RawMessage
	_ = json.Unmarshal(fields["accounts"], &accounts) // it reads on after an entry of another type
	return slices.ContainsFunc(accounts, func(a map[string]json.RawMessage) bool { return a["account_id"] != nil })
}

// readC7N reads the file of c7n-org.
func readC7N(whole json.RawMessage) ([]listedAccount, protocol.Faults) {
	var file struct {
		Accounts []c7nAccount    `json:"accounts"`
		Vars     json.RawMessage `json:"vars"`
	}
	fields, _ := members(whole)
	var faults protocol.Faults
	for _, cloud := range []string{"subscriptions", "projects", "tenancies"} {
		if fields[cloud] != nil {
			faults = append(faults, protocol.NewFault(cloud, nil, "are of another cloud; want accounts"))
			delete(fields, cloud)
		}
	}
	rest, _ := json.Marshal(fields) // valid JSON has no error
	faults = append(faults, protocol.DecodeStrict(rest, &file)...)
	listed := make([]listedAccount, len(file.Accounts))
	for i, a := range file.Accounts {
		listed[i] = listedAccount(a)
		if !empty(file.Vars) && !slices.Contains(a.unused, "vars") {
			listed[i].unused = append(a.unused, "vars")
		}
	}
	return listed, faults
}

// empty reports whether raw is no object or one without members.
func empty(raw json.RawMessage) bool {
	fields, _ := members(raw)
	return len(fields) == 0
}

// A c7nAccount is an account of c7n-org.
type c7nAccount listedAccount

// UnmarshalJSON reads an account of c7n-org. It notes the fields that have a meaning for
// policies only.
func (a *c7nAccount) UnmarshalJSON(data []byte) error {
	fields, isObject := members(data)
	if !isObject {
		return errors.New("want an object with account_id")
	}
	maps.DeleteFunc(fields, func(_ string, value json.RawMessage) bool { return string(value) == "null" })
	var known struct {
		ID         string   `json:"account_id"` //nolint:tagliatelle // its name in c7n-org
		Name       string   `json:"name"`
		Regions    []string `json:"regions"`
		Profile    string   `json:"profile"`
		ExternalID string   `json:"external_id"` //nolint:tagliatelle // its name in c7n-org
		Provider   string   `json:"provider"`
	}
	strict := map[string]json.RawMessage{}
	for field, value := range fields {
		switch field {
		case "account_id", "name", "regions", "profile", "external_id", "provider":
			strict[field] = value
		case "role", "tags", "email", "display_name", "org_id": // the last three have no effect in c7n-org
		case "vars":
			if !empty(value) {
				a.unused = append(a.unused, field)
			}
		default:
			a.unused = append(a.unused, field)
		}
	}
	own, _ := json.Marshal(strict) // valid JSON has no error
	faults := protocol.DecodeStrict(own, &known)
	role, detail := c7nRole(fields["role"])
	if detail != "" {
		faults = append(faults, protocol.NewFault("role", fields["role"], detail))
	}
	if known.Provider != "" && known.Provider != "aws" {
		faults = append(faults, protocol.NewFault("provider", known.Provider, "want aws"))
	}
	if raw, tagged := fields["tags"]; tagged && faults == nil {
		var err error
		if a.tags, err = tagsOf(raw); err != nil {
			return err
		}
	}
	a.account = protocol.Account{ID: known.ID, Name: known.Name, Role: role, ExternalID: known.ExternalID, Regions: c7nRegions(known.Regions)}
	if role == "" { // else c7n-org does not use the profile
		a.account.Profile = known.Profile
	}
	return faults.Err()
}

// c7nRole reads a role of c7n-org, or says what is wrong with it.
func c7nRole(raw json.RawMessage) (role, detail string) {
	var chain []string
	switch {
	case raw == nil:
		return "", ""
	case json.Unmarshal(raw, &role) == nil:
	case json.Unmarshal(raw, &chain) != nil:
		return "", "want a role"
	case len(chain) > 1:
		return "", "is a chain, each role assumed with the one before; Meridian assumes one role"
	case len(chain) == 1:
		role = chain[0]
	}
	return strings.ReplaceAll(role, "{account_id}", "{account}"), ""
}

// c7nRegions reads Regions of c7n-org: an entry can be a list, and "all" means the Regions
// that are enabled in the account. It returns nil if the entries name no Region.
func c7nRegions(entries []string) []string {
	var regions []string
	for _, entry := range entries {
		for name := range strings.SplitSeq(entry, ",") {
			if name = strings.TrimSpace(name); name == "all" {
				return []string{protocol.EnabledRegions}
			}
			if name != "" && !slices.Contains(regions, name) {
				regions = append(regions, name)
			}
		}
	}
	return regions
}
