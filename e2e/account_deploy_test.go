//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"meridian/pkg/protocol"
)

// deployInto deploys the functions into the management account, for runs over accounts. The
// worker calls AWS through the front; only its log, and the coordinator, do not.
func (o *organization) deployInto(ctx context.Context, t *testing.T, d *deployment) {
	d.aws = o.aws
	d.env = append(d.env, "AWS_ENDPOINT_URL="+o.aws.url(), "AWS_ACCESS_KEY_ID="+root.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+root.SecretAccessKey)
	// The emulator does not have AWS's AWSOrganizationsReadOnlyAccess.
	policy := o.aws.query(ctx, t, "iam", "2010-05-08", "CreatePolicy", "PolicyName", "e2e-organization", "PolicyDocument", policy(
		statement{"Effect": "Allow", "Action": []string{"organizations:List*", "organizations:Describe*"}, "Resource": "*"}))
	environment := map[string]string{}
	for _, service := range []string{"STS", "ORGANIZATIONS", "ACCOUNT", "EC2", "SQS"} {
		environment["AWS_ENDPOINT_URL_"+service] = o.url
	}
	variables, err := json.Marshal(environment)
	if err != nil {
		t.Fatal(err)
	}
	d.deploy(ctx, t, "accountRole="+memberRole, "callAllow=reads", "workerPolicies="+element(policy, "Arn"),
		"workerEnvironment="+string(variables), "logLevel=DEBUG", "coordinatorTimeout=300", "workerTimeout=290")
}

// tryDeployed runs over the organization with the deployed functions.
func (p *operator) tryDeployed(ctx context.Context, t *testing.T) {
	o := p.org
	env := []string{"AWS_ENDPOINT_URL=" + o.aws.url(), "AWS_ACCESS_KEY_ID=" + root.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + root.SecretAccessKey}
	over := func(flags ...string) []string {
		return append(flags, "sts:GetCallerIdentity", "--role", memberRole, "--function", coordinator, "--timeout", "4m")
	}
	// The policy of the cause is for the worker's role.
	first := o.kind("")[0]
	r := p.resultWith(ctx, t, env, 1, over("--account", first.id, "--region", home)...)
	trusted := trustPolicyOf(r.Regions[0].Targets[0].Cause)
	if !strings.Contains(trusted, `"AWS":"arn:aws:iam::`+management+`:role/`) {
		t.Fatalf("the cause has no policy that trusts the worker: %s", r.Regions[0].Targets[0].Cause)
	}
	for _, m := range o.usable() {
		o.trust(ctx, t, m.id, trusted)
	}
	o.take()
	r = p.resultWith(ctx, t, env, 1, over("--organization", "--region", "enabled")...)
	regions := len(items(r, management))
	for _, item := range r.Regions {
		for _, m := range o.members {
			if m.id == item.Account {
				p.tryItem(t, m, item)
			}
		}
	}
	if c := r.Summary.Regions; c.Succeeded != 47*regions || regions < 10 || *r.Summary.Accounts != (protocol.Counts{Total: 51, Succeeded: 47, Failed: 2, Skipped: 2}) {
		t.Errorf("items: %+v, accounts: %+v, want 47 accounts succeeded in %d Regions", c, r.Summary.Accounts, regions)
	}
	// An invocation lists the accounts, and for each that is ACTIVE one lists its Regions.
	// One more does the work in all Regions of an account.
	calls, invocations := len(o.take()), 1+49+47
	if r.Summary.Attempts != invocations || calls > invocations {
		t.Errorf("%d invocations and %d calls of AssumeRole, want %d and not more", r.Summary.Attempts, calls, invocations)
	}
	t.Logf("%d calls of AssumeRole by %d invocations for %d items", calls, r.Summary.Attempts, len(r.Regions))
	for _, function := range []string{coordinator, regionworker} {
		log := o.aws.logged(ctx, t, home, function, "")
		if n := strings.Count(log, "START RequestId"); n == 0 {
			t.Errorf("the log of %s has no invocation", function)
		}
		o.search(t, log)
	}
}

// tryAccountRoles shows which of the deployed roles may assume the accounts' role, where it
// trusts all of the management account, and that the worker's may assume no other.
func (o *organization) tryAccountRoles(ctx context.Context, t *testing.T, d *deployment) {
	account := o.kind("")[1].id
	trusting := policy(statement{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"AWS": "arn:aws:iam::" + management + ":root"}})
	o.trust(ctx, t, account, trusting)
	must(t)(call1(ctx, o.admin(account), "iam:CreateRole", home, map[string]any{"RoleName": "another", "AssumeRolePolicyDocument": trusting}))
	d.goBuild(ctx, t, d.repo, "probe", "./e2e/testdata/probe")
	code := zipped(t, d.path("build", "probe"))
	for _, role := range []string{"CoordinatorRole", "RegionworkerRole"} {
		d.newProbe(ctx, t, role, code)
		defer d.aws.do(ctx, t, call{service: "lambda", region: home, method: http.MethodDelete, path: "/2015-03-31/functions/" + probeOf(role)})
	}
	for _, c := range []struct{ by, role, want string }{
		{"RegionworkerRole", memberRole, "assumed"},
		{"RegionworkerRole", "another", "AccessDenied"},
		{"CoordinatorRole", memberRole, "AccessDenied"},
		{"CoordinatorRole", "another", "AccessDenied"},
	} {
		answer, functionError := d.aws.invoke(ctx, t, probeOf(c.by), `{"region":"`+home+`","role":"arn:aws:iam::`+account+`:role/`+c.role+`"}`)
		t.Logf("%s assumes %s: %s", c.by, c.role, answer)
		if functionError != "" || decode[string](t, answer) != c.want {
			t.Errorf("%s assumes %s: %s %s, want %s", c.by, c.role, functionError, answer, c.want)
		}
	}
}
