package invoketest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// A Request is one request that a Server got, whatever became of it.
type Request struct {
	// Function is the function's name or ARN, as asked for.
	Function string

	// Region is the one that the request was signed for.
	Region string

	// Type is the invocation type.
	Type string

	// Protocol is that of HTTP, as in "HTTP/1.1".
	Protocol string
}

// A Unit is what a coordinator retries: one batch of one Region's targets. It is
// zero for requests that are not a coordinator's.
type Unit struct {
	RunID, Region string
	Batch         int
}

// A Call is a request as [Server.Decide] gets it.
type Call struct {
	Request
	Unit Unit

	// Attempt counts the requests for this unit so far, with this one.
	Attempt int

	// Number counts the requests of all so far, with this one.
	Number int
}

// Attempts returns how many requests there were for each unit.
func (s *Server) Attempts() map[Unit]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.attempts)
}

// record notes a request and returns it with the fault it meets, if any.
func (s *Server) record(r *http.Request) (Call, Fault) {
	name, _ := functionOf(r.URL)
	c := Call{
		Request: Request{
			Function: name, Region: regionOf(r), Type: r.Header.Get("X-Amz-Invocation-Type"), Protocol: r.Proto,
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

// regionOf returns the Region that a request was signed for.
func regionOf(r *http.Request) string {
	// AWS4-HMAC-SHA256 Credential=id/date/region/lambda/aws4_request, …
	if scope := strings.Split(r.Header.Get("Authorization"), "/"); len(scope) > 4 && scope[3] == "lambda" {
		return scope[2]
	}
	return ""
}

// functionOf returns the function that a URL of Invoke names, and whether it is
// one.
func functionOf(u *url.URL) (string, bool) {
	name, isFunction := strings.CutPrefix(u.Path, "/2015-03-31/functions/")
	name, isInvoke := strings.CutSuffix(name, "/invocations")
	return name, isFunction && isInvoke && name != ""
}

// headBytes is enough of a payload to know its unit by.
const headBytes = 512

// peekUnit reads the unit off the beginning of the body, which it leaves to be
// read again. A body that ends in between, or is something else, has none.
func peekUnit(r *http.Request) Unit {
	body := bufio.NewReaderSize(r.Body, headBytes)
	head, _ := body.Peek(headBytes)
	r.Body = struct {
		io.Reader
		io.Closer
	}{body, r.Body}
	var u Unit
	decoder := json.NewDecoder(bytes.NewReader(head))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return Unit{}
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			break
		}
		var value any
		switch key {
		case "runId":
			value = &u.RunID
		case "region":
			value = &u.Region
		case "batch":
			value = &u.Batch
		case "attempt": // comes after those
			return u
		default:
			value = new(json.RawMessage)
		}
		if decoder.Decode(value) != nil {
			break
		}
	}
	return Unit{}
}
