//go:build e2e

package e2e

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// An answer is an HTTP answer of the API.
type answer struct {
	status, contentType, allow string
	body                       string
}

// curl sends one request to the API with curl, signed with a key if there is one: that
// is what a person would run.
func (d *deployment) curl(ctx context.Context, t *testing.T, key aws.Credentials, path string, args ...string) answer {
	t.Helper()
	_, port, _ := net.SplitHostPort(d.aws.host)
	name := d.apiID + ".execute-api.localhost:" + port
	all := []string{
		"--silent", "--show-error", "--resolve", name + ":127.0.0.1",
		"--write-out", "\n%{http_code}\n%{content_type}\n%header{allow}",
	}
	if key.AccessKeyID != "" {
		all = append(all, "--aws-sigv4", "aws:amz:"+home+":execute-api", "--user", key.AccessKeyID+":"+key.SecretAccessKey)
	}
	out := d.command(ctx, t, d.env, "curl", append(append(all, args...), "http://"+name+path)...)
	lines := strings.Split(out.stdout, "\n")
	if out.status != 0 || len(lines) < 4 {
		t.Fatalf("curl: exit status %d: %s%s", out.status, out.stdout, out.stderr)
	}
	n := len(lines)
	a := answer{body: strings.Join(lines[:n-3], "\n"), status: lines[n-3], contentType: lines[n-2], allow: lines[n-1]}
	t.Logf("$ curl %s %s = %s %s", strings.Join(args, " "), path, a.status, a.allow)
	return a
}

const isJSON = "content-type: application/json"

func (d *deployment) callAPI(ctx context.Context, t *testing.T) {
	const version = `"Version":"2012-10-17"`
	allowed := d.aws.newUser(ctx, t, "e2e-allowed", `{`+version+`,"Statement":[{"Effect":"Allow",
		"Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:`+home+`:*:`+d.apiID+`/$default/POST/runs"}]}`)
	stranger := d.aws.newUser(ctx, t, "e2e-stranger", "")

	a := d.curl(ctx, t, allowed, "/runs", "--data", "@events/direct.json", "--header", isJSON)
	if a.status != "200" || a.contentType != "application/json" {
		t.Fatalf("the answer is %+v, want 200 and application/json", a)
	}
	succeeded(t, a.body, asked...)

	before := d.aws.starts(ctx, t, home, coordinator)
	forged := allowed
	forged.SecretAccessKey = "0123456789012345678901234567890123456789"
	for name, key := range map[string]aws.Credentials{
		"unsigned": {}, "signed by a user without permission": stranger, "signed with a wrong secret": forged,
	} {
		t.Log(name)
		if a := d.curl(ctx, t, key, "/runs", "--data", "{}", "--header", isJSON); a.status != "403" {
			t.Errorf("a call %s is answered %+v, want 403", name, a)
		}
	}
	if after := d.aws.starts(ctx, t, home, coordinator); after != before {
		t.Errorf("the coordinator ran %d times for calls that are refused", after-before)
	}
}

// refuse sends bad requests through the API.
func (d *deployment) refuse(ctx context.Context, t *testing.T) {
	// 2 MB: more than the coordinator accepts, less than the API's 10 MB.
	d.write(t, "big.json", []byte(`{"task":"`+strings.Repeat("x", 2_000_000)+`"}`))
	sqs, err := os.ReadFile("testdata/sqs.json")
	if err != nil {
		t.Fatal(err)
	}
	before := d.aws.starts(ctx, t, home, regionworker)
	const problem = "application/problem+json"
	for _, c := range []struct {
		name string
		path string
		args []string
		want answer
	}{
		{"garbage", "/runs", []string{"--data", "}{", "--header", isJSON}, answer{status: "400", contentType: problem}},
		{"an array", "/runs", []string{"--data", "[{}]", "--header", isJSON}, answer{status: "400", contentType: problem}},
		{"an unknown field", "/runs", []string{"--data", `{"colour":"red"}`, "--header", isJSON}, answer{status: "400", contentType: problem}},
		{"an SQS event", "/runs", []string{"--data", string(sqs), "--header", isJSON}, answer{status: "400", contentType: problem}},
		{"a wrong content type", "/runs", []string{"--data", "{}", "--header", "content-type: text/plain"}, answer{status: "415", contentType: problem}},
		{"2 MB", "/runs", []string{"--data-binary", "@big.json", "--header", isJSON}, answer{status: "413", contentType: problem}},
		{"a wrong method", "/runs", []string{"--request", "PUT", "--data", "{}", "--header", isJSON}, answer{status: "405", contentType: problem, allow: "GET, POST"}},
		// The API itself has no such route.
		{"a wrong path", "/run", []string{"--data", "{}", "--header", isJSON}, answer{status: "404", contentType: "application/json"}},
	} {
		got := d.curl(ctx, t, root, c.path, c.args...)
		c.want.body = got.body
		if got != c.want {
			t.Errorf("%s is answered %+v, want %+v", c.name, got, c.want)
		}
	}
	if after := d.aws.starts(ctx, t, home, regionworker); after != before {
		t.Errorf("%d workers were invoked for requests that are refused", after-before)
	}
}
