package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
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
)

// The settings say what the server is like.
type settings struct {
	tls         bool
	certificate string
	delay       time.Duration
	streams     int
	throttle    int
	answer      int
}

// A lambda answers.
type lambda struct {
	settings
	calls, connections atomic.Int64
	throttles          throttles
}

// serve serves until standard input ends.
func serve(s settings) error {
	l := &lambda{settings: s}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it listens to the end
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: l, ReadHeaderTimeout: time.Minute,
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: s.streams},
		ErrorLog: log.New(io.Discard, "", 0), // clients that hang up
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				l.connections.Add(1)
			}
		},
	}
	url := "http://" + listener.Addr().String()
	if s.tls {
		certificate, err := newCertificate(s.certificate)
		if err != nil {
			return err
		}
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
		url = "https://" + listener.Addr().String()
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"url": url, "certificate": s.certificate}); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	if s.tls {
		err = server.ServeTLS(listener, "", "")
	} else {
		err = server.Serve(listener)
	}
	if err != http.ErrServerClosed { //nolint:errorlint // Serve returns it itself
		return err
	}
	return nil
}

// ServeHTTP answers one request.
func (l *lambda) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/calls":
		_, _ = fmt.Fprint(w, l.calls.Swap(0))
		l.throttles.forget()
		return
	case "/connections":
		_, _ = fmt.Fprint(w, l.connections.Swap(0))
		return
	}
	call := l.calls.Add(1)
	request, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.Header().Set("X-Amzn-Requestid", requestID(call))
	if l.throttle > 0 && l.throttles.next(request, l.throttle) {
		w.Header().Set("X-Amzn-Errortype", "TooManyRequestsException")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`)
		return
	}
	timer := time.NewTimer(l.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		return
	}
	answer := work(request, l.answer)
	w.Header().Set("X-Amz-Executed-Version", "$LATEST")
	if r.Header.Get("X-Amz-Log-Type") == "Tail" {
		w.Header().Set("X-Amz-Log-Result", tail(call))
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	_, _ = w.Write(answer)
}

// newCertificate makes a certificate for the loopback interface, and writes it
// to a file for the clients to trust.
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
