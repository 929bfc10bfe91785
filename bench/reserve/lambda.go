package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"meridian/pkg/protocol"
)

// A way is when the workers answer, of which each gets a number: after how long
// with such a budget, and whether at all.
type way struct {
	name   string
	answer func(number int, budget time.Duration) (after time.Duration, answers bool)
}

func ways() []way {
	return []way{
		{"nothing", func(int, time.Duration) (time.Duration, bool) { return 0, false }},
		{"half", func(number int, budget time.Duration) (time.Duration, bool) { return budget / 4, number%2 == 0 }},
		// As workers do that are cut by their budget, but without any reserve.
		{"last", func(_ int, budget time.Duration) (time.Duration, bool) { return budget - 50*time.Millisecond, true }},
	}
}

// A lambda is Lambda as a coordinator sees it, over HTTP/2 and TLS.
type lambda struct {
	server http.Server
	url    string
	way    atomic.Pointer[way]
	output atomic.Int64 // bytes of each target's
	calls  atomic.Int64
	peak   atomic.Int64
	now    atomic.Int64
}

// newLambda starts one on the loopback interface, and writes its certificate to a
// file.
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
		HTTP2:     &http.HTTP2Config{MaxConcurrentStreams: 128},
		ErrorLog:  log.New(io.Discard, "", 0), // coordinators that are ended
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
	}
	go func() { _ = l.server.ServeTLS(listener, "", "") }()
	return l, nil
}

// ServeHTTP answers an invocation, when the way says so.
func (l *lambda) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var q protocol.RegionRequest
	if err := json.Unmarshal(payload, &q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	number := int(l.calls.Add(1))
	l.peak.Store(max(l.peak.Load(), l.now.Add(1)))
	defer l.now.Add(-1)
	budget := time.Duration(q.BudgetMs * float64(time.Millisecond))
	after, answers := l.way.Load().answer(number, budget)
	if !answers {
		<-r.Context().Done()
		return
	}
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		return
	}
	body := answerTo(q, int(l.output.Load()))
	h := w.Header()
	h.Set("X-Amzn-Requestid", "00000000-0000-4000-8000-000000000000")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// answerTo answers as a worker does that succeeds, with outputs of so many bytes.
func answerTo(q protocol.RegionRequest, output int) []byte {
	a := protocol.RegionResult{
		Version: protocol.Version, RunID: q.RunID, Region: q.Region, Batch: q.Batch,
		Status: protocol.StatusSucceeded, ElapsedMs: 0.5, Targets: make([]protocol.TargetOutcome, len(q.Targets)),
	}
	const frame = len(`{"message":""}`)
	for i, target := range q.Targets {
		a.Targets[i] = protocol.TargetOutcome{
			Target: target, Status: protocol.StatusSucceeded, ElapsedMs: 0.1, Attempts: []protocol.Attempt{{ElapsedMs: 0.1}},
			Output: json.RawMessage(`{"message":"` + strings.Repeat("x", max(0, output-frame)) + `"}`),
		}
	}
	body, err := json.Marshal(a)
	if err != nil {
		panic(err) // strings and numbers
	}
	return body
}

// newCertificate makes a certificate for the loopback interface, and writes it to
// a file.
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
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, os.WriteFile(file, text, 0o600)
}
