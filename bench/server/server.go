// Package server is the Lambda of the invocations' benchmark: it answers Invoke on
// the loopback interface after a delay, for any function, as Lambda's API does, over
// TLS with a certificate that it makes itself.
//
// GET /counts returns how many calls and connections there were since the last such
// request. GET /settle waits until the only open connection is the caller's.
package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"meridian/bench/rig"
)

// The Settings of a server.
type Settings struct {
	Names    []string      // of hosts: each gets a port of its own
	Delay    time.Duration // how long a call takes
	SetUp    time.Duration // how long the network takes to set up a connection
	Throttle int           // the percentage of the calls that get a 429
	Answer   int           // bytes of an answer, at least
}

// A Server answers. Use [Start].
type Server struct {
	URLs        []string // one for each name
	Certificate string   // the file

	settings           Settings
	servers            []*http.Server
	calls, connections atomic.Int64 // since the last request for the counts
	open               atomic.Int64 // connections

	mu       sync.Mutex
	attempts map[string]byte // at each Region and target, since the last request for the counts
}

// Start starts a server. It writes its certificate to a file.
func Start(ctx context.Context, s Settings, certificate string) (*Server, error) {
	l := &Server{settings: s, Certificate: certificate, attempts: map[string]byte{}}
	config, err := rig.NewCertificate(certificate, nil, s.Names...)
	if err != nil {
		return nil, err
	}
	config.GetConfigForClient = l.greet
	for range s.Names {
		server := &http.Server{Handler: l, ConnState: l.count, TLSConfig: config.Clone()} //nolint:gosec // Start sets its timeout
		url, err := rig.Start(ctx, server)
		if err != nil {
			l.Close()
			return nil, err
		}
		l.URLs, l.servers = append(l.URLs, url), append(l.servers, server)
	}
	return l, nil
}

// Close ends it.
func (l *Server) Close() {
	for _, server := range l.servers {
		_ = server.Close()
	}
}

// count is called with each change of a connection.
func (l *Server) count(_ net.Conn, state http.ConnState) {
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
func (l *Server) greet(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	rig.Wait(hello.Context(), l.settings.SetUp)
	return nil, nil //nolint:nilnil // which means the server's own configuration
}

// ServeHTTP answers one request.
func (l *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/counts":
		_, _ = fmt.Fprint(w, l.calls.Swap(0), l.connections.Swap(0))
		l.mu.Lock()
		defer l.mu.Unlock()
		clear(l.attempts)
		return
	case "/settle":
		l.settle(r.Context())
		return
	}
	call := l.calls.Add(1)
	request, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if l.throttles(request) {
		w.Header().Set("X-Amzn-Requestid", rig.RequestID(call))
		w.Header().Set("X-Amzn-Errortype", "TooManyRequestsException")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`)
		return
	}
	if rig.Wait(r.Context(), l.settings.Delay) {
		rig.Respond(w, r, call, l.answer(request))
	}
}

// answer returns the answer to a request: of a regionworker, or, if it has no version, of a
// caller's function.
func (l *Server) answer(request []byte) []byte {
	if bytes.Contains(request, []byte(`"version":`)) {
		return rig.Work(request, 100, l.fill)
	}
	return fmt.Appendf(nil, `{"message":"%s"}`, bytes.Repeat([]byte("x"), l.settings.Answer-len(`{"message":""}`)))
}

// throttles reports whether the next attempt at a request is throttled. It is always
// the same attempts at each Region and target, so that all ways of calling get the same
// throttles.
func (l *Server) throttles(request []byte) bool {
	if l.settings.Throttle == 0 {
		return false
	}
	key := string(rig.Field(request, "region", ',')) + string(rig.Field(request, "targets", ']'))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempts[key]++
	hash := fnv.New32a()
	_, _ = hash.Write(append([]byte(key), l.attempts[key]))
	return int(hash.Sum32()>>8%100) < l.settings.Throttle
}

// settle waits until the connections of the client before are closed, collects their
// garbage, and reports whether the caller waited that long. Otherwise the next client
// would pay for that, most of all the one after the SDK.
func (l *Server) settle(ctx context.Context) bool {
	for l.open.Load() > 1 { // the caller's own
		if !rig.Wait(ctx, time.Millisecond) {
			return false
		}
	}
	runtime.GC()
	return true
}

// fill writes an output that makes the answer at least as long as the setting says.
func (l *Server) fill(answer *bytes.Buffer, _, _ []byte) {
	const foot = `"}]}`
	length := max(0, l.settings.Answer-answer.Len()-1-len(foot))
	answer.WriteByte('"')
	answer.Write(bytes.Repeat([]byte("x"), length))
	answer.WriteByte('"')
}
