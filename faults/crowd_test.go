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
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/pkg/protocol"
)

// A crowd is a Lambda that answers nobody before so many are there.
type crowd struct {
	size int
	full chan struct{}

	mu                sync.Mutex
	now, peak, calls  int
	open, connections int // and the most that were open at once
}

// seen returns how many calls there were, how many at once, and how many
// connections were open at once.
func (c *crowd) seen() (calls, peak, connections int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls, c.peak, c.connections
}

// count is called with every change of a connection. One that was not there in time,
// as on a busy machine, is closed, and another one opened.
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

// enter takes note of a call, and of its end.
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

// ServeHTTP answers as a worker does, when all are there.
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

// A census is what the coordinator's process says of its run.
type census struct {
	Status    protocol.Status `json:"status"`
	Succeeded int             `json:"succeeded"`
	Attempts  int             `json:"attempts"`
	PeakMiB   float64         `json:"peakMiB"`
}

// What the coordinator's process is told.
var (
	crowdURL   = flag.String("crowd-url", "", "be the coordinator of a test, with this Lambda")
	crowdRoots = flag.String("crowd-roots", "", "the `file` of its certificate")
)

// A run of 5,000 invocations has all of them in flight at once, in a process that
// may have 1,024 file descriptors, as in Lambda, and takes under 256 MB for it.
// Where Lambda's endpoint speaks HTTP/1.1 only, 900 are, and the others wait.
// None is lost. The race detector takes many times the CPU and memory, which other
// tests need at the same time: with it they are 1,500.
func TestFiveThousandInvocationsUnder1024FileDescriptors(t *testing.T) {
	invocations := 5000
	if raceDetector {
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
			got := runCoordinator(t, server)
			calls, peak, connections := c.seen()
			say := t.Logf
			if *loopback {
				say = func(format string, args ...any) { _, _ = fmt.Fprintf(os.Stdout, tt.name+": "+format+"\n", args...) }
			}
			say("%d of %d succeeded, %d in flight at most, over %d connections, %.0f MiB at most",
				got.Succeeded, invocations, peak, connections, got.PeakMiB)
			if got.Status != protocol.StatusSucceeded || got.Succeeded != invocations || got.Attempts != invocations || calls != invocations {
				t.Errorf("the run is %s: %d of %d succeeded after %d attempts and %d calls", got.Status, got.Succeeded, invocations, got.Attempts, calls)
			}
			if peak != tt.peak || connections > tt.mostConn {
				t.Errorf("%d calls at once over %d connections, want %d over at most %d", peak, connections, tt.peak, tt.mostConn)
			}
			if most := 256.0; got.PeakMiB > most && !raceDetector {
				t.Errorf("the coordinator took %.0f MiB, want at most %.0f", got.PeakMiB, most)
			}
		})
	}
}

// runCoordinator has this test's program run a coordinator in a process of its
// own.
func runCoordinator(t *testing.T, server *httptest.Server) (got census) {
	t.Helper()
	roots := t.TempDir() + "/roots.pem"
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(roots, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, "-test.run=^TestFiveThousandInvocationsUnder1024FileDescriptors$",
		"-crowd-url", server.URL, "-crowd-roots", roots)
	out, err := command.CombinedOutput()
	line, _, _ := bytes.Cut(out, []byte("\n"))
	if err != nil || json.Unmarshal(line, &got) != nil {
		t.Fatalf("the coordinator's process: %v\n%s", err, out)
	}
	return got
}

// coordinate makes one run against the Lambda at url, within 1,024 file
// descriptors, and prints what came of it.
func coordinate(t *testing.T, url, roots string, invocations int) {
	t.Helper()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 1024, Max: 1024}); err != nil {
		t.Fatal(err)
	}
	certificates, err := os.ReadFile(roots) //nolint:gosec // the test's own
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(certificates)
	workers, err := invoke.NewLambda(aws.Config{
		Region: "us-east-1", BaseEndpoint: &url,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example"}, nil
		}),
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.TLSClientConfig = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
		}),
	}, invoke.Settings{Function: "worker"})
	if err != nil {
		t.Fatal(err)
	}
	r := protocol.Request{Task: "tell", Regions: []string{"us-east-1", "eu-west-1"}, MaxTargetsPerInvocation: 1, Retry: []protocol.Retrier{}}
	for i := range invocations / len(r.Regions) {
		r.Targets = append(r.Targets, fmt.Sprintf("target-%d", i))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c := &coordinator.Coordinator{Invoker: workers, Tasks: tasks()}
	answer, err := c.Answer(ctx, r, nil, protocol.MaxPayloadBytes)
	if err != nil {
		t.Fatal(err)
	}
	result, err := protocol.DecodeResult(answer)
	if err != nil {
		t.Fatal(err)
	}
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	const kib = 1 << 10 // Linux counts memory in them
	if err := json.NewEncoder(os.Stdout).Encode(census{
		result.Status, result.Summary.Targets.Succeeded, result.Summary.Attempts, float64(used.Maxrss) / kib,
	}); err != nil {
		t.Fatal(err)
	}
}
