//go:build e2e

package e2e

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"testing"
)

// tryRoles deploys a function under each role that invokes the functions it is sent, and
// checks which ones the role allows. Then it makes requests to the bucket of the kept runs.
func (d *deployment) tryRoles(ctx context.Context, t *testing.T) {
	d.goBuild(ctx, t, d.repo, "probe", "./e2e/testdata/probe")
	code := zipped(t, d.path("build", "probe"))
	// Deploy all of them first: a missing function proves nothing about a role.
	for _, role := range []string{"CoordinatorRole", "RegionworkerRole"} {
		d.newProbe(ctx, t, role, code)
	}
	const denied = "AccessDeniedException"
	for _, c := range []struct {
		role     string
		region   string
		function string
		want     string
	}{
		{"CoordinatorRole", home, regionworker, "invoked"},
		{"CoordinatorRole", home, coordinator, "invoked"},
		{"CoordinatorRole", home, probeOf("RegionworkerRole"), denied},
		{"CoordinatorRole", "eu-west-1", regionworker, denied},
		{"RegionworkerRole", home, regionworker, denied},
		{"RegionworkerRole", home, coordinator, denied},
	} {
		answer, functionError := d.aws.invoke(ctx, t, probeOf(c.role), `{"region":"`+c.region+`","function":"`+c.function+`"}`)
		t.Logf("%s invokes %s in %s: %s", c.role, c.function, c.region, answer)
		if functionError != "" || decode[string](t, answer) != c.want {
			t.Errorf("%s invokes %s in %s: %s %s, want %s", c.role, c.function, c.region, functionError, answer, c.want)
		}
	}
	for _, c := range []struct{ role, method, path, want string }{
		{"CoordinatorRole", "PUT", "/runs/1/plan.json", "200"},
		{"CoordinatorRole", "GET", "/runs/1/plan.json", "200"},
		{"CoordinatorRole", "GET", "/runs/1/missing", "404"},
		{"CoordinatorRole", "GET", "?list-type=2&prefix=runs%2F1%2F", "200"},
		{"RegionworkerRole", "PUT", "/runs/1/stop", "403"},
		{"RegionworkerRole", "GET", "/runs/1/plan.json", "403"},
		{"RegionworkerRole", "GET", "?list-type=2&prefix=runs%2F1%2F", "403"},
		{"CoordinatorRole", "DELETE", "/runs/1/plan.json", "204"},
		{"CoordinatorRole", "PUT", "/keys/1", "200"},
		{"CoordinatorRole", "DELETE", "/keys/1", "204"},
		{"CoordinatorRole", "PUT", "/names/1", "200"},
		{"CoordinatorRole", "DELETE", "/names/1", "204"},
		{"CoordinatorRole", "PUT", "/days/1", "200"},
		{"CoordinatorRole", "DELETE", "/days/1", "204"},
		{"CoordinatorRole", "PUT", "/open/1", "200"},
		{"CoordinatorRole", "DELETE", "/open/1", "204"},
		{"CoordinatorRole", "PUT", "/other/1", "403"},
		{"CoordinatorRole", "GET", "?list-type=2&prefix=other%2F", "403"},
		{"CoordinatorRole", "GET", "?policy", "403"},
		{"CoordinatorRole", "DELETE", "", "403"},
	} {
		d.tryStore(ctx, t, c.role, c.method, c.path, c.want)
	}
	for _, role := range []string{"CoordinatorRole", "RegionworkerRole"} {
		d.aws.do(ctx, t, call{service: "lambda", region: home, method: http.MethodDelete, path: "/2015-03-31/functions/" + probeOf(role)})
	}
}

// tryStore makes a request to the bucket of the kept runs with a role, and checks the status of the answer.
func (d *deployment) tryStore(ctx context.Context, t *testing.T, role, method, path, want string) {
	t.Helper()
	answer, functionError := d.aws.invoke(ctx, t, probeOf(role), `{"region":"`+home+`","method":"`+method+`","path":"/`+d.bucket+path+`"}`)
	if functionError != "" || decode[string](t, answer) != want {
		t.Errorf("%s with %s %s: %s %s, want %s", role, method, path, functionError, answer, want)
	}
}

// probeOf returns the name of the probe under a role.
func probeOf(role string) string { return "e2e-probe-" + role }

// newProbe deploys the probe under a role of the stack.
func (d *deployment) newProbe(ctx context.Context, t *testing.T, role, code string) {
	t.Helper()
	resource := d.aws.query(ctx, t, "cloudformation", "2010-05-15", "DescribeStackResource",
		"StackName", "meridian-dev", "LogicalResourceId", role)
	arn := element(d.aws.query(ctx, t, "iam", "2010-05-08", "GetRole", "RoleName", element(resource, "PhysicalResourceId")), "Arn")
	body, err := json.Marshal(map[string]any{
		"FunctionName": probeOf(role), "Role": arn, "Runtime": "provided.al2023", "Handler": "bootstrap",
		"Architectures": []string{arch(t)}, "Timeout": 20, "Code": map[string]string{"ZipFile": code},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.aws.do(ctx, t, call{
		service: "lambda", region: home, method: http.MethodPost, path: "/2015-03-31/functions", body: string(body),
		header: map[string]string{"Content-Type": "application/json"},
	})
}

// zipped returns a program as the code of a function: a zip in base64.
func zipped(t *testing.T, program string) string {
	t.Helper()
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	f, err := w.CreateHeader(header)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}
