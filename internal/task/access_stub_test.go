package task_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

const own = "111111111111"

// Accounts stand in for an AWS with several accounts: an STS that issues sessions of their
// roles, and services that list the token of the session that they were called with.
type accounts struct {
	refuse  func(n int) (code string)                 // of the nth request to assume a role; "" or nil means that it is issued
	denies  func(service, token string) (code string) // of a request to another service; "" or nil means that it is answered
	lasts   time.Duration                             // 0 means an hour
	takes   time.Duration                             // of a request to assume a role
	mu      sync.Mutex
	assumed []string // the Region, the role and the session of each request to assume a role
	sts     int      // how often the identity was asked for
	secrets []string // all that were issued
}

// ServeHTTP implements http.Handler.
func (a *accounts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	token := r.Header.Get("X-Amz-Security-Token")
	switch form.Get("Action") {
	case "AssumeRole":
		a.assume(w, r, form)
		return
	case "GetCallerIdentity":
		a.mu.Lock()
		a.sts++
		a.mu.Unlock()
		_, _ = fmt.Fprintf(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>%s</Account><Arn>arn:aws:sts::%s:assumed-role/worker/fn</Arn>`+
			`</GetCallerIdentityResult></GetCallerIdentityResponse>`, own, own)
		return
	}
	if a.denies != nil {
		if code := a.denies(strings.Split(r.Host, ".")[0], token); code != "" {
			w.Header().Set("X-Amzn-Errortype", code) // of Lambda
			w.WriteHeader(http.StatusForbidden)
			message := fmt.Sprintf("refused %v %s", r.Header, token)
			if form.Has("Action") {
				_, _ = fmt.Fprintf(w, `<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors></Response>`, code, message)
				return
			}
			_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
			return
		}
	}
	if !form.Has("Action") {
		_, _ = io.WriteString(w, `{"Functions":[]}`)
		return
	}
	session, _, _ := strings.Cut(token, " ")
	_, _ = fmt.Fprintf(w, "<DescribeVpcsResponse><vpcSet><item><vpcId>%s</vpcId></item></vpcSet></DescribeVpcsResponse>", session)
}

// assume issues a session, or refuses.
func (a *accounts) assume(w http.ResponseWriter, r *http.Request, form url.Values) {
	region := strings.Split(r.Header.Get("Authorization"), "/")[2]
	a.mu.Lock()
	n := len(a.assumed) + 1
	a.assumed = append(a.assumed, strings.Join([]string{region, form.Get("RoleArn"), form.Get("RoleSessionName")}, " "))
	a.mu.Unlock()
	time.Sleep(a.takes)
	if a.refuse != nil {
		if code := a.refuse(n); code != "" {
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprintf(w, `<ErrorResponse><Error><Code>%s</Code><Message>refused %v</Message></Error></ErrorResponse>`, code, r.Header)
			return
		}
	}
	lasts := a.lasts
	if lasts == 0 {
		lasts = time.Hour
	}
	secret, token := fmt.Sprintf("wJalrXUtnFEMI/K7MDENG/%d", n), fmt.Sprintf("session-%d of %s", n, form.Get("RoleArn"))
	a.mu.Lock()
	a.secrets = append(a.secrets, secret, token)
	a.mu.Unlock()
	_, _ = fmt.Fprintf(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA%d</AccessKeyId><SecretAccessKey>%s</SecretAccessKey>`+
		`<SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
		n, secret, token, time.Now().Add(lasts).UTC().Format(time.RFC3339))
}

// requests returns the requests to assume a role so far.
func (a *accounts) requests() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.assumed)
}

// leaks reports whether a text has a secret.
func (a *accounts) leaks(text string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.ContainsFunc(a.secrets, func(secret string) bool { return strings.Contains(text, secret) })
}

// start returns a worker in eu-west-1 that calls a as AWS. One Region is dead. Call stop at the
// end of the test.
func (a *accounts) start(t *testing.T, certificate tls.Certificate, dead string) (w *regionworker.Worker, of *task.AWS, stop func()) {
	t.Helper()
	in := &world{dead: dead, handler: a}
	of, stop = in.cloud(t, certificate)
	return &regionworker.Worker{Tasks: calling(t, "reads", of)}, of, stop
}

// reader returns the access to the role "reader" of an account.
func reader(id string) *protocol.Access {
	return &protocol.Access{Account: id, Role: "arn:aws:iam::" + id + ":role/reader"}
}

// describe invokes a worker for DescribeVpcs with an access, in some Regions.
func describe(t *testing.T, w *regionworker.Worker, access *protocol.Access, regions ...string) protocol.RegionResult {
	t.Helper()
	r := protocol.RegionRequest{
		Version: protocol.Version, RunID: "run", Attempt: 1, Task: "call", Account: access, Parameters: json.RawMessage(`{"query":"Vpcs[0].VpcId"}`),
	}
	for _, region := range regions {
		r.Regions = append(r.Regions, protocol.RegionTargets{Region: region, Targets: []string{"ec2:DescribeVpcs"}})
	}
	return handle(t, w, r)
}

// handle returns a worker's answer to a request, and checks it as a coordinator does.
func handle(t *testing.T, w *regionworker.Worker, r protocol.RegionRequest) protocol.RegionResult {
	t.Helper()
	payload, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := w.Handle(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	result, err := protocol.DecodeRegionResult(answer)
	if err == nil {
		err = protocol.CheckAnswer(&r, &result)
	}
	if err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	return result
}

// results returns the outcomes of an answer: the outputs, or the names of the errors.
func results(r protocol.RegionResult) []string {
	var all []string
	for _, o := range r.Targets {
		var output struct {
			Result string `json:"result"`
		}
		_ = json.Unmarshal(o.Output, &output) // without one it has an error
		all = append(all, output.Result+o.Error)
	}
	return all
}

// logTo returns the log of a worker at DEBUG.
func logTo(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
