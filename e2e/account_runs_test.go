//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"meridian/pkg/protocol"
)

// usable returns the accounts that a run can enter, the management account included.
func (o *organization) usable() []member {
	return append([]member{{id: management}}, o.kind("")...)
}

// tryAllIdentities asks who the caller is in every account in every enabled Region.
func (p *operator) tryAllIdentities(ctx context.Context, t *testing.T) {
	p.org.take()
	r := p.result(ctx, t, 1, "sts:GetCallerIdentity", "--organization", "--role", memberRole, "--region", "enabled")
	refused := slices.Concat(p.org.kind(roleless), p.org.kind(distrusted))
	p.org.assumedOnce(t, r, slices.Concat(p.org.usable(), refused)...)
	var regions []string
	for _, o := range items(r, management) {
		regions = append(regions, o.Region)
	}
	if len(regions) < 10 {
		t.Errorf("the run is in %d Regions, want at least ten", len(regions))
	}
	failed := 0
	for _, m := range append([]member{{id: management}}, p.org.members...) {
		all := items(r, m.id)
		for i, o := range all {
			if m.kind == "" && (len(all) != len(regions) || o.Region != regions[i]) || m.name != "" && o.AccountName != m.name {
				t.Fatalf("item %d of %d of %s (%s): %s of %q, want the Regions %v", i, len(all), m.id, m.name, o.Region, o.AccountName, regions)
			}
			p.tryItem(t, m, o)
		}
		if len(all) == 0 {
			t.Errorf("account %s has no item", m.id)
		}
		if m.kind == roleless || m.kind == distrusted {
			failed += len(all)
		}
	}
	if a := r.Summary.Accounts; a == nil || *a != (protocol.Counts{Total: 51, Succeeded: 47, Failed: 2, Skipped: 2}) {
		t.Errorf("accounts: %+v, want 47 of 51 succeeded, two failed and two skipped", a)
	}
	if c := r.Summary.Regions; c.Succeeded != 47*len(regions) || c.Failed != failed || c.Total != len(r.Regions) || c.Skipped != c.Total-c.Succeeded-c.Failed {
		t.Errorf("items: %+v of %d, want %d succeeded and %d failed", c, len(r.Regions), 47*len(regions), failed)
	}
	if r.Status != protocol.StatusFailed || r.Error != "States.ExceedToleratedFailureThreshold" {
		t.Errorf("the run is %s %s, want it to exceed what is tolerated", r.Status, r.Error)
	}
	t.Run("the tolerance decides", func(t *testing.T) { p.tryTolerance(ctx, t, failed) })
}

// tryItem checks what became of an account in a Region.
func (p *operator) tryItem(t *testing.T, m member, o protocol.RegionOutcome) {
	t.Helper()
	role := "arn:aws:iam::" + m.id + ":role/" + memberRole
	switch m.kind {
	case "":
		found := output(t, o)["result"]
		if text(at(found, "Account")) != m.id || !strings.HasPrefix(text(at(found, "Arn")), sessionOf(m.id)) {
			t.Errorf("the caller in %s of %s is %v", o.Region, m.id, found)
		}
	case suspended:
		if o.Status != protocol.StatusSkipped || o.Cause != "the account is SUSPENDED" {
			t.Errorf("%s of %s is %s: %s, want it SKIPPED with its state", o.Region, m.id, o.Status, o.Cause)
		}
	default:
		if o.Status != protocol.StatusFailed || o.Error != "AccessDenied" || !strings.Contains(o.Cause, role) || trustPolicyOf(o.Cause) == "" {
			t.Errorf("%s of %s is %s %s: %s, want AccessDenied with the role and a trust policy", o.Region, m.id, o.Status, o.Error, o.Cause)
		}
	}
}

// trustPolicyOf returns the trust policy that a cause has, or "".
func trustPolicyOf(cause string) string {
	_, after, _ := strings.Cut(cause, "the trust policy that is wanted: ")
	var policy json.RawMessage
	if json.NewDecoder(strings.NewReader(after)).Decode(&policy) != nil {
		return ""
	}
	return string(policy)
}

// tryTolerance runs over the accounts that fail and one that succeeds, with just enough
// failures tolerated, and with one less.
func (p *operator) tryTolerance(ctx context.Context, t *testing.T, failed int) {
	broken := slices.Concat(p.org.kind(roleless), p.org.kind(distrusted))
	accounts := []string{p.org.kind("")[0].id}
	for _, m := range broken {
		accounts = append(accounts, m.id)
	}
	for status, tolerated := range []int{failed, failed - 1} {
		r := p.result(ctx, t, status, "sts:GetCallerIdentity", "--account", strings.Join(accounts, ","), "--role", memberRole, "--region", "enabled",
			"--tolerated-failure-count", strconv.Itoa(tolerated))
		if c := r.Summary.Regions; c.Failed != failed {
			t.Errorf("%d items failed, want %d", c.Failed, failed)
		}
	}
}

// tryTrustPolicy gives the role that does not trust the caller the policy that the cause
// has. Then it can be assumed.
func (p *operator) tryTrustPolicy(ctx context.Context, t *testing.T) {
	m := p.org.kind(distrusted)[0]
	call := []string{"sts:GetCallerIdentity", "--account", m.id, "--role", memberRole, "--region", strings.Join(seeded, ",")}
	r := p.result(ctx, t, 1, call...)
	policy := trustPolicyOf(r.Regions[0].Targets[0].Cause)
	t.Logf("%s\n%s", r.Regions[0].Targets[0].Cause, policy)
	before := must(t)(call1(ctx, p.org.admin(m.id), "iam:GetRole", home, map[string]any{"RoleName": memberRole}))
	p.org.trust(ctx, t, m.id, policy)
	r = p.result(ctx, t, 0, call...)
	allSucceeded(t, r, len(seeded))
	for _, o := range r.Regions {
		p.tryItem(t, member{id: m.id}, o)
	}
	was, err := json.Marshal(at(before["Role"], "AssumeRolePolicyDocument"))
	if err != nil {
		t.Fatal(err)
	}
	p.org.trust(ctx, t, m.id, string(was))
}

// tryOwnResources lists what each account has: its own, in each Region.
func (p *operator) tryOwnResources(ctx context.Context, t *testing.T) {
	var accounts []string
	for _, m := range p.org.kind("") {
		accounts = append(accounts, m.id)
	}
	where := []string{"--account", strings.Join(accounts, ","), "--role", memberRole, "--region", strings.Join(seeded, ","), "-o", "jsonl"}
	for _, test := range []struct {
		operation, query string
		owner            func(row map[string]any) string
	}{
		{"ec2:DescribeVpcs", "Vpcs[].{owner: OwnerId, id: VpcId}", func(row map[string]any) string { return text(row["owner"]) }},
		{"sqs:ListQueues", "QueueUrls[].{url: @}", func(row map[string]any) string {
			return strings.Split(text(row["url"])+"///", "/")[3]
		}},
	} {
		p.org.take()
		out := p.run(ctx, t, nil, append([]string{"call", "-v", test.operation, "--query", test.query}, where...)...)
		if out.status != 0 {
			t.Fatalf("%s: exit status %d\n%s", test.operation, out.status, out.stderr)
		}
		if calls := p.org.take(); len(calls) != len(accounts) {
			t.Errorf("%d calls of AssumeRole, want %d", len(calls), len(accounts))
		}
		seen := map[string]int{}
		for line := range strings.Lines(out.stdout) {
			row := decode[map[string]any](t, line)
			if test.owner(row) != text(row["account"]) {
				t.Errorf("%s found what is not of the account: %s", test.operation, line)
			}
			seen[text(row["account"])+" "+text(row["region"])]++
		}
		for _, account := range accounts {
			for _, region := range seeded {
				if seen[account+" "+region] != 1 {
					t.Errorf("%s found %d in %s of %s, want one", test.operation, seen[account+" "+region], region, account)
				}
			}
		}
	}
}
