//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"meridian/internal/awsapi"
	"meridian/internal/awsapi/model"
)

// TestOrganization shows that the emulated organization behaves as AWS, which the runs over
// its accounts rely on, and makes these runs.
func TestOrganization(t *testing.T) {
	part(t, "accounts", "npm", "python3")
	d, tools := prepared(t)
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	begin := time.Now()
	o := startOrganization(ctx, t, tools)
	t.Logf("made %d accounts in %v", len(o.members), time.Since(begin).Round(time.Millisecond))
	for _, step := range []struct {
		name string
		do   func(context.Context, *testing.T)
	}{
		{"lists accounts 20 a page with their states", o.tryListing},
		{"each account has its own identity and resources", o.tryIdentities},
		{"refuses roles that cannot be assumed", o.tryRefusals},
		{"throttles, expires, refuses and does not answer when told to", o.tryFaults},
		{"its names can be dialled, but for one", o.tryNames},
	} {
		t.Run(step.name, func(t *testing.T) { step.do(ctx, t) })
	}
	p := newOperator(t, o, d.path("build", "meridian"))
	for _, step := range []struct {
		name string
		do   func(context.Context, *testing.T)
	}{
		{"asks who it is in every account and Region", p.tryAllIdentities},
		{"says which trust policy is missing", p.tryTrustPolicy},
		{"finds the resources of each account and no others", p.tryOwnResources},
		{"enters the accounts of a file", p.tryFile},
		{"uses profiles", p.tryProfiles},
		{"retries when STS throttles", p.tryThrottles},
		{"does without the STS of one Region", p.tryDeadSTS},
		{"goes on when sessions expire", p.tryExpiry},
		{"says what to allow when the organization may not be listed", p.tryUnlisted},
	} {
		t.Run(step.name, func(t *testing.T) { step.do(ctx, t) })
	}
	if full() { // c7n-org has 60 packages of its own, and takes a minute
		t.Run("lists the same as c7n-org", func(t *testing.T) { p.tryCustodian(ctx, t, newCustodian(ctx, t, d.repo, o)) })
	}
	// From here on, the roles trust the worker and not the caller.
	if !t.Run("deploy", func(t *testing.T) { o.deployInto(ctx, t, d) }) {
		return
	}
	t.Run("runs on Lambda", func(t *testing.T) { p.tryDeployed(ctx, t) })
	t.Run("only the worker may assume roles", func(t *testing.T) { o.tryAccountRoles(ctx, t, d) })
}

// tryListing compares the listings with what was made.
func (o *organization) tryListing(ctx context.Context, t *testing.T) {
	api := o.api(o.caller)
	state := func(m member) string {
		if m.kind == suspended {
			return m.id + " SUSPENDED"
		}
		return m.id + " ACTIVE"
	}
	for _, test := range []struct {
		operation, parent string
	}{
		{"organizations:ListAccounts", ""},
		{"organizations:ListAccountsForParent", o.root},
		{"organizations:ListAccountsForParent", o.unit},
		{"organizations:ListAccountsForParent", o.nested},
	} {
		var want, got []string
		input := map[string]any{"ParentId": test.parent}
		if test.parent == "" {
			input = nil
		}
		for _, m := range append([]member{{id: management, parent: o.root}}, o.members...) {
			if test.parent == "" || test.parent == m.parent {
				want = append(want, state(m))
			}
		}
		for _, a := range list(must(t)(call1(ctx, api, test.operation, home, input))["Accounts"]) {
			got = append(got, text(at(a, "Id"))+" "+text(at(a, "State")))
		}
		t.Logf("%s %s: %d accounts", test.operation, test.parent, len(got))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", test.operation, test.parent, diff)
		}
	}
	op, err := model.Lookup("organizations", "ListAccounts")
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := api.Call(ctx, op, home, nil); err != nil || answer.Pages != 3 {
		t.Errorf("%d pages of accounts and %v, want 3", answer.Pages, err)
	}
	units := must(t)(call1(ctx, api, "organizations:ListOrganizationalUnitsForParent", home, map[string]any{"ParentId": o.unit}))
	if all := list(units["OrganizationalUnits"]); len(all) != 1 || at(all[0], "Id") != o.nested {
		t.Errorf("units of %s: %v, want %s", o.unit, all, o.nested)
	}
}

// tryIdentities assumes each role once, and looks around in all seeded Regions.
func (o *organization) tryIdentities(ctx context.Context, t *testing.T) {
	o.take()
	var group sync.WaitGroup
	for _, m := range o.kind("") {
		group.Go(func() {
			key, err := o.assume(ctx, m.id, "eu-west-1")
			if err != nil {
				t.Error(err)
				return
			}
			for _, region := range seeded {
				o.tryIdentity(ctx, t, m.id, region, key)
			}
		})
	}
	group.Wait()
	if n := 1 + 2*len(o.kind("")); len(o.secrets()) < n {
		t.Errorf("%d secrets were issued, want at least %d", len(o.secrets()), n)
	}
	counts := map[string]int{}
	for _, a := range o.take() {
		counts[a.account]++
		if a.region != "eu-west-1" || a.refused != "" {
			t.Errorf("AssumeRole: %+v, want one that succeeded in eu-west-1", a)
		}
	}
	for _, m := range o.kind("") {
		if counts[m.id] != 1 {
			t.Errorf("AssumeRole for %s was called %d times, want once", m.id, counts[m.id])
		}
	}
}

// tryIdentity looks around in an account in a Region.
func (o *organization) tryIdentity(ctx context.Context, t *testing.T, account, region string, key aws.Credentials) {
	api := o.api(key)
	ask := func(operation string) map[string]any {
		answer, err := call1(ctx, api, operation, region, nil)
		if err != nil {
			t.Errorf("%s in %s of %s: %v", operation, region, account, err)
		}
		return answer
	}
	if arn, want := ask("sts:GetCallerIdentity")["Arn"], "arn:aws:sts::"+account+":assumed-role/"+memberRole+"/meridian"; arn != want {
		t.Errorf("the caller is %v, want %s", arn, want)
	}
	if vpcs := list(ask("ec2:DescribeVpcs")["Vpcs"]); len(vpcs) != 1 || at(vpcs[0], "OwnerId") != account {
		t.Errorf("VPCs in %s of %s: %v, want one of its own", region, account, vpcs)
	}
	if urls := list(ask("sqs:ListQueues")["QueueUrls"]); len(urls) != 1 || !strings.HasSuffix(text(urls[0]), "/"+account+"/"+queueOf(account)) {
		t.Errorf("queues in %s of %s: %v, want its own", region, account, urls)
	}
	if regions := list(ask("account:ListRegions")["Regions"]); len(regions) < 10 {
		t.Errorf("%s has %d Regions, want at least ten", account, len(regions))
	}
	if _, err := call1(ctx, api, "dynamodb:ListTables", region, nil); codeOf(err) != "AccessDeniedException" {
		t.Errorf("an operation that the role does not allow: %v, want AccessDeniedException", err)
	}
}

// tryRefusals calls AssumeRole where it is refused.
func (o *organization) tryRefusals(ctx context.Context, t *testing.T) {
	o.take()
	var want []assumption
	for _, m := range slices.Concat(o.kind(suspended), o.kind(roleless), o.kind(distrusted)) {
		if _, err := o.assume(ctx, m.id, home); codeOf(err) != "AccessDenied" {
			t.Errorf("AssumeRole for the %s account: %v, want AccessDenied", m.kind, err)
		}
		want = append(want, assumption{m.id, home, "AccessDenied"})
	}
	if diff := cmp.Diff(want, o.take(), cmp.AllowUnexported(assumption{})); len(want) != 4 || diff != "" {
		t.Errorf("calls of AssumeRole (-want +got):\n%s", diff)
	}
	forged := o.caller
	forged.SecretAccessKey = root.SecretAccessKey
	if _, err := call1(ctx, o.api(forged), "organizations:ListAccounts", home, nil); codeOf(err) == "" {
		t.Errorf("a call with a wrong secret: %v, want it refused", err)
	}
}

// tryFaults injects each fault.
func (o *organization) tryFaults(ctx context.Context, t *testing.T) {
	defer o.inject(faults{})
	account := o.kind("")[0].id
	tell := func(what string, err error, want string) {
		t.Helper()
		if code := codeOf(err); code != want || want == "" && err != nil {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	o.inject(faults{throttles: 2})
	for i, want := range []string{"Throttling", "Throttling", ""} {
		_, err := o.assume(ctx, account, home)
		tell("call "+string('1'+rune(i)), err, want)
	}
	o.inject(faults{unlisted: true})
	_, err := call1(ctx, o.api(o.caller), "organizations:ListAccounts", home, nil)
	tell("a listing", err, "AccessDeniedException")

	o.inject(faults{deadSTS: "eu-west-1"})
	o.take()
	if _, err := o.assume(ctx, account, "eu-west-1"); err == nil || codeOf(err) != "" {
		t.Errorf("the STS that does not answer: %v, want an error that is not AWS's", err)
	}
	_, err = o.assume(ctx, account, home)
	tell("the STS of another Region", err, "")
	want := []assumption{{account, "eu-west-1", noAnswer}, {account, home, ""}}
	if diff := cmp.Diff(want, o.take(), cmp.AllowUnexported(assumption{})); diff != "" {
		t.Errorf("calls of AssumeRole (-want +got):\n%s", diff)
	}

	o.inject(faults{calls: 2})
	for _, first := range []bool{true, false} {
		key, err := o.assume(ctx, account, home)
		tell("a session", err, "")
		for i, want := range []string{"", "", "RequestExpired", "RequestExpired"} {
			if !first {
				want = ""
			}
			_, err := call1(ctx, o.api(key), "ec2:DescribeVpcs", home, nil)
			tell("call "+string('1'+rune(i)), err, want)
		}
		want := map[bool]string{true: "ExpiredToken"}[first]
		_, err = call1(ctx, o.api(key), "sts:GetCallerIdentity", home, nil)
		tell("an expired session asks STS", err, want)
		want = map[bool]string{true: "ExpiredTokenException"}[first]
		_, err = call1(ctx, o.api(key), "account:ListRegions", home, nil)
		tell("an expired session asks a service that speaks JSON", err, want)
	}
	o.inject(faults{lifetime: -time.Second})
	key, err := o.assume(ctx, account, home)
	tell("a session", err, "")
	_, err = call1(ctx, o.api(key), "ec2:DescribeVpcs", home, nil)
	tell("a session that has expired", err, "RequestExpired")

	if got := o.leaks("at " + key.SessionToken[:20] + "…"); len(got) != 1 {
		t.Errorf("leaks of a session token cut short: %v, want it found", got)
	}
	if got := o.leaks("arn:aws:iam::" + account + ":role/" + memberRole + key.AccessKeyID); got != nil {
		t.Errorf("leaks of what is no secret: %v, want none", got)
	}
}

// tryNames calls STS of three Regions at their real names. One refuses connections.
func (o *organization) tryNames(ctx context.Context, t *testing.T) {
	const dead = "eu-west-1"
	p, roots := o.named(t, dead, freeAddress(ctx, t))
	pem, err := os.ReadFile(roots)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	through, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(through), TLSClientConfig: &tls.Config{RootCAs: pool}}
	defer transport.CloseIdleConnections()
	api := &awsapi.API{Client: awsapi.New(sendFunc(transport.RoundTrip), credentials.StaticCredentialsProvider{Value: o.caller})}
	for _, region := range []string{home, dead, "sa-east-1"} {
		_, err := call1(ctx, api, "sts:GetCallerIdentity", region, nil)
		if (err != nil) != (region == dead) || codeOf(err) != "" {
			t.Errorf("STS of %s: %v, want an error that is not AWS's in %s only", region, err, dead)
		}
	}
	if n := p.dead.Load(); n != 1 {
		t.Errorf("%d connections to the dead STS, want one", n)
	}
	if n := len(list(must(t)(call1(ctx, api, "organizations:ListAccounts", home, nil))["Accounts"])); n != 1+len(o.members) {
		t.Errorf("%d accounts, want %d", n, 1+len(o.members))
	}
}
