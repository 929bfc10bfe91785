package invoketest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"meridian/pkg/protocol"
)

// A Server is a Lambda that runs the same worker for every function, for synchronous and
// asynchronous invocations.
type Server struct {
	// URL is the endpoint, for AWS_ENDPOINT_URL_LAMBDA.
	URL string

	worker  Worker
	network network
	http    http.Server
	running sync.WaitGroup // requests being answered
	closed  chan struct{}

	mu       sync.Mutex
	faults   []Fault
	decide   func(Call) Fault
	requests []Request
	attempts map[Unit]int
	account  account
	conns    connections
}

// NewServer starts a server on the loopback interface that calls worker. It ends
// with the test.
func NewServer(tb testing.TB, worker Worker) *Server {
	tb.Helper()
	return start(tb, worker, loopback{})
}

// NewMemoryServer is NewServer without the network of the machine: clients reach
// it through [Server.Dial] only. Everything else is the same HTTP. So it can be
// used in a testing/synctest bubble, where the time that its faults take is
// virtual.
func NewMemoryServer(tb testing.TB, worker Worker) *Server {
	tb.Helper()
	return start(tb, worker, &memory{})
}

func start(tb testing.TB, worker Worker, n network) *Server {
	tb.Helper()
	s := &Server{worker: worker, network: n, closed: make(chan struct{}), attempts: map[Unit]int{}}
	s.conns.open = map[net.Conn]bool{}
	s.http.Handler = s
	s.http.ConnState = s.countConnection
	s.http.ErrorLog = quiet()
	tb.Cleanup(func() {
		s.mu.Lock()
		close(s.closed)
		s.mu.Unlock()
		_ = s.http.Close()
		s.running.Wait()
	})
	s.URL = s.listen("")
	return s
}

// Config returns a configuration of the AWS SDK for the server, in us-east-1, with
// credentials that only the server accepts. It takes nothing from the environment.
func (s *Server) Config() aws.Config { return Config("us-east-1", s.URL) }

// RegionConfig is Config for one Region, which has its own endpoint and so its own
// connections, as in AWS.
func (s *Server) RegionConfig(region string) aws.Config { return Config(region, s.listen(region)) }

// Config returns a configuration of the AWS SDK with a Region, an endpoint, and the
// credentials that AWS's documentation has as an example.
func Config(region, url string) aws.Config {
	return aws.Config{
		Region:       region,
		BaseEndpoint: &url,
		Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "example", ""),
	}
}

// Script makes the next requests meet faults, in order of arrival. A nil fault
// lets one through.
func (s *Server) Script(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Decide makes decide choose the fault that a request meets, nil for none, after the
// script's end. It is called by many goroutines, one at a time.
func (s *Server) Decide(decide func(Call) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.decide = decide
}

// Limit makes each Region throttle more than n calls in flight, as an account with that
// concurrency does: 10 for a new account, 1,000 by default. 0 means no limit.
func (s *Server) Limit(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account.limit = n
}

// ColdStart makes the first use of each environment take d longer. A function has as
// many environments in a Region as its calls needed at once.
func (s *Server) ColdStart(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account.coldStart = d
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

// ServeHTTP answers one request of the Lambda API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.begin() {
		panic(http.ErrAbortHandler)
	}
	defer s.running.Done()
	w.Header().Set("X-Amzn-Requestid", newUUID())
	call, fault := s.record(r)
	if !s.enter(call.Region) {
		Throttle(ConcurrentInvocations, 0)(w, r, nil)
		return
	}
	defer s.leave(call.Region)
	work := http.HandlerFunc(s.work)
	if fault == nil {
		fault = Work
	}
	w, r = s.logged(w, r)
	fault(w, r, work)
}

// begin counts a request that is being answered. It reports false when the test has ended: the
// request of a call that was given up may be read just before.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
		return false
	default:
		s.running.Add(1)
		return true
	}
}

// work runs the function that a request names and answers as Lambda does.
func (s *Server) work(w http.ResponseWriter, r *http.Request) {
	name, known := functionOf(r.URL)
	kind := r.Header.Get("X-Amz-Invocation-Type")
	if !known || r.Method != http.MethodPost || kind != "RequestResponse" && kind != "Event" {
		Refuse(http.StatusNotFound, "UnknownOperationException", name+" is not for this server")(w, r, nil)
		return
	}
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has disconnected
	}
	if kind == "Event" {
		s.workLater(w, r, payload)
		return
	}
	environment := name + " " + regionOf(r)
	if cold := s.occupy(environment); cold > 0 {
		startedCold(r.Context(), cold)
		if !Wait(r.Context(), cold) {
			return
		}
	}
	defer s.release(environment)
	answer, err := s.worker(r.Context(), payload)
	if err != nil {
		FunctionError(unhandled, failurePayload(errorType(err), err.Error()))(w, r, nil)
		return
	}
	if len(answer) > protocol.MaxPayloadBytes {
		TooLarge(w, r, nil)
		return
	}
	w.Header().Set("X-Amz-Executed-Version", "$LATEST")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	_, _ = w.Write(answer)
}

// workLater answers an asynchronous invocation, and runs the function once. Unlike Lambda it
// does not run a function again that fails.
func (s *Server) workLater(w http.ResponseWriter, r *http.Request, payload []byte) {
	if len(payload) > protocol.MaxRequestBytes {
		Refuse(http.StatusRequestEntityTooLarge, "RequestTooLargeException", "too many bytes")(w, r, nil)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	s.running.Go(func() {
		defer cancel()
		_, _ = s.worker(ctx, payload)
	})
	s.running.Go(func() {
		select {
		case <-s.closed:
			cancel()
		case <-ctx.Done():
		}
	})
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

// errorType returns the name under which internal/function and Lambda's Go runtime
// report err.
func errorType(err error) string {
	if name := nameOf(err); name != "" {
		return name
	}
	name := strings.TrimPrefix(reflect.TypeOf(err).String(), "*")
	return name[strings.LastIndex(name, ".")+1:]
}

// newUUID returns a request id as Lambda makes them.
func newUUID() string {
	hex := fmt.Sprintf("%x", rand.Text())
	return fmt.Sprintf("%s-%s-4%s-a%s-%s", hex[:8], hex[8:12], hex[12:15], hex[15:18], hex[18:30])
}
