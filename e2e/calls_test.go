//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tryCalls calls four operations of AWS through the deployed coordinator, with IAM
// enforced. The worker's setting allows three of them, and the policy of its role two of
// those three. Each refusal says which of both it comes from.
func (d *deployment) tryCalls(ctx context.Context, t *testing.T) {
	policy := d.aws.query(ctx, t, "iam", "2010-05-08", "CreatePolicy", "PolicyName", "e2e-two-operations", "PolicyDocument",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ec2:DescribeVpcs","dynamodb:ListTables"],"Resource":"*"}]}`)
	const allowed = "ec2:DescribeVpcs,dynamodb:List*,sqs:ListQueues"
	d.deploy(ctx, t, "workerPolicies="+element(policy, "Arn"), "callAllow="+allowed)

	operations := []string{"ec2:DescribeVpcs", "dynamodb:ListTables", "sqs:ListQueues", "sns:ListTopics"}
	args := append([]string{"call", "--function", coordinator, "--region", home + ",eu-west-1"}, operations...)
	out := d.meridian(ctx, t, append(args, "-o", "json")...)
	r := decode[result](t, out.stdout)
	role := "arn:aws:sts::000000000000:assumed-role/"
	want := []string{
		"ec2:DescribeVpcs SUCCEEDED", "dynamodb:ListTables SUCCEEDED",
		"sqs:ListQueues FAILED AccessDenied", "sns:ListTopics FAILED Call.NotAllowed",
	}
	for _, region := range r.Regions {
		var got []string
		for _, target := range region.Targets {
			got = append(got, strings.TrimSpace(target.Target+" "+target.Status+" "+target.Error))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("calls in %s (-want +got):\n%s", region.Region, diff)
			continue
		}
		iam, worker := region.Targets[2].Cause, region.Targets[3].Cause
		if !strings.Contains(iam, role) || !strings.Contains(iam, "is not authorized to perform: sqs:ListQueues") {
			t.Errorf("IAM's refusal in %s does not name the role and the operation: %s", region.Region, iam)
		}
		if !strings.Contains(worker, `sns:ListTopics is not allowed here`) || !strings.Contains(worker, allowed) {
			t.Errorf("the worker's refusal in %s does not name the operation and the setting: %s", region.Region, worker)
		}
	}
	if len(r.Regions) != 2 || out.status != 1 {
		t.Errorf("exit status %d with %d Regions, want 1 with 2: %s", out.status, len(r.Regions), out.stdout)
	}
	out = d.meridian(ctx, t, append(args, "--query", "length(@)")...)
	t.Logf("%s%s", out.stdout, out.stderr)
}

// meridian runs the command line.
func (d *deployment) meridian(ctx context.Context, t *testing.T, args ...string) printed {
	t.Helper()
	out := d.command(ctx, t, d.env, d.path("build", "meridian"), args...)
	t.Logf("$ meridian %s = %d", strings.Join(args, " "), out.status)
	return out
}
