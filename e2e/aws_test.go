//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// root is the key of the emulator's root user.
var root = aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}

// A call is one request to one AWS service. It is built by hand, so that the project
// does not depend on SDK packages for the services of this test.
type call struct {
	service, region string
	method, path    string
	header          map[string]string
	body            string
	account         string // another than root's
}

// do signs the call as root, or as the root user of its account, sends it, and returns the answer's body and its
// X-Amz-Function-Error. Any status but a 2xx fails the test.
func (e *emulator) do(ctx context.Context, t *testing.T, c call) (body, functionError string) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, c.method, e.url()+c.path, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range c.header {
		request.Header.Set(name, value)
	}
	sum := sha256.Sum256([]byte(c.body))
	hash := hex.EncodeToString(sum[:])
	request.Header.Set("X-Amz-Content-Sha256", hash)
	key := root
	if c.account != "" {
		key.AccessKeyID = c.account // the emulator's key for an account
	}
	once := func(o *v4.SignerOptions) { o.DisableURIPathEscaping = c.service == "s3" } // its paths are escaped once
	if err := v4.NewSigner(once).SignHTTP(ctx, key, request, hash, c.service, c.region, time.Now()); err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode/100 != 2 {
		t.Fatalf("%s %s %s%s = %d: %s", c.service, c.method, c.path, c.body, response.StatusCode, answer)
	}
	return string(answer), response.Header.Get("X-Amz-Function-Error")
}

// query calls an action of a service with the query protocol, which answers in XML.
func (e *emulator) query(ctx context.Context, t *testing.T, service, version, action string, fields ...string) string {
	t.Helper()
	return e.queryIn(ctx, t, "", service, version, action, fields...)
}

// queryIn is query in another account, unless account is "".
func (e *emulator) queryIn(ctx context.Context, t *testing.T, account, service, version, action string, fields ...string) string {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {version}}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	body, _ := e.do(ctx, t, call{
		service: service, region: home, method: http.MethodPost, path: "/", body: form.Encode(), account: account,
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
	})
	return body
}

// invoke calls a function of Region home and waits for its answer.
func (e *emulator) invoke(ctx context.Context, t *testing.T, function, payload string) (answer, functionError string) {
	t.Helper()
	return e.invokeIn(ctx, t, home, function, payload)
}

// invokeIn calls a function of a Region and waits for its answer.
func (e *emulator) invokeIn(ctx context.Context, t *testing.T, region, function, payload string) (answer, functionError string) {
	t.Helper()
	return e.do(ctx, t, call{
		service: "lambda", region: region, method: http.MethodPost,
		path: "/2015-03-31/functions/" + function + "/invocations", body: payload,
	})
}

// starts counts the invocations of a function in its log.
func (e *emulator) starts(ctx context.Context, t *testing.T, region, function string) int {
	t.Helper()
	return strings.Count(e.logged(ctx, t, region, function, `"START RequestId"`), "START RequestId")
}

// logged returns the events of a function's log that match a pattern, as the service answers
// them.
func (e *emulator) logged(ctx context.Context, t *testing.T, region, function, pattern string) string {
	t.Helper()
	request, err := json.Marshal(map[string]any{"logGroupName": "/aws/lambda/" + function, "filterPattern": pattern})
	if err != nil {
		t.Fatal(err)
	}
	body, _ := e.do(ctx, t, call{
		service: "logs", region: region, method: http.MethodPost, path: "/", body: string(request),
		header: map[string]string{
			"Content-Type": "application/x-amz-json-1.1",
			"X-Amz-Target": "Logs_20140328.FilterLogEvents",
		},
	})
	return body
}

// newUser creates an IAM user with at most one policy, and a key.
func (e *emulator) newUser(ctx context.Context, t *testing.T, name, policy string) aws.Credentials {
	t.Helper()
	const version = "2010-05-08"
	e.query(ctx, t, "iam", version, "CreateUser", "UserName", name)
	if policy != "" {
		e.query(ctx, t, "iam", version, "PutUserPolicy", "UserName", name, "PolicyName", "only", "PolicyDocument", policy)
	}
	key := e.query(ctx, t, "iam", version, "CreateAccessKey", "UserName", name)
	return aws.Credentials{AccessKeyID: element(key, "AccessKeyId"), SecretAccessKey: element(key, "SecretAccessKey")}
}

// element returns the text of the first XML element of that name.
func element(xml, name string) string {
	_, after, _ := strings.Cut(xml, "<"+name+">")
	text, _, _ := strings.Cut(after, "</"+name+">")
	return text
}

// decode decodes JSON, or fails the test.
func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.NewDecoder(bytes.NewReader([]byte(text))).Decode(&v); err != nil {
		t.Fatalf("not JSON: %v: %s", err, text)
	}
	return v
}
