//go:build linux

package faults_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/race"
	"meridian/pkg/protocol"
)

// A crowd is a Lambda that answers no call before size of them are in flight.
type crowd struct {
	size int
	full chan struct{} // closed when they are

	mu                sync.Mutex
	now, peak, calls  int
	open, connections int // those open now, and the most at once
}

// seen returns the number of calls, the most at once, and the most connections at
// once.
func (c *crowd) seen() (calls, peak, connections int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls, c.peak, c.connections
}

// count is called with each change of a connection. A connection that takes too long,
// on a busy machine, is closed and replaced by another one.
func (c *crowd) count(_ net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.open++
		c.connections = max(c.connections, c.open)
	case http.StateClosed, http.StateHijacked:
		c.open--
	case http.StateActive, http.StateIdle:
	}
}

// enter counts a call. The caller calls leave at its end.
func (c *crowd) enter() (leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	c.now++
	c.peak = max(c.peak, c.now)
	if c.calls == c.size {
		close(c.full)
	}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.now--
	}
}

// ServeHTTP answers as a worker does, once the crowd is full.
func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	defer c.enter()()
	select {
	case <-c.full:
	case <-r.Context().Done():
		return
	}
	respond(w, r, payload)
}

// respond answers a request as a worker does.
func respond(w http.ResponseWriter, r *http.Request, payload []byte) {
	answer, err := handler()(r.Context(), payload)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(answer)
}

// A census is what a process prints of its run.
type census struct {
	Status    protocol.Status `json:"status"`
	Succeeded int             `json:"succeeded"`
	Attempts  int             `json:"attempts"`
	PeakMiB   float64         `json:"peakMiB"`
	Outputs   int             `json:"outputs"` // that are in the answer
	Notices   []string        `json:"notices"`
}

// The flags of the coordinator's process.
var (
	crowdURL   = flag.String("crowd-url", "", "the `URL` of a test's Lambda: run its coordinator")
	crowdRoots = flag.String("crowd-roots", "", "the `file` of its certificate")
)

// A run has 5,000 invocations in flight at once, in a process with at most 1,024 file
// descriptors, as in Lambda, and takes less than 256 MB. If Lambda's endpoint speaks
// HTTP/1.1 only, 900 are in flight and the others wait. None is lost. Under the race
// detector, which takes many times the CPU and memory that other tests need at the same
// time, there are 1,500.
func TestFiveThousandInvocationsUnder1024FileDescriptors(t *testing.T) {
	invocations := 5000
	if race.Enabled {
		invocations = 1500
	}
	if *crowdURL != "" {
		coordinate(t, *crowdURL, *crowdRoots, invocations)
		return
	}
	for _, tt := range []struct {
		name           string
		http2          bool
		peak, mostConn int
	}{
		{"HTTP/2", true, invocations, 100},
		{"HTTP/1.1", false, 900, 1000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &crowd{size: tt.peak, full: make(chan struct{})}
			server := httptest.NewUnstartedServer(c)
			server.EnableHTTP2 = tt.http2
			server.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 128}
			server.Config.ConnState = c.count
			server.StartTLS()
			defer server.Close()
			got := runProcess(t, "TestFiveThousandInvocationsUnder1024FileDescriptors", server)
			calls, peak, connections := c.seen()
			say := t.Logf
			if *loopback {
				say = func(format string, args ...any) { _, _ = fmt.Fprintf(os.Stdout, tt.name+": "+format+"\n", args...) }
			}
			say("%d of %d succeeded, at most %d in flight over %d connections, at most %.0f MiB",
				got.Succeeded, invocations, peak, connections, got.PeakMiB)
			if got.Status != protocol.StatusSucceeded || got.Succeeded != invocations || got.Attempts != invocations || calls != invocations {
				t.Errorf("the run is %s: %d of %d succeeded after %d attempts and %d calls", got.Status, got.Succeeded, invocations, got.Attempts, calls)
			}
			if peak != tt.peak || connections > tt.mostConn {
				t.Errorf("%d calls at once over %d connections, want %d over at most %d", peak, connections, tt.peak, tt.mostConn)
			}
			if most := 256.0; got.PeakMiB > most && !race.Enabled {
				t.Errorf("the coordinator took %.0f MiB, want at most %.0f", got.PeakMiB, most)
			}
		})
	}
}

// runProcess runs a test in a process of its own, with the program of this test, and
// returns the census that it prints. The process calls the server, unless that is nil.
func runProcess(t *testing.T, test string, server *httptest.Server, args ...string) (got census) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"-test.run=^" + test + "$"}, args...)
	if server != nil {
		roots := t.TempDir() + "/roots.pem"
		certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
		if err := os.WriteFile(roots, certificate, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-crowd-url", server.URL, "-crowd-roots", roots)
	}
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	line, _, _ := bytes.Cut(out, []byte("\n"))
	if err != nil || json.Unmarshal(line, &got) != nil {
		t.Fatalf("the process: %v\n%s", err, out)
	}
	return got
}

// coordinate makes one run against the Lambda at url, with at most 1,024 file
// descriptors, and prints a census.
func coordinate(t *testing.T, url, roots string, invocations int) {
	t.Helper()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 1024, Max: 1024}); err != nil {
		t.Fatal(err)
	}
	r := protocol.Request{Task: "tell", Regions: []string{"us-east-1", "eu-west-1"}, MaxTargetsPerInvocation: 1, Retry: []protocol.Retrier{}}
	for i := range invocations / len(r.Regions) {
		r.Targets = append(r.Targets, protocol.Target{Name: fmt.Sprintf("target-%d", i)})
	}
	c := &coordinator.Coordinator{Invoker: workersAt(t, url, roots, 0), Tasks: tasks()}
	printCensus(t, answerOf(t, c, r))
}

// workersAt returns the invoker of a coordinator of that memory for the Lambda at url.
func workersAt(t *testing.T, url, roots string, memoryMB int) *invoke.Lambda {
	t.Helper()
	certificates, err := os.ReadFile(roots) //nolint:gosec // the test's own
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(certificates)
	workers, err := invoke.NewLambda(aws.Config{
		Region: "us-east-1", BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "example", ""),
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.TLSClientConfig = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
		}),
	}, invoke.Settings{Function: "worker", MemoryMB: memoryMB})
	if err != nil {
		t.Fatal(err)
	}
	return workers
}

// answerOf returns the result of a run as a function's answer has it.
func answerOf(t *testing.T, c *coordinator.Coordinator, r protocol.Request) protocol.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	answer, err := c.Answer(ctx, r, nil, protocol.MaxPayloadBytes)
	if err != nil {
		t.Fatal(err)
	}
	result, err := protocol.DecodeResult(answer)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// printCensus prints what this process's run came to, and took.
func printCensus(t *testing.T, result protocol.Result) {
	t.Helper()
	c := census{
		Status: result.Status, Succeeded: result.Summary.Targets.Succeeded, Attempts: result.Summary.Attempts,
		PeakMiB: peakMiB(t), Notices: result.Notices,
	}
	for _, region := range result.Regions {
		for _, target := range region.Targets {
			if target.Output != nil {
				c.Outputs++
			}
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(c); err != nil {
		t.Fatal(err)
	}
}

// peakMiB returns the most memory that this process has taken. Its resource usage does not
// have that: it begins with the memory of the process that started it.
func peakMiB(t *testing.T) float64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	var kib float64
	for line := range strings.Lines(string(status)) {
		if _, err := fmt.Sscanf(line, "VmHWM: %f kB", &kib); err == nil {
			return kib / 1024
		}
	}
	t.Fatal("the system does not say how much memory the process has taken")
	return 0
}
