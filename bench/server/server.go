// Package server is the Lambda of the invocations' benchmark: it answers Invoke on
// the loopback interface after a delay, for any function, as Lambda's API does. It
// speaks HTTP/2 and HTTP/1.1 over TLS with a certificate that it makes itself, or
// plain HTTP/1.1.
//
// It runs as a process of its own, prints its addresses as one line of JSON, and
// serves until its standard input ends. GET /calls and GET /connections return how
// many there were since the last such request. GET /settle waits until the only open
// connection is the caller's.
package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"meridian/bench/rig"
)

// The settings of a server.
type settings struct {
	tls         bool
	certificate string
	names       string
	delay       time.Duration
	setUp       time.Duration
	throttle    int
	answer      int
}

// An Address is where a server listens.
type Address struct {
	URLs        []string `json:"urls"`
	Certificate string   `json:"certificate"` // the file; "" without TLS
}

// A lambda answers.
type lambda struct {
	settings
	calls, connections atomic.Int64 // since the last request for them
	open               atomic.Int64 // connections
	throttles          throttles
}

// Run serves until standard input ends.
func Run(ctx context.Context, args []string) error {
	var s settings
	flags := flag.NewFlagSet("server", flag.ContinueOnError)
	flags.BoolVar(&s.tls, "tls", false, "speak TLS")
	flags.StringVar(&s.certificate, "certificate", "", "the `file` to write the certificate to")
	flags.StringVar(&s.names, "names", "", "host names, with commas: each gets a port of its own")
	flags.DurationVar(&s.delay, "delay", 100*time.Millisecond, "how long a call takes")
	flags.DurationVar(&s.setUp, "set-up", 0, "how long the network takes to set up a connection")
	flags.IntVar(&s.throttle, "throttle", 0, "the `percentage` of the calls that get a 429")
	flags.IntVar(&s.answer, "answer", 256, "the size of an answer in bytes")
	if err := flags.Parse(args); err != nil {
		return err
	}
	l, at := &lambda{settings: s}, Address{Certificate: s.certificate}
	names := strings.Split(s.names, ",")
	var config *tls.Config
	if s.tls {
		var err error
		if config, err = rig.NewCertificate(s.certificate, nil, names...); err != nil {
			return err
		}
		config.GetConfigForClient = l.greet
	} else {
		at.Certificate = ""
	}
	for range names {
		url, err := rig.Start(ctx, &http.Server{Handler: l, ConnState: l.count, TLSConfig: config.Clone()}) //nolint:gosec // Start sets its timeout
		if err != nil {
			return err
		}
		at.URLs = append(at.URLs, url)
	}
	if err := json.NewEncoder(os.Stdout).Encode(at); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// count is called with each change of a connection.
func (l *lambda) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		l.connections.Add(1)
		l.open.Add(1)
	case http.StateClosed:
		l.open.Add(-1)
	default:
	}
}

// greet delays the handshake of a new connection, as a distant network would.
func (l *lambda) greet(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	rig.Wait(hello.Context(), l.setUp)
	return nil, nil //nolint:nilnil // which means the server's own configuration
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
	case "/settle":
		if l.settle(r.Context()) {
			_, _ = fmt.Fprint(w, 0)
		}
		return
	}
	call := l.calls.Add(1)
	request, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if l.throttle > 0 && l.throttles.next(request, l.throttle) {
		w.Header().Set("X-Amzn-Requestid", rig.RequestID(call))
		w.Header().Set("X-Amzn-Errortype", "TooManyRequestsException")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`)
		return
	}
	if rig.Wait(r.Context(), l.delay) {
		rig.Respond(w, r, call, rig.Work(request, 100, l.fill))
	}
}

// settle waits until the connections of the client before are closed, collects their
// garbage, and reports whether the caller waited that long. Otherwise the next client
// would pay for that, most of all the one after the SDK.
func (l *lambda) settle(ctx context.Context) bool {
	for l.open.Load() > 1 { // the caller's own
		if !rig.Wait(ctx, time.Millisecond) {
			return false
		}
	}
	runtime.GC()
	return true
}

// fill writes an output that makes the answer at least as long as the setting says.
func (l *lambda) fill(answer *bytes.Buffer, _, _ []byte) {
	answer.WriteByte('"')
	for answer.Len() < l.answer-len(`"}]}`) {
		answer.WriteByte('x')
	}
	answer.WriteByte('"')
}
