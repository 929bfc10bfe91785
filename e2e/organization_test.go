//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"

	"meridian/internal/awsapi"
	"meridian/internal/awsapi/model"
)

const (
	// management is the account of the organization itself: the emulator's.
	management = "000000000000"

	// memberRole is the role that the accounts have. It may describe EC2, list queues and
	// list the account's Regions.
	memberRole = "meridian-read"
)

// seeded are the Regions in which each account has a queue.
var seeded = []string{home, "us-west-2", "eu-west-1", "ap-southeast-2", "sa-east-1"}

// An organization is an emulated AWS with an organization of 50 accounts besides the
// management account. Each has memberRole, which trusts the caller, and a queue with its
// number in its name in each Region of seeded. The emulator gives each account a VPC of its
// own in every Region, and 31 Regions.
type organization struct {
	*front

	aws *emulator // behind the front

	// caller is the key of a user of the management account. It may assume memberRole
	// everywhere, and read the organization.
	caller aws.Credentials

	root, unit, nested string // parents of accounts; nested is in unit
	members            []member
}

// A member is an account of an organization.
type member struct {
	id, name string
	parent   string // root, unit or nested
	kind     string // what is special about it, or ""
}

// What is special about an account.
const (
	suspended  = "suspended"  // closed: two of the accounts
	roleless   = "roleless"   // it has no memberRole
	distrusted = "distrusted" // its memberRole does not trust the caller
)

// startOrganization starts an emulator and makes an organization in it.
func startOrganization(ctx context.Context, t *testing.T, tools string) *organization {
	t.Helper()
	e := startEmulator(ctx, t, tools)
	o := &organization{front: startFront(t, e), aws: e}
	o.caller = e.newUser(ctx, t, "caller", policy(
		statement{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/" + memberRole},
		statement{"Effect": "Allow", "Action": []string{"organizations:List*", "organizations:Describe*", "account:ListRegions"}, "Resource": "*"},
	))
	o.mu.Lock()
	o.issued = append(o.issued, o.caller.SecretAccessKey) // it was made behind the front
	o.mu.Unlock()
	admin := o.api(root)
	roots := must(t)(call1(ctx, admin, "organizations:ListRoots", home, nil))
	o.root = at(list(roots["Roots"])[0], "Id").(string)
	o.unit = o.newUnit(ctx, t, admin, o.root, "workloads")
	o.nested = o.newUnit(ctx, t, admin, o.unit, "production")
	for i := range 50 { // one at a time: the order of a listing is that of their creation
		o.members = append(o.members, o.newMember(ctx, t, admin, i))
	}
	errs := make(chan error, 1+len(o.members))
	var group sync.WaitGroup
	for _, m := range append(slices.Clone(o.members), member{id: management}) {
		group.Go(func() { errs <- o.furnish(ctx, m) })
	}
	group.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	return o
}

// newUnit creates an organizational unit and returns its id.
func (o *organization) newUnit(ctx context.Context, t *testing.T, admin *awsapi.API, parent, name string) string {
	t.Helper()
	made := must(t)(call1(ctx, admin, "organizations:CreateOrganizationalUnit", home, map[string]any{"ParentId": parent, "Name": name}))
	return at(made["OrganizationalUnit"], "Id").(string)
}

// newMember creates an account: of ten one in the root, four in unit and five in nested.
func (o *organization) newMember(ctx context.Context, t *testing.T, admin *awsapi.API, i int) member {
	t.Helper()
	m := member{name: fmt.Sprintf("member-%02d", i), parent: []string{o.root, o.unit, o.nested}[min(2, (i%10+3)/4)]}
	switch i {
	case 11, 37:
		m.kind = suspended
	case 23:
		m.kind = roleless
	case 48:
		m.kind = distrusted
	}
	made := must(t)(call1(ctx, admin, "organizations:CreateAccount", home, map[string]any{"Email": m.name + "@example.com", "AccountName": m.name}))
	m.id = at(made["CreateAccountStatus"], "AccountId").(string)
	if m.parent != o.root {
		must(t)(call1(ctx, admin, "organizations:MoveAccount", home,
			map[string]any{"AccountId": m.id, "SourceParentId": o.root, "DestinationParentId": m.parent}))
	}
	if m.kind == suspended {
		must(t)(call1(ctx, admin, "organizations:CloseAccount", home, map[string]any{"AccountId": m.id}))
		o.mu.Lock()
		o.suspended[m.id] = true
		o.mu.Unlock()
	}
	return m
}

// furnish creates what an account has.
func (o *organization) furnish(ctx context.Context, m member) error {
	admin := o.admin(m.id)
	var errs []error
	create := func(operation, region string, input map[string]any) {
		if _, err := call1(ctx, admin, operation, region, input); err != nil {
			errs = append(errs, fmt.Errorf("%s in %s: %w", operation, m.id, err))
		}
	}
	trusted := "arn:aws:iam::" + management + ":user/caller"
	if m.kind == distrusted {
		trusted = "arn:aws:iam::" + management + ":user/another"
	}
	if m.kind != roleless {
		create("iam:CreateRole", home, map[string]any{"RoleName": memberRole, "AssumeRolePolicyDocument": policy(
			statement{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"AWS": trusted}})})
		create("iam:PutRolePolicy", home, map[string]any{"RoleName": memberRole, "PolicyName": "read", "PolicyDocument": policy(
			statement{"Effect": "Allow", "Action": []string{"ec2:Describe*", "sqs:ListQueues", "account:ListRegions"}, "Resource": "*"})})
	}
	for _, region := range seeded {
		create("sqs:CreateQueue", region, map[string]any{"QueueName": queueOf(m.id)})
	}
	return errors.Join(errs...)
}

// admin returns what may call everything in an account.
func (o *organization) admin(account string) *awsapi.API {
	return o.api(aws.Credentials{AccessKeyID: account, SecretAccessKey: root.SecretAccessKey}) // the emulator's key for an account
}

// trust replaces the trust policy of an account's memberRole.
func (o *organization) trust(ctx context.Context, t *testing.T, account, policy string) {
	t.Helper()
	must(t)(call1(ctx, o.admin(account), "iam:UpdateAssumeRolePolicy", home, map[string]any{"RoleName": memberRole, "PolicyDocument": policy}))
}

// queueOf returns the name of an account's queues.
func queueOf(account string) string { return "of-" + account }

// A statement is one statement of an IAM policy.
type statement map[string]any

// policy returns a policy's document.
func policy(statements ...statement) string {
	document, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	return string(document)
}

// kind returns the accounts that are special in a way, in the order of their creation. With
// "" it returns those that can be used.
func (o *organization) kind(kind string) []member {
	return slices.DeleteFunc(slices.Clone(o.members), func(m member) bool { return m.kind != kind })
}

// api returns what calls operations with a key.
func (o *organization) api(key aws.Credentials) *awsapi.API {
	return &awsapi.API{
		Client:    awsapi.New(sendFunc(http.DefaultTransport.RoundTrip), credentials.StaticCredentialsProvider{Value: key}),
		Endpoints: awsapi.Endpoints{URL: func(context.Context, string) (string, error) { return o.url, nil }},
	}
}

// named starts a proxy that leads the real names of all services in all Regions to the
// organization, and that of the STS of a Region to an address. For HTTPS_PROXY and
// AWS_CA_BUNDLE.
func (o *organization) named(t *testing.T, deadSTS, address string) (p *proxy, roots string) {
	t.Helper()
	roots = filepath.Join(t.TempDir(), "roots.pem")
	return startProxy(t, startRegions(t, roots, o.front), address, func(host string) bool {
		return strings.HasPrefix(host, "sts."+deadSTS+".")
	}), roots
}

// assume returns the key of a session of an account's memberRole.
func (o *organization) assume(ctx context.Context, account, region string) (aws.Credentials, error) {
	answer, err := call1(ctx, o.api(o.caller), "sts:AssumeRole", region,
		map[string]any{"RoleArn": "arn:aws:iam::" + account + ":role/" + memberRole, "RoleSessionName": "meridian"})
	return aws.Credentials{
		AccessKeyID: text(at(answer, "Credentials", "AccessKeyId")), SecretAccessKey: text(at(answer, "Credentials", "SecretAccessKey")),
		SessionToken: text(at(answer, "Credentials", "SessionToken")),
	}, err
}

// call1 calls an operation, as in "ec2:DescribeVpcs", with all pages, and returns its value.
func call1(ctx context.Context, api *awsapi.API, operation, region string, input map[string]any) (map[string]any, error) {
	service, name, _ := strings.Cut(operation, ":")
	op, err := model.Lookup(service, name)
	if err != nil {
		return nil, err
	}
	answer, err := api.Call(ctx, op, region, input)
	return answer.Value, err
}

// codeOf returns the code of AWS's refusal, or "".
func codeOf(err error) string {
	if refusal, ok := errors.AsType[smithy.APIError](err); ok {
		return refusal.ErrorCode()
	}
	return ""
}

// must returns a function that fails the test for an error.
func must(t *testing.T) func(value map[string]any, err error) map[string]any {
	t.Helper()
	return func(value map[string]any, err error) map[string]any {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
