package report

import (
	"cmp"
	"encoding/json"
	"strings"

	"meridian/pkg/protocol"
)

// The text of a cause around the trust policy that a role lacks; package account writes it.
const (
	wanted      = "; the trust policy that is wanted: "
	policyBegin = `{"Version":"2012-10-17",`
)

// cutPolicy returns a cause without the trust policy that it asks for, and the policy. A
// policy that is not whole, and every other JSON, stays in the cause.
func cutPolicy(cause string) (rest, policy string) {
	before, after, _ := strings.Cut(cause, wanted)
	var whole json.RawMessage
	if !strings.HasPrefix(after, policyBegin) || json.NewDecoder(strings.NewReader(after)).Decode(&whole) != nil {
		return cause, ""
	}
	return before + after[len(whole):], string(whole)
}

// writePolicies writes each trust policy that the causes of a result ask for. Each is on one
// line of any width, so that it can be copied. If there are several, it names the accounts
// of each.
func writePolicies(b *strings.Builder, r protocol.Result, width int, p palette) {
	var policies []string
	accounts := map[string]*names{}
	add := func(a account, cause string) {
		_, policy := cutPolicy(cause)
		if policy == "" {
			return
		}
		if accounts[policy] == nil {
			policies, accounts[policy] = append(policies, policy), &names{}
		}
		accounts[policy].add(a.String())
	}
	for _, region := range r.Regions {
		add(accountOf(region), region.Cause)
		for _, target := range region.Targets {
			add(accountOf(region), target.Cause)
		}
	}
	for _, policy := range policies {
		role := "a role"
		if names := accounts[policy]; len(policies) > 1 && len(names.list) > 0 {
			role = "the role in " + names.some()
		}
		b.WriteString(paragraph("hint: "+role+" is assumed if it trusts the caller; its trust policy:", width, p.quiet))
		b.WriteString(clean(policy) + "\n")
	}
}

// withoutShown returns a result over accounts without the failure that its cause repeats:
// the coordinator adds the first one, after its place.
func withoutShown(r protocol.Result) protocol.Result {
	for _, o := range r.Regions {
		if id := cmp.Or(o.Account, o.AccountName); id != "" && Failed(o.Status) {
			r.Cause, _, _ = strings.Cut(r.Cause, "; "+id+" "+o.Region+": ")
		}
	}
	return r
}
