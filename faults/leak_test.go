package faults_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
	"meridian/internal/race"
	"meridian/pkg/protocol"
)

// A Lambda environment makes one run after the other. 10,000 runs share one connection
// and leave no goroutine behind. Some of them are aborted while their workers work. Under
// the race detector, where a run takes six times as long, there are 500.
func TestTenThousandRunsLeakNothing(t *testing.T) { //nolint:paralleltest // it counts goroutines
	runs := 10_000
	if testing.Short() || race.Enabled {
		runs = 500
	}
	const often = 100 // every hundredth run is aborted
	lambda := &endpoint{hanging: make(chan struct{}, 1)}
	c := &coordinator.Coordinator{Invoker: lambda.start(t), Tasks: tasks()}
	run := func(i int) {
		r := protocol.Request{Task: "tell", Regions: []string{"us-east-1", "eu-west-1"}, Targets: protocol.Targets("s3")}
		want := protocol.StatusSucceeded
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if i%often == often-1 {
			r.Targets, want = protocol.Targets(stuck), protocol.StatusAborted
			go func() {
				for range r.Regions {
					<-lambda.hanging
				}
				cancel()
			}()
		}
		if result, err := c.Run(ctx, r); err != nil || result.Status != want {
			t.Fatalf("run %d: Run = %s %s, %v, want %s", i, result.Status, result.Cause, err, want)
		}
	}
	run(0) // opens the connection
	before := runtime.NumGoroutine()
	for i := range runs {
		run(i)
	}
	settled := func() bool { return runtime.NumGoroutine() <= before && lambda.open.Load() <= 1 }
	for begin := time.Now(); !settled() && time.Since(begin) < 10*time.Second; {
		runtime.Gosched()
	}
	if got := runtime.NumGoroutine(); got > before {
		buffer := make([]byte, 1<<16)
		t.Errorf("%d goroutines after %d runs, %d before\n%s", got, runs, before, buffer[:runtime.Stack(buffer, true)])
	}
	// On a busy machine the answer to a ping may come too late; then the connection is
	// replaced.
	if open, total := lambda.open.Load(), lambda.total.Load(); open > 1 || total > int64(1+runs/often) {
		t.Errorf("%d runs took %d connections, and %d are open, want 1", runs, total, open)
	}
}

// stuck is the target whose workers hang.
const stuck = "stuck"

// An endpoint is Lambda's API with workers, over HTTP/2 and TLS.
type endpoint struct {
	total, open atomic.Int64  // connections
	hanging     chan struct{} // gets a value from each worker that hangs
}

// start starts the endpoint, and returns an invoker of its workers.
func (e *endpoint) start(t *testing.T) *invoke.Lambda {
	t.Helper()
	server := httptest.NewUnstartedServer(e)
	server.EnableHTTP2 = true
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			e.total.Add(1)
			e.open.Add(1)
		case http.StateClosed, http.StateHijacked:
			e.open.Add(-1)
		case http.StateActive, http.StateIdle:
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	cfg := invoketest.NewServer(t, handler()).Config()
	cfg.BaseEndpoint = &server.URL
	cfg.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.TLSClientConfig = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
	})
	workers, err := invoke.NewLambda(cfg, invoke.Settings{Function: "worker"})
	if err != nil {
		t.Fatal(err)
	}
	return workers
}

// ServeHTTP answers as a worker does.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if bytes.Contains(payload, []byte(`"`+stuck+`"`)) {
		e.hanging <- struct{}{}
		<-r.Context().Done()
		return
	}
	respond(w, r, payload)
}
