package invoketest

import (
	"bufio"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// A Request is one request that a Server received.
type Request struct {
	// Function is the function's name or ARN, as in the URL.
	Function string

	// Region is the one that the request was signed for.
	Region string

	// KeyID is the id of the access key that signed the request.
	KeyID string

	// Type is the invocation type.
	Type string

	// Protocol is HTTP's version, as in "HTTP/1.1".
	Protocol string
}

// A Unit is what a coordinator retries: one batch of one Region's targets. Zero means
// that the request is not a coordinator's.
type Unit struct {
	RunID, Region string
	Batch         int
}

// A Call is a request as [Server.Decide] sees it.
type Call struct {
	Request
	Unit Unit

	// Attempt is the number of this request among those for its unit, from 1.
	Attempt int

	// Number is the number of this request among all, from 1.
	Number int
}

// Attempts returns how many requests there were for each unit.
func (s *Server) Attempts() map[Unit]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.attempts)
}

// record records a request, and returns it with the fault that it meets, or nil.
func (s *Server) record(r *http.Request) (Call, Fault) {
	name, _ := functionOf(r.URL)
	c := Call{
		Request: Request{
			Function: name, Region: regionOf(r), KeyID: keyOf(r), Type: r.Header.Get("X-Amz-Invocation-Type"), Protocol: r.Proto,
		},
		Unit: peekUnit(r),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, c.Request)
	s.attempts[c.Unit]++
	c.Attempt, c.Number = s.attempts[c.Unit], len(s.requests)
	if len(s.faults) > 0 {
		fault := s.faults[0]
		s.faults = s.faults[1:]
		return c, fault
	}
	if s.decide == nil {
		return c, nil
	}
	return c, s.decide(c)
}

// keyOf returns the id of the access key that signed a request.
func keyOf(r *http.Request) string {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ := strings.Cut(scope, "/")
	return key
}

// regionOf returns the Region that a request was signed for.
func regionOf(r *http.Request) string {
	// AWS4-HMAC-SHA256 Credential=id/date/region/lambda/aws4_request, …
	if scope := strings.Split(r.Header.Get("Authorization"), "/"); len(scope) > 4 && scope[3] == "lambda" {
		return scope[2]
	}
	return ""
}

// functionOf returns the function in a URL of Invoke, and whether u is one.
func functionOf(u *url.URL) (string, bool) {
	name, isFunction := strings.CutPrefix(u.Path, "/2015-03-31/functions/")
	name, isInvoke := strings.CutSuffix(name, "/invocations")
	return name, isFunction && isInvoke && name != ""
}

// unitPattern matches the beginning of a coordinator's payload, and headBytes is how
// much of a payload has it.
var unitPattern = regexp.MustCompile(`^\{"version":\d+,"runId":"([^"]*)","region":"([^"]*)","batch":(\d+),`)

const headBytes = 512

// peekUnit returns the unit at the beginning of the body, which can be read again from
// its start. A body that is cut off, or is no coordinator's, has none.
func peekUnit(r *http.Request) Unit {
	body := bufio.NewReaderSize(r.Body, headBytes)
	head, _ := body.Peek(headBytes)
	r.Body = struct {
		io.Reader
		io.Closer
	}{body, r.Body}
	found := unitPattern.FindSubmatch(head)
	if found == nil {
		return Unit{}
	}
	batch, _ := strconv.Atoi(string(found[3]))
	return Unit{RunID: string(found[1]), Region: string(found[2]), Batch: batch}
}
