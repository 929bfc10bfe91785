package protocol_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/pkg/protocol"
)

func TestEveryBadFormOfAccountsIsRefusedByItsField(t *testing.T) {
	t.Parallel()
	const name = `want the name of a role, 1 to 64 of A-Z a-z 0-9 _ + = , . @ -, or an ARN with {partition} and {account}`
	for _, tt := range []struct{ name, in, want string }{
		{"empty", `{"accounts":[]}`, `accounts: []: is empty; leave it out for the account of the credentials`},
		{"a number", `{"accounts":[111122223333],"role":"r"}`, `accounts[0]: want an account's id, or an object with its id, got a number`},
		{"a short id", `{"accounts":["1111"],"role":"r"}`, `accounts[0].id: "1111": want the 12 digits of an account`},
		{"an id that is a number", `{"accounts":[{"id":111122223333}],"role":"r"}`, `accounts[0].id: 111122223333: want a string, got a number`},
		{"no id", `{"accounts":[{"name":"prod"}],"role":"r"}`, `accounts[0].id: missing; want the 12 digits of the account`},
		{"twice", `{"accounts":["111122223333",{"id":"111122223333"}],"role":"r"}`, `accounts[1].id: "111122223333": is listed twice, first as accounts[0]`},
		{"an unknown field", `{"accounts":[{"id":"111122223333","rol":"r"}]}`, `accounts[0].rol: "r": unknown field; did you mean "role"?`},
		{"two without a role", `{"accounts":["111122223333","444455556666"]}`, `accounts[1].role: missing; only one account can be without a role, that of the credentials, and accounts[0] is; set role`},
		{"a long name", `{"accounts":[{"id":"111122223333","name":"` + strings.Repeat("x", 201) + `"}]}`, `accounts[0].name: `},
		{"a role of another account", `{"accounts":[{"id":"111122223333","role":"arn:aws:iam::444455556666:role/r"}]}`, `accounts[0].role: "arn:aws:iam::444455556666:role/r": is a role of account 444455556666, not of 111122223333`},
		{"no ARN of a role", `{"accounts":["111122223333"],"role":"arn:aws:iam::{account}:user/r"}`, `role: "arn:aws:iam::{account}:user/r": is no ARN of a role; want arn:{partition}:iam::{account}:role/NAME`},
		{"a role's name", `{"accounts":["111122223333"],"role":"a b"}`, `role: "a b": ` + name},
		{"a role's name that ends in a slash", `{"accounts":["111122223333"],"role":"path/"}`, `role: "path/": ` + name},
		{"one role for all", `{"accounts":["111122223333","444455556666"],"role":"arn:aws:iam::111122223333:role/r"}`, `role: "arn:aws:iam::111122223333:role/r": has no {account}, so it is one role for all accounts; write arn:{partition}:iam::{account}:role/NAME`},
		{"an external id", `{"accounts":["111122223333"],"role":"r","externalId":"a b"}`, `externalId: want 2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -`},
		{"a session name", `{"accounts":["111122223333"],"role":"r","sessionName":"a/b"}`, `sessionName: "a/b": want 2 to 64 of A-Z a-z 0-9 _ + = , . @ -`},
		{"a role without accounts", `{"role":"r"}`, `role: "r": is for accounts or organization; name the accounts`},
		{"tags without accounts", `{"sessionTags":true}`, `sessionTags: true: is for accounts or organization; name the accounts`},
		{"both", `{"accounts":["111122223333"],"organization":true,"role":"r"}`, `organization: true: want either accounts or organization`},
		{"no organization", `{"organization":false,"role":"r"}`, `organization: want true, or an object with units and exclude, got false`},
		{"an organization without a role", `{"organization":true}`, `role: missing; an organization needs a role to assume in its accounts`},
		{"an organization with one role", `{"organization":true,"role":"arn:aws:iam::111122223333:role/r"}`, `role: "arn:aws:iam::111122223333:role/r": has no {account}, so it is one role for all accounts; write arn:{partition}:iam::{account}:role/NAME`},
		{"a unit", `{"organization":{"units":["prod"]},"role":"r"}`, `organization.units[0]: "prod": want the id of an organizational unit, as in ou-ab12-cdef3456, or of a root, as in r-ab12`},
		{"no unit", `{"organization":{"units":[]},"role":"r"}`, `organization.units: []: is empty; leave it out for all accounts`},
		{"an excluded account", `{"organization":{"exclude":["prod"]},"role":"r"}`, `organization.exclude[0]: "prod": want the 12 digits of an account`},
		{"a field of an organization", `{"organization":{"unit":["r-ab12"]},"role":"r"}`, `organization.unit: ["r-ab12"]: unknown field; did you mean "units"?`},
		{"a profile and a role", `{"accounts":[{"profile":"p","role":"r"}]}`, `accounts[0].role: "r": want either profile or role`},
		{"a profile twice", `{"accounts":[{"profile":"p"},{"profile":"p"}]}`, `accounts[1].profile: "p": is listed twice, first as accounts[0]`},
		{"no waves", `{"waves":[]}`, `waves: []: is empty; leave it out to start all at once`},
		{"an empty wave", `{"waves":[{}]}`, `waves[0]: {}: want accounts, regions, or both`},
		{"a wave with enabled", `{"waves":[{"regions":["enabled"]}]}`, `waves[0].regions[0]: "enabled": is for regions only; want a Region or a glob`},
		{"waves and minSuccessful", `{"waves":[{"regions":["eu-*"]}],"minSuccessful":1}`, `minSuccessful: 1: cannot be combined with waves; use a tolerance`},
		{"too many", `{"role":"r","accounts":[` + strings.Repeat(`"111122223333",`, 1000) + `"111122223333"]}`, `accounts: has 1001 entries; at most 1000`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, faults := protocol.DecodeRequest([]byte(tt.in))
			if len(faults) != 1 || !strings.HasPrefix(faults[0].String(), tt.want) {
				t.Errorf("DecodeRequest(%.200s) = %v, want one fault: %s", tt.in, faults, tt.want)
			}
		})
	}
}

func TestAnAccountIsItsIDOrAnObject(t *testing.T) {
	t.Parallel()
	const in = `{"accounts":["111122223333",{"id":"444455556666","name":"prod"}],"organization":true}`
	var r protocol.Request
	if faults := protocol.DecodeStrict([]byte(in), &r); faults != nil {
		t.Fatal(faults)
	}
	want := []protocol.Account{{ID: "111122223333"}, {ID: "444455556666", Name: "prod"}}
	if diff := cmp.Diff(want, r.Accounts); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
	if data, err := json.Marshal(r); err != nil || string(data) != in {
		t.Errorf("json.Marshal = %s, %v; want %s", data, err, in)
	}
}

func TestARegionRequestHasTargetsOnceOrByRegion(t *testing.T) {
	t.Parallel()
	const head = `{"version":3,"runId":"r","attempt":1,"task":"call",`
	for _, tt := range []struct{ in, want string }{
		{`"region":"eu-west-1","targets":["a"],"regions":[{"region":"eu-west-1","targets":["a"]}]}`, "regions: want either regions, or region and targets"},
		{`"region":"","regions":[]}`, "regions: is empty; a worker needs at least one"},
		{`"region":"","regions":[{"region":"","targets":["a"]}]}`, "regions[0].region: missing or empty; a worker needs it"},
		{`"region":"","regions":[{"region":"eu-west-1"}]}`, "regions[0].targets: missing; a worker needs it"},
		{`"region":"","regions":[{"region":"eu-west-1","targets":["a","a"]}]}`, `regions[0].targets[1]: "a": is listed twice, first as regions[0].targets[0]`},
		{`"region":"","regions":[{"region":"eu-west-1","targets":["a"]},{"region":"us-east-1","targets":["a"]}]}`, ""},
	} {
		_, err := protocol.DecodeRegionRequest([]byte(head + tt.in))
		if got := fmt.Sprint(err); err == nil && tt.want != "" || err != nil && !strings.Contains(got, tt.want) {
			t.Errorf("DecodeRegionRequest(%s) = %v, want %s", tt.in, err, tt.want)
		}
	}
}

func TestRoleARNFillsInPartitionAndAccount(t *testing.T) {
	t.Parallel()
	for role, want := range map[string]string{
		"reader":                                "arn:aws-cn:iam::111122223333:role/reader",
		"/ops/reader":                           "arn:aws-cn:iam::111122223333:role/ops/reader",
		"arn:{partition}:iam::{account}:role/x": "arn:aws-cn:iam::111122223333:role/x",
		"arn:aws:iam::444455556666:role/x":      "arn:aws:iam::444455556666:role/x",
	} {
		if got := protocol.RoleARN(role, "aws-cn", "111122223333"); got != want {
			t.Errorf("RoleARN(%s) = %s, want %s", role, got, want)
		}
	}
}

// A request for several Regions is never longer than its envelope says.
func TestAnEnvelopeMeasuresARequestForSeveralRegions(t *testing.T) {
	t.Parallel()
	r := accountGoldens()["region_request_account"].(protocol.RegionRequest) //nolint:forcetypeassert // it is one
	r.Attempt, r.BudgetMs = 99, 27_000.125
	e, err := protocol.EnvelopeOf(r)
	if err != nil {
		t.Fatal(err)
	}
	data, err := e.Encode(&r)
	if err != nil || e.BytesOfAll(r.Regions) < len(data) || e.BytesOfAll(r.Regions) > len(data)+150 {
		t.Errorf("BytesOfAll = %d, the request has %d bytes, %v", e.BytesOfAll(r.Regions), len(data), err)
	}
}
