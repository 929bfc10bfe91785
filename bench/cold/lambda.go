package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"meridian/bench/rig"
)

// A lambda is Lambda as a coordinator sees it: every function of it is a worker
// that succeeds with every target after a while. It speaks HTTP/2 over TLS.
type lambda struct {
	server http.Server
	url    string
	calls  atomic.Int64
	takes  atomic.Int64 // nanoseconds that a worker takes
}

// newLambda starts one on the loopback interface. It writes its certificate to a
// file behind those that the machine trusts, of which there are some 140, because
// reading those is a part of a start.
func newLambda(ctx context.Context, file string) (*lambda, error) {
	var roots []byte
	for _, trusted := range []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"} {
		var err error
		if roots, err = os.ReadFile(trusted); err == nil { //nolint:gosec // one of these two
			break
		}
	}
	config, err := rig.NewCertificate(file, roots)
	if err != nil {
		return nil, err
	}
	l := new(lambda)
	l.server = http.Server{Handler: l, TLSConfig: config, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: rig.Streams}}
	l.url, err = rig.Start(ctx, &l.server)
	return l, err
}

// ServeHTTP answers an invocation.
func (l *lambda) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request, err := io.ReadAll(r.Body)
	if err != nil || !rig.Wait(r.Context(), time.Duration(l.takes.Load())) {
		return
	}
	rig.Respond(w, r, l.calls.Add(1), report, rig.Work(request, 0.5, resolved))
}

// resolved writes what the task resolve puts out.
func resolved(answer *bytes.Buffer, region, target []byte) {
	_, _ = fmt.Fprintf(answer, `{"message":"endpoint for %[1]s is %[2]s.%[1]s.amazonaws.com","summary":"%[2]s.%[1]s.amazonaws.com"}`,
		region, target)
}

// report is what Lambda's log says of an invocation, for callers that ask.
func report(call int64) []byte {
	return fmt.Appendf(nil, "REPORT RequestId: %s\tDuration: 3.41 ms\tBilled Duration: 4 ms\t"+
		"Memory Size: 256 MB\tMax Memory Used: 21 MB\t\n", rig.RequestID(call))
}
