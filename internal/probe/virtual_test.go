package probe_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/probe"
	"meridian/internal/wire/wiretest"
)

// A world is a simulated network. In a bubble its delays are virtual, and exact.
type world struct {
	resolve time.Duration
	ways    map[string]way // by address and port
}

// A way dials an address.
type way func(ctx context.Context) (net.Conn, error)

// settings returns settings for a Prober in the world, where every name has the
// addresses.
func (w world) settings(roots *authority, list ...string) probe.Settings {
	return probe.Settings{
		Roots: roots.roots,
		Resolver: resolver(func(ctx context.Context) ([]netip.Addr, error) {
			return addresses(list...), wait(ctx, w.resolve)
		}),
		Dial: func(ctx context.Context, _, address string) (net.Conn, error) { return w.ways[address](ctx) },
	}
}

// resolver is a function that looks up names.
type resolver func(ctx context.Context) ([]netip.Addr, error)

// LookupNetIP implements probe.Resolver.
func (r resolver) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) { return r(ctx) }

// wait returns after d, or when ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// serving dials a server that takes a time to accept.
func serving(t *testing.T, accept time.Duration, config *tls.Config, h http.Handler) way {
	t.Helper()
	l := wiretest.Listen("server.example")
	s := &http.Server{Handler: h, TLSConfig: config, ErrorLog: log.New(io.Discard, "", 0)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if config == nil {
			_ = s.Serve(l)
		} else {
			_ = s.ServeTLS(l, "", "")
		}
	}()
	t.Cleanup(func() { _ = s.Close(); <-ended })
	return func(ctx context.Context) (net.Conn, error) {
		if err := wait(ctx, accept); err != nil {
			return nil, err
		}
		conn, err := l.Dial(ctx, "", "")
		if err != nil {
			return nil, err
		}
		return buffered(conn), nil
	}
}

// A bufferedConn is an end of a pipe to which writing does not wait for a reader. Closing
// it drops what has not been read.
type bufferedConn struct {
	net.Conn
	unread chan []byte
	closed chan struct{}
	close  func()
}

func buffered(conn net.Conn) *bufferedConn {
	closed := make(chan struct{})
	c := &bufferedConn{conn, make(chan []byte, 1000), closed, sync.OnceFunc(func() { close(closed) })}
	go func() {
		for {
			select {
			case p := <-c.unread:
				_, _ = conn.Write(p)
			case <-closed:
				return
			}
		}
	}()
	return c
}

// Write implements net.Conn.
func (c *bufferedConn) Write(p []byte) (int, error) {
	select {
	case c.unread <- bytes.Clone(p):
		return len(p), nil
	case <-c.closed:
		return 0, net.ErrClosed
	}
}

// Close implements net.Conn.
func (c *bufferedConn) Close() error {
	c.close()
	return c.Conn.Close()
}

// answering sleeps before the headers, and before the body.
func answering(first, body time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(first)
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		time.Sleep(body)
		_, _ = io.WriteString(w, "healthy")
	})
}

func TestEachPhaseIsExact(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	tests := []struct {
		name                                    string
		resolve, accept, handshake, first, body time.Duration
		protocols                               []string
	}{
		{"HTTP/1.1", 5 * ms, 20 * ms, 80 * ms, 5 * ms, 0, []string{"http/1.1"}},
		{"HTTP/2", 80 * ms, 5 * ms, 20 * ms, 80 * ms, 0, []string{"h2"}},
		{"a body that is not waited for", 20 * ms, 80 * ms, 5 * ms, 20 * ms, 33 * ms, nil},
		{"nothing takes any time", 0, 0, 0, 0, 0, nil},
		{"plain HTTP", 5 * ms, 20 * ms, 0, 80 * ms, 0, []string{"plain"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ca := newAuthority(t)
				config, address := ca.issue(t, time.Hour, name), "1.2.3.4:443"
				config.NextProtos = tt.protocols
				config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
					time.Sleep(tt.handshake)
					return nil, nil //nolint:nilnil // as it is
				}
				request := get(t, "https://"+name+"/")
				if tt.name == "plain HTTP" {
					config, address, request = nil, "1.2.3.4:80", get(t, "http://"+name+"/")
				}
				w := world{tt.resolve, map[string]way{
					address: serving(t, tt.accept, config, answering(tt.first, tt.body)),
				}}
				s, err := probe.New(w.settings(ca, "1.2.3.4")).Probe(t.Context(), request)
				if err != nil {
					t.Fatalf("Probe = %v", err)
				}
				want := probe.Phases{
					Resolve: tt.resolve, Connect: tt.accept, TLS: tt.handshake, FirstByte: tt.first,
					Total: tt.resolve + tt.accept + tt.handshake + tt.first,
				}
				if diff := cmp.Diff(want, s.Phases); diff != "" {
					t.Errorf("Probe's phases (-want +got):\n%s", diff)
				}
				time.Sleep(tt.body) // let the server end, so that the bubble can
			})
		})
	}
}

// never dials an address that does not answer.
func never(ctx context.Context) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// refusing dials a closed port.
func refusing(context.Context) (net.Conn, error) {
	return nil, &net.OpError{Op: "dial", Err: errRefused}
}

var errRefused = errors.New("connection refused")

func TestAnAddressThatDoesNotAcceptLeavesTimeForTheNext(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		addresses []string
		want      string // the address, or the error
		connect   time.Duration
	}{
		{"the first", []string{"1.0.0.2"}, "1.0.0.2", 20 * time.Millisecond},
		{"after one that refuses", []string{"1.0.0.1", "1.0.0.2"}, "1.0.0.2", 20 * time.Millisecond},
		{"after a silent one", []string{"1.0.0.0", "1.0.0.2"}, "1.0.0.2", 1520 * time.Millisecond},
		{"after two silent ones", []string{"1.0.0.0", "1.0.0.0", "1.0.0.2"}, "1.0.0.2", 2020 * time.Millisecond},
		{"no more than three", []string{"1.0.0.1", "1.0.0.1", "1.0.0.1", "1.0.0.2"}, "connect to server.example: 1.0.0.1: connection refused", 0},
		{"the other family second", []string{"2600::1", "2600::2", "2600::3", "1.0.0.2"}, "1.0.0.2", 20 * time.Millisecond},
		{"silent", []string{"1.0.0.0"}, "connect to server.example: not done within 3s", 3 * time.Second},
		{"all silent", []string{"1.0.0.0", "1.0.0.0"}, "connect to server.example: not done within 3s", 3 * time.Second},
		{"none", nil, "resolve server.example: it has no address", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ca := newAuthority(t)
				w := world{0, map[string]way{
					"1.0.0.0:443": never, "1.0.0.1:443": refusing, "[2600::1]:443": refusing, "[2600::2]:443": refusing,
					"1.0.0.2:443": serving(t, 20*time.Millisecond, ca.issue(t, time.Hour, name), answering(0, 0)),
				}}
				begin := time.Now()
				s, err := probe.New(w.settings(ca, tt.addresses...)).Probe(t.Context(), get(t, "https://"+name))
				took, got := time.Since(begin), s.Address.String()
				if err != nil {
					got = err.Error()
				}
				if got != tt.want || took != tt.connect {
					t.Errorf("Probe = %s after %v; want %s after %v", got, took, tt.want, tt.connect)
				}
			})
		})
	}
}

// trickling writes a byte each second.
func trickling(conn net.Conn, text string) {
	for i := range len(text) {
		if _, err := conn.Write([]byte(text[i : i+1])); err != nil {
			return
		}
		time.Sleep(time.Second)
	}
}

// speaking dials a TLS server that answers a request with what speak writes.
func speaking(config *tls.Config, speak func(net.Conn)) way {
	return func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			conn := tls.Server(far, config)
			defer func() { _ = far.Close() }()
			if _, err := conn.Read(make([]byte, 4096)); err == nil {
				go func() { _, _ = io.Copy(io.Discard, far) }()
				speak(conn)
			}
		}()
		return near, nil
	}
}

// A phase that takes too long fails. If the attempt times out first, the error is that
// timeout and names the phase.
func TestWhateverTheOtherSideDoesAProbeEndsInTime(t *testing.T) {
	t.Parallel()
	silent := func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, far) }()
		return near, nil
	}
	const header = "HTTP/1.1 200 OK\r\nX-Long: very long\r\n"
	tests := []struct {
		name    string
		resolve time.Duration
		dial    func(*tls.Config) way
		error   string
		text    string
		after   time.Duration
	}{
		{"resolver silent", time.Hour, nil, probe.ErrorDNS, "resolve server.example: not done within 6s", 6 * time.Second},
		{
			"dropped packets", 0, func(*tls.Config) way { return never },
			probe.ErrorConnect, "connect to server.example: not done within 3s", 3 * time.Second,
		},
		{
			"half-open", 0, func(*tls.Config) way { return silent },
			probe.ErrorTLS, "TLS handshake with server.example: not done within 5s", 5 * time.Second,
		},
		{
			"no answer", 0, func(c *tls.Config) way {
				return speaking(c, func(net.Conn) { time.Sleep(time.Hour) })
			},
			probe.ErrorHTTP, "GET to server.example: not done within 10s", 10 * time.Second,
		},
		{
			"slow trickle of headers", 0, func(c *tls.Config) way {
				return speaking(c, func(conn net.Conn) { trickling(conn, header) })
			},
			probe.ErrorHTTP, "GET to server.example: not done within 10s", 10 * time.Second,
		},
	}
	for _, tt := range tests {
		for _, within := range []time.Duration{time.Second, time.Minute} {
			t.Run(tt.name+" within "+within.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ca := newAuthority(t)
					w := world{resolve: tt.resolve}
					if tt.dial != nil {
						w.ways = map[string]way{"1.2.3.4:443": tt.dial(ca.issue(t, time.Hour, name))}
					}
					ctx, cancel := context.WithTimeoutCause(t.Context(), within, errAttempt)
					defer cancel()
					begin := time.Now()
					_, err := probe.New(w.settings(ca, "1.2.3.4")).Probe(ctx, get(t, "https://"+name))
					took := time.Since(begin)
					e, named := errors.AsType[*probe.Error](err)
					switch {
					case within == time.Second && (named || !errors.Is(err, errAttempt) || took != within):
						t.Errorf("Probe = %v after %v, want %v after %v", err, took, errAttempt, within)
					case within == time.Minute && (!named || e.ErrorName() != tt.error || err.Error() != tt.text || took != tt.after):
						t.Errorf("Probe = %v after %v, want %s: %s after %v", err, took, tt.error, tt.text, tt.after)
					}
					time.Sleep(2 * time.Hour) // let the servers end, so that the bubble can
				})
			})
		}
	}
}

var errAttempt = errors.New("attempt timed out")

// A sample waits for a slot before its first phase.
func TestAtMostMaxOpenSamplesRunAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ca := newAuthority(t)
		w := world{time.Second, map[string]way{
			"1.2.3.4:80": serving(t, 20*time.Millisecond, nil, answering(0, 0)),
		}}
		settings := w.settings(ca, "1.2.3.4")
		var running atomic.Int64
		settings.Resolver = resolver(func(ctx context.Context) ([]netip.Addr, error) {
			running.Add(1)
			defer running.Add(-1)
			return addresses("1.2.3.4"), wait(ctx, time.Second)
		})
		p := probe.New(settings)
		const more = 10
		waited := make(chan time.Duration, probe.MaxOpen+more)
		for range cap(waited) {
			go func() {
				s, err := p.Probe(t.Context(), get(t, "http://"+name))
				if err != nil || s.Phases.Total != 1020*time.Millisecond {
					t.Errorf("Probe = %v, %v; want a total of 1.02s", s.Phases, err)
				}
				waited <- s.Waited
			}()
		}
		synctest.Wait()
		if n := running.Load(); n != probe.MaxOpen {
			t.Errorf("%d samples are running, want %d", n, probe.MaxOpen)
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, errAttempt)
		defer cancel()
		if _, err := p.Probe(ctx, get(t, "http://"+name)); !errors.Is(err, errAttempt) {
			t.Errorf("Probe = %v, want %v", err, errAttempt)
		}
		got := map[time.Duration]int{}
		for range cap(waited) {
			got[<-waited]++
		}
		want := map[time.Duration]int{0: probe.MaxOpen, 1020 * time.Millisecond: more}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("samples by waiting time (-want +got):\n%s", diff)
		}
	})
}
