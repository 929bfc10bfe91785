package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"meridian/bench/rig"
)

// The settings say what the server is like.
type settings struct {
	tls         bool
	certificate string
	delay       time.Duration
	setUp       time.Duration
	streams     int
	throttle    int
	answer      int
}

// A lambda answers.
type lambda struct {
	settings
	calls, connections atomic.Int64 // since the last time that somebody asked
	open               atomic.Int64 // connections
	throttles          throttles
}

// serve serves until standard input ends.
func serve(ctx context.Context, s settings) (err error) {
	l := &lambda{settings: s}
	server := &http.Server{
		Handler: l, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: s.streams},
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				l.connections.Add(1)
				l.open.Add(1)
			case http.StateClosed:
				l.open.Add(-1)
			default:
			}
		},
	}
	if s.tls {
		if server.TLSConfig, err = rig.NewCertificate(s.certificate, nil); err != nil {
			return err
		}
		server.TLSConfig.GetConfigForClient = l.greet
	}
	url, err := rig.Start(ctx, server)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"url": url, "certificate": s.certificate}); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return server.Close()
}

// greet lets a new connection wait, as the network would.
func (l *lambda) greet(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	rig.Wait(hello.Context(), l.setUp)
	return nil, nil //nolint:nilnil // which means the one that there is
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
		rig.Respond(w, r, call, tail, rig.Work(request, 100, l.fill))
	}
}

// settle waits until the connections are closed that a client before has left,
// collects what they leave, and reports whether the caller waited too. Else the next
// client would pay for that, and the one after the SDK most.
func (l *lambda) settle(ctx context.Context) bool {
	for l.open.Load() > 1 { // the caller's own
		if !rig.Wait(ctx, time.Millisecond) {
			return false
		}
	}
	runtime.GC()
	return true
}

// fill writes an output that makes the answer so many bytes long, at least.
func (l *lambda) fill(answer *bytes.Buffer, _, _ []byte) {
	answer.WriteByte('"')
	for answer.Len() < l.answer-len(`"}]}`) {
		answer.WriteByte('x')
	}
	answer.WriteByte('"')
}
