package report

import (
	"cmp"
	"strings"

	"meridian/pkg/protocol"
)

// An account is the account of an outcome. It is zero in a run without accounts.
type account struct{ id, name string }

func accountOf(r protocol.RegionOutcome) account { return account{r.Account, r.AccountName} }

// String returns the name of an account, with its id behind it.
func (a account) String() string {
	if a.name != "" && a.id != "" && a.name != a.id {
		return a.name + " (" + a.id + ")"
	}
	return cmp.Or(a.name, a.id)
}

// accountsOf returns the accounts of a result, in its order. Nil means that it has none.
func accountsOf(r protocol.Result) []account {
	var accounts []account
	seen := map[account]bool{{}: true}
	for _, region := range r.Regions {
		if a := accountOf(region); !seen[a] {
			seen[a] = true
			accounts = append(accounts, a)
		}
	}
	return accounts
}

// labels returns a short text for each account: its name, or its id. Accounts with the
// same name have their ids, too.
func labels(accounts []account) map[account]string {
	called := map[string]int{}
	for _, a := range accounts {
		called[cmp.Or(a.name, a.id)]++
	}
	short := map[account]string{}
	for _, a := range accounts {
		short[a] = cmp.Or(a.name, a.id)
		if called[short[a]] > 1 {
			short[a] = a.String()
		}
	}
	return short
}

// AccountLabels returns a short text for the account of each outcome of a result, or "" if it has none.
func AccountLabels(r protocol.Result) func(protocol.RegionOutcome) string {
	short := labels(accountsOf(r))
	return func(o protocol.RegionOutcome) string { return short[accountOf(o)] }
}

// where returns the account of an outcome, if it has one, and its Region.
func where(r protocol.RegionOutcome) string {
	return strings.TrimSpace(accountOf(r).String() + " " + r.Region)
}
