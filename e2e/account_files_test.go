//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/pkg/protocol"
)

// tryFile runs over a file of c7n-org with five accounts, over those of them with a tag, and
// over one of these.
func (p *operator) tryFile(ctx context.Context, t *testing.T) {
	accounts := p.org.kind("")[:5]
	var file strings.Builder
	file.WriteString("accounts:\n")
	for i, m := range accounts {
		fmt.Fprintf(&file, "- account_id: '%s'\n  name: %s\n  role: arn:aws:iam::%s:role/%s\n  regions: [us-east-1, eu-west-1]\n  tags: [env:%s, team:%d]\n  vars: {charge: x}\n",
			m.id, m.name, m.id, memberRole, []string{"prod", "test"}[i%2], i/2)
	}
	p.write(t, "accounts.yml", []byte(file.String()))
	for _, test := range []struct {
		flags []string
		want  []member
	}{
		{nil, accounts},
		{[]string{"--account-tag", "env=prod"}, []member{accounts[0], accounts[2], accounts[4]}},
		{[]string{"--account-tag", "env=prod", "--account-tag", "team=1"}, []member{accounts[2]}},
		{[]string{"--account-tag", "env=test", "--account-name", accounts[3].name}, []member{accounts[3]}},
	} {
		p.org.take()
		r := p.result(ctx, t, 0, append([]string{"sts:GetCallerIdentity", "--accounts", "accounts.yml"}, test.flags...)...)
		p.org.assumedOnce(t, r, test.want...)
		p.trySelected(t, r, []string{"us-east-1", "eu-west-1"}, test.want...)
	}
}

// trySelected checks that a run entered exactly these accounts, in these Regions.
func (p *operator) trySelected(t *testing.T, r protocol.Result, regions []string, accounts ...member) {
	t.Helper()
	var want, got []string
	for _, m := range accounts {
		for _, region := range regions {
			want = append(want, m.id+" "+m.name+" "+region)
		}
	}
	for _, o := range r.Regions {
		got = append(got, o.Account+" "+o.AccountName+" "+o.Region)
		p.tryItem(t, member{id: o.Account}, o)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

// tryProfiles runs with two profiles of a configuration file: one assumes a role, the other
// has the key of a user. The variables of the environment have other credentials. For a role
// of a profile, the SDK does not read AWS_ENDPOINT_URL.
func (p *operator) tryProfiles(ctx context.Context, t *testing.T) {
	assumed, owned := p.org.kind("")[5], p.org.kind("")[6]
	admin, user := p.org.admin(owned.id), map[string]any{"UserName": "reader"}
	must(t)(call1(ctx, admin, "iam:CreateUser", home, user))
	must(t)(call1(ctx, admin, "iam:PutUserPolicy", home, map[string]any{"UserName": "reader", "PolicyName": "read", "PolicyDocument": policy(
		statement{"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"})}))
	key := must(t)(call1(ctx, admin, "iam:CreateAccessKey", home, user))["AccessKey"]
	p.write(t, "config", fmt.Appendf(nil, `[profile base]
aws_access_key_id = %s
aws_secret_access_key = %s
[profile assumed]
role_arn = arn:aws:iam::%s:role/%s
source_profile = base
[profile owned]
aws_access_key_id = %v
aws_secret_access_key = %v
`, p.org.caller.AccessKeyID, p.org.caller.SecretAccessKey, assumed.id, memberRole, at(key, "AccessKeyId"), at(key, "SecretAccessKey")))
	p.org.take()
	r := p.resultWith(ctx, t, []string{"AWS_CONFIG_FILE=" + p.path("config"), "AWS_ENDPOINT_URL_STS=" + p.org.url}, 0,
		"ec2:DescribeVpcs", "--query", "Vpcs[].OwnerId", "--profile", "assumed,owned", "--region", strings.Join(seeded, ","))
	allSucceeded(t, r, 2*len(seeded))
	for i, m := range []member{{id: assumed.id, name: "assumed"}, {id: owned.id, name: "owned"}} {
		for k, region := range seeded {
			o := r.Regions[i*len(seeded)+k]
			if found := list(output(t, o)["result"]); o.Account != m.id || o.AccountName != m.name || o.Region != region || !slices.Equal(found, []any{m.id}) {
				t.Errorf("%s in %s of %s: %v, want the VPC of %s (%s)", o.AccountName, o.Region, o.Account, found, m.id, m.name)
			}
		}
	}
	for _, a := range p.org.take() {
		if a.account != assumed.id || a.refused != "" {
			t.Errorf("AssumeRole: %+v, want only that of the profile", a)
		}
	}
}
