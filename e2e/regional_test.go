//go:build e2e

package e2e

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// abroad returns the Regions that get their own worker.
var abroad = []string{"eu-west-1", "ap-southeast-2", "eu-north-1"}

// workers runs an action for the workers in the Regions abroad, with more variables of
// the environment.
func (d *deployment) workers(ctx context.Context, t *testing.T, action string, variables ...string) printed {
	t.Helper()
	out := d.program(ctx, t, action+"-workers", append(variables, "REGIONS="+strings.Join(append(slices.Clone(abroad), home), " "))...)
	t.Logf("%s%s", out.stdout, out.stderr)
	return out
}

func (d *deployment) deployWorkers(ctx context.Context, t *testing.T) {
	// A disabled Region does not stop the deployment to the others. When it is enabled,
	// the second run deploys only to it.
	const off = "ap-southeast-2"
	out := d.workers(ctx, t, "deploy", "AWS_ENDPOINT_URL="+d.aws.without(t, off))
	if out.status != 1 || !strings.Contains(out.stderr, "failed in 1 of 4 Regions") || !strings.Contains(out.stderr, "\n  "+off+": ") {
		t.Errorf("exit status %d, want 1 and %s listed", out.status, off)
	}
	out = d.workers(ctx, t, "deploy")
	if out.status != 0 || strings.Count(out.stdout, " deployed ") != 1 || strings.Count(out.stdout, " unchanged ") != 2 {
		t.Errorf("exit status %d, want 0, one Region deployed and two unchanged", out.status)
	}
}

// runRegional runs in the Regions that have a worker, and in one where the coordinator
// is allowed to invoke a worker but none is deployed.
func (d *deployment) runRegional(ctx context.Context, t *testing.T) {
	const missing = "sa-east-1"
	d.deploy(ctx, t, "placement=regional", "regions="+strings.Join(abroad, " ")+" "+missing)
	before := map[string]int{}
	for _, region := range abroad {
		before[region] = d.aws.starts(ctx, t, region, regionworker)
	}
	answer, functionError := d.aws.invoke(ctx, t, coordinator,
		`{"task":"resolve","regions":["`+strings.Join(abroad, `","`)+`"],"targets":["dynamodb"]}`)
	if functionError != "" {
		t.Fatal(answer)
	}
	succeeded(t, answer, abroad...)
	for _, region := range abroad {
		if n := d.aws.starts(ctx, t, region, regionworker) - before[region]; n != 1 {
			t.Errorf("the worker of %s ran %d times, want once", region, n)
		}
	}

	// Without Regions it runs in those that it was deployed with, and it refuses others.
	answer, functionError = d.aws.invoke(ctx, t, coordinator, `{"excludeRegions":["`+missing+`"]}`)
	if functionError != "" {
		t.Fatal(answer)
	}
	succeeded(t, answer, slices.Sorted(slices.Values(abroad))...)
	answer, functionError = d.aws.invoke(ctx, t, coordinator, `{"regions":["us-west-1"]}`)
	if functionError == "" || !strings.Contains(answer, `"us-west-1`) || !strings.Contains(answer, "has no worker") {
		t.Errorf("a Region that it was not deployed for: %s, want it refused", answer)
	}

	answer, functionError = d.aws.invoke(ctx, t, coordinator, `{"task":"resolve","regions":["`+missing+`"],"targets":["dynamodb"]}`)
	r := decode[result](t, answer)
	if functionError != "" || len(r.Regions) != 1 || r.Regions[0].Status != "FAILED" || r.Regions[0].Error != "Lambda.ResourceNotFoundException" {
		t.Errorf("a Region without a worker: %s, want it FAILED with Lambda.ResourceNotFoundException", answer)
	}
}

// removeAll removes the deployment, first without the kept runs, and then with those of
// another deployment, and checks that nothing is left.
func (d *deployment) removeAll(ctx context.Context, t *testing.T) {
	stays := d.bucket
	if out := d.workers(ctx, t, "remove"); out.status != 0 {
		t.Errorf("exit status %d, want 0", out.status)
	}
	put := call{service: "s3", region: home, method: http.MethodPut, path: "/" + stays + "/runs/1/request.json", body: "{}"}
	d.aws.do(ctx, t, put)
	if out := d.program(ctx, t, "remove"); out.status != 0 || !strings.Contains(out.stdout, "The bucket "+stays+" stays") {
		t.Errorf("exit status %d, want 0 and the name of the bucket: %s%s", out.status, out.stdout, out.stderr)
	}
	d.deployFirst(ctx, t)
	if d.bucket == stays {
		t.Errorf("another deployment has the bucket of the one before, %s", stays)
	}
	again := put
	again.path = "/" + d.bucket + "/runs/1/request.json"
	d.aws.do(ctx, t, again)
	if out := d.program(ctx, t, "remove", "PURGE=1"); out.status != 0 || !strings.Contains(out.stdout, "The bucket "+d.bucket+" is deleted") {
		t.Errorf("exit status %d, want 0 and the name of the bucket: %s%s", out.status, out.stdout, out.stderr)
	}
	left := d.objects(ctx, t, stays, "") // with the run of the schedule
	if !slices.ContainsFunc(left, func(o stored) bool { return o.Key == "runs/1/request.json" }) {
		t.Errorf("the bucket that stays has lost its objects: %v", left)
	}
	for _, o := range append(left, stored{}) { // the last one stands for the bucket
		path := strings.TrimSuffix("/"+stays+"/"+(&url.URL{Path: o.Key}).EscapedPath(), "/")
		d.aws.do(ctx, t, call{service: "s3", region: home, method: http.MethodDelete, path: path})
	}

	target := func(name string) map[string]string {
		return map[string]string{"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": name}
	}
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	for _, region := range append(slices.Clone(abroad), home) {
		for _, c := range []call{
			{service: "cloudformation", method: http.MethodPost, path: "/", header: form, body: "Action=DescribeStacks&Version=2010-05-15"},
			{service: "lambda", method: http.MethodGet, path: "/2015-03-31/functions/"},
			{service: "logs", method: http.MethodPost, path: "/", header: target("Logs_20140328.DescribeLogGroups"), body: "{}"},
			{service: "scheduler", method: http.MethodGet, path: "/schedules"},
			{service: "apigateway", method: http.MethodGet, path: "/v2/apis"},
			{service: "iam", method: http.MethodPost, path: "/", header: form, body: "Action=ListRoles&Version=2010-05-08"},
			{service: "s3", method: http.MethodGet, path: "/"},
		} {
			c.region = region
			if body, _ := d.aws.do(ctx, t, c); strings.Contains(body, "meridian") {
				t.Errorf("%s in %s still has something of ours: %s", c.service, region, body)
			}
		}
	}
}
