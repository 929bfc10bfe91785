package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"meridian/pkg/protocol"
)

// streams is how many calls a connection to the endpoint takes at once.
const streams = 128

// A lambda is Lambda as a coordinator sees it: every function of it is a worker
// that succeeds with every target after a while. It speaks HTTP/2 over TLS.
type lambda struct {
	server http.Server
	url    string
	takes  atomic.Int64 // nanoseconds that a worker takes
}

// newLambda starts one on the loopback interface. It adds its certificate to the
// machine's in a file of its own, because reading those is a part of a start.
func newLambda(ctx context.Context, file string) (*lambda, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	certificate, err := newCertificate(file)
	if err != nil {
		return nil, err
	}
	l := &lambda{url: "https://" + listener.Addr().String()}
	l.server = http.Server{
		Handler: l, ReadHeaderTimeout: time.Minute,
		HTTP2:     &http.HTTP2Config{MaxConcurrentStreams: streams},
		ErrorLog:  log.New(io.Discard, "", 0), // coordinators that are ended
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
	}
	go func() { _ = l.server.ServeTLS(listener, "", "") }()
	return l, nil
}

// report is what Lambda's log says of an invocation, for callers that ask.
var report = base64.StdEncoding.EncodeToString([]byte( //nolint:gochecknoglobals // a constant
	"REPORT RequestId: 00000000-0000-4000-8000-000000000000\tDuration: 3.41 ms\tBilled Duration: 4 ms\t" +
		"Memory Size: 256 MB\tMax Memory Used: 21 MB\t\n"))

// ServeHTTP answers an invocation.
func (l *lambda) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if takes := time.Duration(l.takes.Load()); takes > 0 {
		timer := time.NewTimer(takes)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return
		}
	}
	body, err := work(payload)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h := w.Header()
	h.Set("X-Amzn-Requestid", "00000000-0000-4000-8000-000000000000")
	h.Set("X-Amz-Executed-Version", "$LATEST")
	if r.Header.Get("X-Amz-Log-Type") == "Tail" {
		h.Set("X-Amz-Log-Result", report)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// work answers as a worker does that succeeds.
func work(payload []byte) ([]byte, error) {
	var q protocol.RegionRequest
	if err := json.Unmarshal(payload, &q); err != nil {
		return nil, err
	}
	a := protocol.RegionResult{
		Version: protocol.Version, RunID: q.RunID, Region: q.Region, Batch: q.Batch,
		Status: protocol.StatusSucceeded, ElapsedMs: 0.5, Targets: make([]protocol.TargetOutcome, len(q.Targets)),
	}
	for i, target := range q.Targets {
		output := fmt.Sprintf(`{"message":"endpoint for %[1]s is %[2]s.%[1]s.amazonaws.com","summary":"%[2]s.%[1]s.amazonaws.com"}`,
			q.Region, target)
		a.Targets[i] = protocol.TargetOutcome{
			Target: target, Status: protocol.StatusSucceeded, Output: json.RawMessage(output),
			ElapsedMs: 0.1, Attempts: []protocol.Attempt{{ElapsedMs: 0.1}},
		}
	}
	return json.Marshal(a)
}

// newCertificate makes a certificate for the loopback interface, and writes it
// to a file behind those that the machine trusts, of which there are some 140.
func newCertificate(file string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:        true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	var text []byte
	for _, trusted := range []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"} {
		if text, err = os.ReadFile(trusted); err == nil { //nolint:gosec // one of these two
			break
		}
	}
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, os.WriteFile(file, text, 0o600)
}
