package invoketest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"meridian/pkg/protocol"
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

// A Server is a Lambda on the loopback interface, whose every function is the
// same worker.
type Server struct {
	// URL is the endpoint, for AWS_ENDPOINT_URL_LAMBDA.
	URL string

	worker Worker

	mu       sync.Mutex
	faults   []Fault
	requests []Request
	open     map[net.Conn]bool
	total    int // connections there were
	peak     int // and the most at once
	hangUps  int // connections still to hang up on
}

// NewServer starts a server that calls worker. It ends with the test.
func NewServer(tb testing.TB, worker Worker) *Server {
	tb.Helper()
	s := &Server{worker: worker, open: map[net.Conn]bool{}}
	h := httptest.NewUnstartedServer(s)
	h.Config.ConnState = s.count
	h.Listener = hangingUp{h.Listener, s}
	h.Start()
	tb.Cleanup(h.Close)
	s.URL = h.URL
	return s
}

// Config returns what points the AWS SDK to the server, with credentials that
// are good for nothing else. The Region is us-east-1. Nothing of the environment
// is in it.
func (s *Server) Config() aws.Config {
	return aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: &s.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example"}, nil
		}),
	}
}

// Script makes the next requests meet faults, in order of arrival. A nil fault
// lets one through.
func (s *Server) Script(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// HangUp makes the server reset the next n connections when the first byte of a
// request arrives, before it has read any.
func (s *Server) HangUp(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hangUps += n
}

// Requests returns the requests so far, in order of arrival.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Calls returns how many requests there were for a function.
func (s *Server) Calls(function string) int {
	calls := 0
	for _, r := range s.Requests() {
		if r.Function == function {
			calls++
		}
	}
	return calls
}

// Connections returns how many connections there were, and the most at once.
func (s *Server) Connections() (total, peak int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total, s.peak
}

// count keeps the books of the connections.
func (s *Server) count(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		s.open[c] = true
		s.total++
		s.peak = max(s.peak, len(s.open))
	case http.StateClosed, http.StateHijacked:
		delete(s.open, c)
	case http.StateActive, http.StateIdle:
	}
}

// ServeHTTP answers one request of the Lambda API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Amzn-Requestid", newUUID())
	if fault := s.record(r); fault != nil {
		fault(w, r)
		return
	}
	name, known := functionOf(r.URL)
	if !known || r.Method != http.MethodPost || r.Header.Get("X-Amz-Invocation-Type") != "RequestResponse" {
		Refuse(http.StatusNotFound, "UnknownOperationException", name+" is not for this server")(w, r)
		return
	}
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	answer, err := s.worker(r.Context(), payload)
	if err != nil {
		FunctionError(unhandled, failurePayload(errorType(err), err.Error()))(w, r)
		return
	}
	if len(answer) > protocol.MaxPayloadBytes {
		FunctionError(unhandled, failurePayload(protocol.ErrorResponseSizeTooLarge,
			fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).",
				protocol.MaxPayloadBytes)))(w, r)
		return
	}
	w.Header().Set("X-Amz-Executed-Version", "$LATEST")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	_, _ = w.Write(answer)
}

// record notes a request and returns the fault it meets, if any.
func (s *Server) record(r *http.Request) Fault {
	name, _ := functionOf(r.URL)
	// AWS4-HMAC-SHA256 Credential=id/date/region/lambda/aws4_request, …
	var region string
	if scope := strings.Split(r.Header.Get("Authorization"), "/"); len(scope) > 4 && scope[3] == "lambda" {
		region = scope[2]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{
		Function: name, Region: region, Type: r.Header.Get("X-Amz-Invocation-Type"), Protocol: r.Proto,
	})
	if len(s.faults) == 0 {
		return nil
	}
	fault := s.faults[0]
	s.faults = s.faults[1:]
	return fault
}

// functionOf returns the function that a URL of Invoke names, and whether it is
// one.
func functionOf(u *url.URL) (string, bool) {
	name, isFunction := strings.CutPrefix(u.Path, "/2015-03-31/functions/")
	name, isInvoke := strings.CutSuffix(name, "/invocations")
	return name, isFunction && isInvoke && name != ""
}

// failurePayload is what the runtime leaves when a function fails.
func failurePayload(errorType, message string) string {
	payload, err := json.Marshal(map[string]any{
		"errorType": errorType, "errorMessage": message, "stackTrace": []string{"main.go:1"},
	})
	if err != nil {
		panic("invoketest: " + err.Error())
	}
	return string(payload)
}

// errorType is the name that internal/function and Lambda's Go runtime report
// err under.
func errorType(err error) string {
	var named interface{ ErrorName() string }
	if errors.As(err, &named) {
		return named.ErrorName()
	}
	name := strings.TrimPrefix(reflect.TypeOf(err).String(), "*")
	return name[strings.LastIndex(name, ".")+1:]
}

// newUUID returns a request id as Lambda makes them.
func newUUID() string {
	hex := fmt.Sprintf("%x", rand.Text())
	return fmt.Sprintf("%s-%s-4%s-a%s-%s", hex[:8], hex[8:12], hex[12:15], hex[15:18], hex[18:30])
}
