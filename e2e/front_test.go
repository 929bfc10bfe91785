//go:build e2e

package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A front stands before an emulator, which checks the roles, their trust policies, the
// sessions and what they may do. The front counts the calls of AssumeRole, keeps the
// secrets that are issued, injects faults, and does what AWS does and the emulator does
// not: Organizations lists 20 accounts a page, each with its State, and nothing in a
// suspended account can be reached.
type front struct {
	url       string
	host      string // of the emulator
	transport *http.Transport

	mu        sync.Mutex // guards the rest
	faults    faults
	assumed   []assumption
	issued    []string            // secret keys and session tokens
	sessions  map[string]*session // by access key
	throttled map[string]int      // answers, by account
	shortened map[string]bool     // the accounts that had their session with few calls
	suspended map[string]bool     // accounts
}

// faults are what goes wrong at a front. The zero value is nothing.
type faults struct {
	throttles int           // how often AssumeRole is throttled for each account
	unlisted  bool          // Organizations refuses to list
	deadSTS   string        // the Region whose STS ends connections without an answer
	lifetime  time.Duration // of sessions that are issued; zero is the emulator's: an hour
	calls     int           // after how many calls the first session of each account expires; zero is never
}

// An assumption is one call of AssumeRole.
type assumption struct {
	account, region string
	refused         string // the error's code, noAnswer or ""
}

// noAnswer stands for the code of a call that got no answer.
const noAnswer = "no answer"

// A session is what AssumeRole issued.
type session struct {
	account string
	calls   int       // left, or negative
	expires time.Time // zero is never
}

// startFront starts a front of an emulator. It is stopped when t ends.
func startFront(t *testing.T, e *emulator) *front {
	t.Helper()
	f := &front{host: e.host, transport: &http.Transport{MaxIdleConnsPerHost: 64}, sessions: map[string]*session{}, suspended: map[string]bool{}}
	f.inject(faults{})
	server := httptest.NewServer(f)
	f.url = server.URL
	t.Cleanup(func() {
		server.CloseClientConnections() // what waits for no answer
		server.Close()
		f.transport.CloseIdleConnections()
	})
	return f
}

// inject replaces the faults, and begins to count anew what they were applied to.
func (f *front) inject(set faults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults, f.throttled, f.shortened = set, map[string]int{}, map[string]bool{}
}

// take returns the calls of AssumeRole since the last take.
func (f *front) take() []assumption {
	f.mu.Lock()
	defer f.mu.Unlock()
	taken := f.assumed
	f.assumed = nil
	return taken
}

// secrets returns all secret keys and session tokens that the emulator issued.
func (f *front) secrets() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.issued)
}

// leaks returns the beginnings of the secrets that a text has, even if it was cut short.
func (f *front) leaks(text string) []string {
	var found []string
	for _, secret := range f.secrets() {
		if part := secret[:min(16, len(secret))]; strings.Contains(text, part) {
			found = append(found, part)
		}
	}
	return found
}

// A request is what a front knows of a request.
type request struct {
	key, region, service string // of the signature
	action, account      string // of a call of STS, and the account of its role
	operation            string // of a call of Organizations
	header               http.Header
	page                 struct {
		NextToken  string `json:"NextToken"`  //nolint:tagliatelle // AWS's spelling
		MaxResults int    `json:"MaxResults"` //nolint:tagliatelle // AWS's spelling
	}
}

// credential matches what a signature says about the request.
var credential = regexp.MustCompile(`Credential=([^/]+)/[^/]+/([^/]+)/([^/]+)/`)

// read returns what a front knows of a request.
func read(r *http.Request, body []byte) request {
	q := request{header: r.Header}
	if m := credential.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		q.key, q.region, q.service = m[1], m[2], m[3]
	}
	switch q.service {
	case "sts":
		form, _ := url.ParseQuery(string(body))
		q.action = form.Get("Action")
		if arn := strings.Split(form.Get("RoleArn"), ":"); len(arn) > 4 {
			q.account = arn[4]
		}
	case "organizations":
		_, q.operation, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		_ = json.Unmarshal(body, &q.page)
	}
	return q
}

// ServeHTTP answers for AWS.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	q := read(r, body)
	status, header, answer := f.refuse(q)
	if status == 0 {
		if status, header, answer, err = f.forward(r, body); err == nil {
			answer = f.amend(q, status, answer)
		}
	}
	if q.action == "AssumeRole" {
		a := assumption{q.account, q.region, element(string(answer), "Code")}
		if answer == nil {
			a.refused = noAnswer
		}
		f.mu.Lock()
		f.assumed = append(f.assumed, a)
		f.mu.Unlock()
	}
	if answer == nil {
		panic(http.ErrAbortHandler) // which ends the connection
	}
	header.Del("Content-Length")
	maps.Copy(w.Header(), header)
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

// refuse returns the answer of a front that does not ask the emulator, or status 0. Without
// a body the connection ends.
func (f *front) refuse(q request) (status int, header http.Header, body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if q.service == "sts" && q.region == f.faults.deadSTS {
		return http.StatusServiceUnavailable, nil, nil
	}
	if q.action == "AssumeRole" {
		switch {
		case f.throttled[q.account] < f.faults.throttles:
			f.throttled[q.account]++
			return q.refusal(http.StatusBadRequest, "Throttling", "Rate exceeded")
		case f.suspended[q.account]:
			return q.refusal(http.StatusForbidden, "AccessDenied", "User is not authorized to perform: sts:AssumeRole")
		}
	}
	if f.faults.unlisted && strings.HasPrefix(q.operation, "List") {
		return q.refusal(http.StatusBadRequest, "AccessDeniedException", "You don't have permissions to access this resource.")
	}
	if s := f.sessions[q.key]; s != nil {
		if s.calls == 0 || !s.expires.IsZero() && time.Now().After(s.expires) {
			return q.expired()
		}
		s.calls--
	}
	return 0, nil, nil
}

// expired is the answer to a session that has expired, as the service words it.
func (q request) expired() (status int, header http.Header, body []byte) {
	const message = "The security token included in the request is expired"
	switch {
	case q.service == "ec2":
		return q.refusal(http.StatusBadRequest, "RequestExpired", "Request has expired.")
	case q.speaksJSON():
		return q.refusal(http.StatusBadRequest, "ExpiredTokenException", message)
	}
	return q.refusal(http.StatusForbidden, "ExpiredToken", message)
}

// speaksJSON reports whether the answer is expected in JSON. No test calls a service that
// speaks CBOR.
func (q request) speaksJSON() bool {
	return strings.Contains(q.header.Get("Content-Type"), "json") || q.header.Get("X-Amz-Target") != ""
}

// refusal is an error of AWS, in the protocol of the request.
func (q request) refusal(status int, code, message string) (int, http.Header, []byte) {
	if q.speaksJSON() {
		return status, http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amzn-Errortype": {code}},
			fmt.Appendf(nil, `{"__type":%q,"message":%q}`, code, message)
	}
	body := fmt.Sprintf("<Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error>", code, message)
	if q.service == "ec2" {
		body = "<Response><Errors>" + body + "</Errors></Response>"
	} else {
		body = "<ErrorResponse>" + body + "</ErrorResponse>"
	}
	return status, http.Header{"Content-Type": {"text/xml"}}, []byte(body)
}

// forward sends a request to the emulator, with the host that was signed.
func (f *front) forward(r *http.Request, body []byte) (status int, header http.Header, answer []byte, err error) {
	out := r.Clone(r.Context())
	out.RequestURI, out.URL.Scheme, out.URL.Host = "", "http", f.host
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	response, err := f.transport.RoundTrip(out)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = io.ReadAll(response.Body) // never nil
	return response.StatusCode, response.Header, answer, err
}

// secret matches the secrets of an answer of STS or IAM.
var secret = regexp.MustCompile(`<(?:SecretAccessKey|SessionToken)>([^<]+)<`)

// amend keeps what the emulator issued, and changes its answers to AWS's.
func (f *front) amend(q request, status int, answer []byte) []byte {
	if q.service == "organizations" && status == http.StatusOK {
		return paginate(answer, q.page.NextToken, q.page.MaxResults)
	}
	if q.service != "sts" && q.service != "iam" {
		return answer
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range secret.FindAllSubmatch(answer, -1) {
		f.issued = append(f.issued, string(m[1]))
	}
	key := element(string(answer), "AccessKeyId")
	if q.action != "AssumeRole" || key == "" {
		return answer
	}
	s := &session{account: q.account, calls: -1}
	if f.faults.calls > 0 && !f.shortened[q.account] {
		s.calls, f.shortened[q.account] = f.faults.calls, true
	}
	f.sessions[key] = s
	if f.faults.lifetime == 0 {
		return answer
	}
	s.expires = time.Now().Add(f.faults.lifetime).Truncate(time.Second)
	was := "<Expiration>" + element(string(answer), "Expiration") + "<"
	return bytes.Replace(answer, []byte(was), []byte("<Expiration>"+s.expires.UTC().Format(time.RFC3339)+"<"), 1)
}

// paginate returns the page of a list that a token asks for, at most 20 long. It adds the
// State of accounts.
func paginate(answer []byte, token string, limit int) []byte {
	var lists map[string][]map[string]any
	if json.Unmarshal(answer, &lists) != nil {
		return answer // no list
	}
	page := map[string]any{}
	for name, list := range lists {
		for _, item := range list {
			if status, isAccount := item["Status"]; isAccount {
				item["State"] = status
			}
		}
		from, _ := strconv.Atoi(token)
		from = min(max(from, 0), len(list))
		to := min(from+min(cmp.Or(limit, 20), 20), len(list))
		page[name] = list[from:to]
		if to < len(list) {
			page["NextToken"] = strconv.Itoa(to)
		}
	}
	changed, err := json.Marshal(page)
	if err != nil {
		return answer
	}
	return changed
}
