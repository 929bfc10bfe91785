package wire_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"meridian/internal/wire"
	"meridian/internal/wire/wiretest"
)

// A network is where servers listen, in memory, and where pools and proxies dial. A nil
// network is the loopback interface. In a bubble nothing on a network in memory is late
// because the machine is busy: neither ConnectTimeout ends, nor the 50 ms that net/http
// waits for the end of a write before it uses a connection again.
type network struct {
	listeners sync.Map // by address
	last      atomic.Int64
}

// listen returns a listener with an address of its own.
func (n *network) listen(t *testing.T) net.Listener {
	t.Helper()
	if n == nil {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := wiretest.Listen("127.0.0.1:" + strconv.FormatInt(n.last.Add(1), 10))
	n.listeners.Store(l.Addr().String(), l)
	return l
}

// dial connects to a listener.
func (n *network) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if n == nil {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	l, ok := n.listeners.Load(address)
	if !ok {
		return nil, syscall.ECONNREFUSED
	}
	return l.(*wiretest.Listener).Dial(ctx, network, address) //nolint:forcetypeassert // listen stored it
}

// A server counts connections.
type server struct {
	*httptest.Server
	network           *network
	total, open, peak atomic.Int64
	requests          atomic.Int64
}

// newServer starts a server on the loopback interface. Over TLS it speaks HTTP/2 when it may.
func newServer(
	t *testing.T, secure, http2 bool, handler http.HandlerFunc, configure ...func(*http.Server),
) *server {
	t.Helper()
	return (*network)(nil).newServer(t, secure, http2, handler, configure...)
}

// newServer is newServer on a network.
func (n *network) newServer(
	t *testing.T, secure, http2 bool, handler http.HandlerFunc, configure ...func(*http.Server),
) *server {
	t.Helper()
	s := &server{network: n}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		handler(w, r)
	}))
	s.EnableHTTP2 = http2
	for _, c := range configure {
		c(s.Config)
	}
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			s.total.Add(1)
			now := s.open.Add(1)
			for peak := s.peak.Load(); now > peak && !s.peak.CompareAndSwap(peak, now); {
				peak = s.peak.Load()
			}
		case http.StateClosed, http.StateHijacked:
			s.open.Add(-1)
		case http.StateActive, http.StateIdle:
		}
	}
	_ = s.Listener.Close()
	s.Listener = n.listen(t)
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(func() {
		s.Close()
		if n != nil {
			time.Sleep(time.Hour) // until the connections have ended
		}
	})
	return s
}

// pool returns a Pool that trusts the servers, and that configure may change.
func (s *server) pool(t *testing.T, configure func(*wire.Config), others ...*server) *wire.Pool {
	t.Helper()
	roots := x509.NewCertPool()
	for _, s := range append(others, s) {
		if c := s.Certificate(); c != nil {
			roots.AddCert(c)
		}
	}
	cfg := wire.Config{TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	if s.network != nil {
		cfg.Dial = s.network.dial
	}
	if configure != nil {
		configure(&cfg)
	}
	p := wire.New(cfg)
	t.Cleanup(p.Close)
	return p
}

// Where the server speaks HTTP/1.1, a connection takes one call, there are no
// more than MaxConns, and the next calls use them again.
func TestHTTP1(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		secure bool
	}{{"over TLS", true}, {"plain", false}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := new(network).newServer(t, test.secure, false, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					_, _ = io.WriteString(w, r.Proto)
				})
				p := s.pool(t, func(cfg *wire.Config) { cfg.MaxConns = 7 })
				for range 3 {
					callsAt(t, p, s.URL, 100)
				}
				if total := s.total.Load(); total > 7 {
					t.Errorf("%d connections, want at most 7", total)
				}
				if got := s.requests.Load(); got != 300 {
					t.Errorf("%d requests for 300 calls", got)
				}
			})
		})
	}
}

// MaxConns holds for all endpoints together: an idle connection to one makes
// room for another's.
func TestMaxConnsOverManyEndpoints(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := new(network)
		p := wire.New(wire.Config{Dial: n.dial, MaxConns: 2})
		t.Cleanup(p.Close)
		var servers []*server
		for range 4 {
			servers = append(servers, n.newServer(t, false, false, func(http.ResponseWriter, *http.Request) {}))
		}
		var done sync.WaitGroup
		for _, s := range servers {
			done.Go(func() { callsAt(t, p, s.URL, 50) })
		}
		done.Wait()
	})
}

// A real server's limit is kept, also by a burst that comes before it is known.
func TestARealServersStreams(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ streams, calls, wantConns int }{
		{1, 50, 50}, {100, 300, 3}, {250, 300, 3},
	} {
		t.Run(strconv.Itoa(test.streams), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var arrived sync.WaitGroup
				arrived.Add(test.calls)
				s := new(network).newServer(t, true, true, func(_ http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					arrived.Done()
					arrived.Wait() // until all of them are here at once
				}, func(c *http.Server) { c.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: test.streams} })
				p := s.pool(t, nil)
				callsAt(t, p, s.URL, test.calls)
				if conns, requests := s.total.Load(), s.requests.Load(); conns != int64(test.wantConns) || requests != int64(test.calls) {
					t.Errorf("%d calls took %d connections and %d requests, want %d and as many requests",
						test.calls, conns, requests, test.wantConns)
				}
			})
		})
	}
}

// net/http's own server ends a connection by GOAWAY when asked to.
func TestGoAwayOfARealServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		s := new(network).newServer(t, true, true, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if n.Add(1)%20 == 0 {
				w.Header().Set("Connection", "close")
			}
		})
		p := s.pool(t, nil)
		for range 10 {
			callsAt(t, p, s.URL, 50)
		}
		if got := s.requests.Load(); got != 500 {
			t.Errorf("%d requests for 500 calls", got)
		}
	})
}

// An IPv6 address is in brackets wherever it has a port, and the server's certificate
// must be for it.
func TestAnAddressOfIPv6(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(network).newServer(t, true, true, func(http.ResponseWriter, *http.Request) {})
		for _, test := range []struct {
			url, want string
			wrong     bool
		}{
			{"https://[::1]/", "[::1]:443", false},
			{"https://[::1]:8443/", "[::1]:8443", false},
			{"https://[::2]:8443/", "[::2]:8443", true},
		} {
			p := s.pool(t, func(cfg *wire.Config) {
				cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					if address != test.want {
						t.Errorf("%s: dialled %s, want %s", test.url, address, test.want)
					}
					return s.network.dial(ctx, network, s.Listener.Addr().String())
				}
			})
			err := callAt(t.Context(), t, p, test.url)
			if _, wrong := errors.AsType[x509.HostnameError](err); wrong != test.wrong || err != nil && !wrong {
				t.Errorf("RoundTrip(%s) = %v, want another host's certificate %t", test.url, err, test.wrong)
			}
		}
	})
}

// Early hints and trailers are not taken for the answer. The pool asks for no
// compression, and does not decompress.
func TestAnswersWithHintsAndTrailers(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := new(network).newServer(t, true, http2, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if got := r.Header.Get("Accept-Encoding"); got != "" {
					t.Errorf("asked for an answer in %s, want none", got)
				}
				for range 3 {
					w.WriteHeader(http.StatusEarlyHints)
				}
				w.Header().Set("Content-Encoding", "gzip")
				w.Header().Set("Trailer", "X-Last")
				_, _ = io.WriteString(w, "the answer")
				w.Header().Set("X-Last", "trailer")
			})
			p := s.pool(t, nil)
			for want := int64(1); want <= 2; want++ {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, strings.NewReader("{}"))
				if err != nil {
					t.Fatal(err)
				}
				response, err := p.RoundTrip(r)
				if err != nil {
					t.Fatalf("HTTP/2 %t: RoundTrip = %v, want success", http2, err)
				}
				text, err := io.ReadAll(response.Body)
				_ = response.Body.Close()
				if err != nil || response.StatusCode != http.StatusOK || string(text) != "the answer" || response.Trailer.Get("X-Last") != "trailer" {
					t.Errorf("HTTP/2 %t: answer %d %q %v, %v", http2, response.StatusCode, text, response.Trailer, err)
				}
				if s.total.Load() != 1 || s.requests.Load() != want {
					t.Errorf("HTTP/2 %t: %d connections and %d requests, want 1 and %d", http2, s.total.Load(), s.requests.Load(), want)
				}
			}
		})
	}
}

// An answer's headers and its hints take at most 64 KiB. The request has been answered, so
// the call is not made again.
func TestAnAnswersHeadersAreBounded(t *testing.T) {
	t.Parallel()
	set := func(h http.Header, bytes int) {
		for i := range bytes / 1024 {
			h.Set("X-"+strconv.Itoa(1000+i), strings.Repeat("x", 1000))
		}
	}
	for _, test := range []struct {
		name   string
		answer func(w http.ResponseWriter, bytes int)
	}{
		{"headers", func(w http.ResponseWriter, bytes int) { set(w.Header(), bytes) }},
		{"hints", func(w http.ResponseWriter, bytes int) {
			set(w.Header(), bytes)
			w.WriteHeader(http.StatusEarlyHints)
			clear(w.Header())
		}},
	} {
		for _, http2 := range []bool{false, true} {
			for bytes, fits := range map[int]bool{50 << 10: true, 80 << 10: false, 10 << 20: false} {
				t.Run(test.name+" of "+strconv.Itoa(bytes)+" bytes, HTTP/2 "+strconv.FormatBool(http2), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						s := new(network).newServer(t, true, http2, func(w http.ResponseWriter, r *http.Request) {
							_, _ = io.Copy(io.Discard, r.Body)
							test.answer(w, bytes)
							_, _ = io.WriteString(w, "the answer")
						}, func(s *http.Server) { s.ErrorLog = log.New(io.Discard, "", 0) })
						err := callAt(t.Context(), t, s.pool(t, nil), s.URL)
						if fits != (err == nil) || s.requests.Load() != 1 {
							t.Fatalf("RoundTrip = %v after %d requests, want success %t after 1", err, s.requests.Load(), fits)
						}
						if !fits {
							wantLost(t, err, true)
						}
					})
				})
			}
		}
	}
}

// Over HTTP/1.1 a server may end a connection with each answer, and a caller may end
// it in the middle of one: the next calls take other connections, and none is lost.
func TestConnectionsThatEndWithTheirAnswer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name         string
		close, whole bool
	}{{"the server", true, true}, {"the caller", false, false}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, false, false, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if test.close {
					w.Header().Set("Connection", "close")
				}
				_, _ = w.Write(make([]byte, 100_000))
			})
			p := s.pool(t, func(cfg *wire.Config) { cfg.MaxConns = 3 })
			const calls = 300
			var done sync.WaitGroup
			for range calls {
				done.Go(func() {
					r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, strings.NewReader("{}"))
					if err != nil {
						t.Error(err)
						return
					}
					response, err := p.RoundTrip(r)
					if err != nil {
						t.Errorf("RoundTrip = %v, want success", err)
						return
					}
					if test.whole {
						_, err = io.Copy(io.Discard, response.Body)
					} else {
						_, err = io.ReadFull(response.Body, make([]byte, 10))
					}
					if err := errors.Join(err, response.Body.Close()); err != nil {
						t.Error(err)
					}
				})
			}
			done.Wait()
			if got, total := s.requests.Load(), s.total.Load(); got != calls || test.close && total != calls {
				t.Errorf("%d connections and %d requests for %d calls", total, got, calls)
			}
		})
	}
}

// Nothing is sent to a server without a trusted certificate, or without TLS.
func TestAHandshakeThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := new(network)
		p := wire.New(wire.Config{Dial: n.dial})
		t.Cleanup(p.Close)
		for _, secure := range []bool{true, false} {
			s := n.newServer(t, secure, true, func(http.ResponseWriter, *http.Request) {})
			for range 3 {
				err := callAt(t.Context(), t, p, strings.Replace(s.URL, "http:", "https:", 1))
				_, unconnected := errors.AsType[*wire.ConnectError](err)
				_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
				if _, plain := errors.AsType[tls.RecordHeaderError](err); !unconnected || unknown != secure || plain == secure {
					t.Errorf("RoundTrip = %v, want a ConnectError for the server's certificate, %t, or its plain HTTP", err, secure)
				}
			}
			if got := s.requests.Load(); got != 0 {
				t.Errorf("%d requests, want none", got)
			}
		}
	})
}

// newProxy starts a proxy, over TLS or not, that asks for a name and a password. Its
// answers to CONNECT have the header lines given.
func (n *network) newProxy(t *testing.T, secure bool, header ...string) (*server, *url.URL) {
	t.Helper()
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("user:secret"))
	s := n.newServer(t, secure, false, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != want {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		if r.Method != http.MethodConnect { // absolute form
			_, _ = io.WriteString(w, "for "+r.URL.String())
			return
		}
		there, err := n.dial(r.Context(), "tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		here, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(here, strings.Join(append([]string{"HTTP/1.1 200 OK"}, header...), "\r\n")+"\r\n\r\n")
		go relay(there, buffered.Reader)
		relay(here, bufio.NewReader(there))
	})
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("user", "secret")
	return s, u
}

func relay(to net.Conn, from *bufio.Reader) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
}

// A proxy is asked for a tunnel, through which HTTP/2 is spoken.
func TestProxy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := new(network)
		proxy, u := n.newProxy(t, false)
		var protocol atomic.Value
		s := n.newServer(t, true, true, func(_ http.ResponseWriter, r *http.Request) { protocol.Store(r.Proto) })
		p := s.pool(t, func(cfg *wire.Config) { cfg.Proxy = http.ProxyURL(u) })
		callsAt(t, p, s.URL, 50)
		if protocol.Load() != "HTTP/2.0" || proxy.requests.Load() != 1 || s.total.Load() != 1 {
			t.Errorf("%v over %d tunnels and %d connections, want HTTP/2.0 over one", protocol.Load(), proxy.requests.Load(), s.total.Load())
		}
		// Plain HTTP is the proxy's to forward.
		callsAt(t, p, "http://lambda.test/", 1)
	})
}

// The proxy may speak TLS, with the certificates of the pool, both for a tunnel and to
// forward plain HTTP.
func TestProxyOverTLS(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := new(network)
		proxy, u := n.newProxy(t, true)
		s := n.newServer(t, true, true, func(http.ResponseWriter, *http.Request) {})
		p := s.pool(t, func(cfg *wire.Config) { cfg.Proxy = http.ProxyURL(u) }, proxy)
		callsAt(t, p, s.URL, 50)
		callsAt(t, p, "http://lambda.test/", 1)
		if got := s.total.Load(); got != 1 || proxy.requests.Load() != 2 {
			t.Errorf("%d connections and %d requests of the proxy, want 1 and 2", got, proxy.requests.Load())
		}
		p = wire.New(wire.Config{Dial: n.dial, Proxy: http.ProxyURL(u)})
		t.Cleanup(p.Close)
		err := callAt(t.Context(), t, p, s.URL)
		if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); !unknown || !strings.Contains(err.Error(), "proxy "+u.Host+": ") {
			t.Errorf("RoundTrip = %v, want an unknown authority of proxy %s", err, u.Host)
		}
	})
}

// A server that speaks before it is asked, as one of another protocol does, has served
// nothing: a request moves from it only a few times.
func TestAServerOfAnotherProtocol(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(nc, "220 mail.test ESMTP\r\n")
			_ = nc.Close()
		}
	}()
	p := wire.New(wire.Config{})
	t.Cleanup(p.Close)
	for range 300 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+l.Addr().String(), strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		tries := 0
		response, err := p.Send(r.Context(), r, func(*http.Request) error { tries++; return nil })
		if err == nil {
			_ = response.Body.Close()
		}
		if err == nil || tries > 5 {
			t.Fatalf("Send = %v after %d tries, want an error after at most 5", err, tries)
		}
	}
}

// The proxy is chosen by the whole address, as NO_PROXY may name a port.
func TestProxyIsChosenByAddress(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := new(network).newServer(t, secure, false, func(http.ResponseWriter, *http.Request) {})
			p := s.pool(t, func(cfg *wire.Config) {
				cfg.Proxy = func(r *http.Request) (*url.URL, error) {
					if r.URL.String() != s.URL {
						t.Errorf("Proxy was asked for %s, want %s", r.URL, s.URL)
					}
					return nil, nil //nolint:nilnil // no proxy
				}
			})
			callsAt(t, p, s.URL, 1)
		})
	}
}

// A tunnel begins after the header of the proxy's answer, whatever it says of a body.
func TestProxyThatAnnouncesABody(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"Content-Length: 5", "Transfer-Encoding: chunked"} {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := new(network)
				proxy, u := n.newProxy(t, false, header)
				s := n.newServer(t, true, true, func(http.ResponseWriter, *http.Request) {})
				p := s.pool(t, func(cfg *wire.Config) { cfg.Proxy = http.ProxyURL(u) })
				callsAt(t, p, s.URL, 5)
				if got := proxy.requests.Load(); got != 1 {
					t.Errorf("%d tunnels, want 1", got)
				}
			})
		})
	}
}

// What a proxy refuses has not been sent.
func TestProxyRefuses(t *testing.T) {
	t.Parallel()
	_, u := (*network)(nil).newProxy(t, false)
	for _, test := range []struct{ name, proxy, want string }{
		{"wrong password", strings.Replace(u.String(), "secret", "guess", 1), "proxy " + u.Host + ": 407 Proxy Authentication Required"},
		{"no way", u.String(), "proxy " + u.Host + ": 502 Bad Gateway"},
		{"unknown kind", "socks4://127.0.0.1:1", "proxy socks4://127.0.0.1:1: want an http, https, socks5 or socks5h URL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(test.proxy)
			if err != nil {
				t.Fatal(err)
			}
			p := wire.New(wire.Config{Proxy: http.ProxyURL(u)})
			t.Cleanup(p.Close)
			err = callAt(t.Context(), t, p, "https://127.0.0.1:1")
			if want := "connect to 127.0.0.1:1: " + test.want; err == nil || err.Error() != want {
				t.Errorf("RoundTrip = %v, want %s", err, want)
			}
		})
	}
}

// A proxy's address that is no URL is not repeated: it may have a password.
func TestAProxysAddressThatIsNoURLIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"https://127.0.0.1:1", "http://127.0.0.1:1"} {
		p := wire.New(wire.Config{Proxy: func(*http.Request) (*url.URL, error) {
			return nil, errors.New(`parse "https://user:hunter2@localhost:hunter2": invalid port ":hunter2" after host`)
		}})
		t.Cleanup(p.Close)
		err := callAt(t.Context(), t, p, endpoint)
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "set HTTPS_PROXY or HTTP_PROXY") {
			t.Errorf("RoundTrip to %s = %v, want an error that says what to set, without the password", endpoint, err)
		}
	}
}

// A ledger says how often each call ran.
type ledger struct {
	mu  sync.Mutex
	ran map[string]int
}

// A connKey leads from a request to the server's end of its connection.
type connKey struct{}

// run runs a call, and ends it as its header says.
func (l *ledger) run(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	l.mu.Lock()
	l.ran[r.Header.Get("Call")]++
	l.mu.Unlock()
	switch r.Header.Get("End") {
	case "goaway":
		w.Header().Set("Connection", "close")
	case "reset":
		panic(http.ErrAbortHandler)
	case "cut":
		_ = r.Context().Value(connKey{}).(net.Conn).Close() //nolint:forcetypeassert // ConnContext puts it there
	case "slow":
		select {
		case <-r.Context().Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	_, _ = w.Write(make([]byte, 100))
}

// Whatever net/http's server does, each call runs at most once, one that succeeds
// ran, and one that is called unsent did not.
func TestWhateverARealServerDoesACallRunsAtMostOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		http2 := rapid.Bool().Draw(rt, "HTTP/2")
		streams := rapid.IntRange(1, 120).Draw(rt, "streams")
		maxConns := rapid.IntRange(1, 20).Draw(rt, "connections")
		ends := rapid.SliceOfN(rapid.SampledFrom([]string{"", "", "", "goaway", "reset", "cut", "slow", "given up"}), 1, 150).Draw(rt, "ends")
		l := &ledger{ran: map[string]int{}}
		s := newServer(t, true, http2, l.run, func(c *http.Server) {
			c.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: streams}
			c.ConnContext = func(ctx context.Context, nc net.Conn) context.Context {
				return context.WithValue(ctx, connKey{}, nc)
			}
		})
		p := s.pool(t, func(cfg *wire.Config) { cfg.MaxConns = maxConns })
		errs := make([]error, len(ends))
		var done sync.WaitGroup
		for i, end := range ends {
			done.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, strings.NewReader(strings.Repeat("x", i*100)))
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("Call", strconv.Itoa(i))
				r.Header.Set("End", end)
				if end == "given up" {
					go cancel()
				}
				errs[i] = send(p, r)
			})
		}
		done.Wait()
		p.Close()
		s.Close() // with the calls that were given up
		l.mu.Lock()
		defer l.mu.Unlock()
		for i, err := range errs {
			lost, ok := errors.AsType[*wire.LostError](err)
			switch ran := l.ran[strconv.Itoa(i)]; {
			case ran > 1, err == nil && ran == 0, ok && !lost.Sent && ran > 0:
				rt.Errorf("call %d (%q) ran %d times and ended with %v", i, ends[i], ran, err)
			case (ends[i] == "" || ends[i] == "slow" || ends[i] == "goaway") && ok && !lost.Sent:
				rt.Errorf("call %d (%q) was not sent: %v", i, ends[i], err)
			}
		}
	})
}

// A run leaves nothing behind but its connections, which the next one uses.
func TestManyRunsLeakNothing(t *testing.T) { //nolint:paralleltest // it counts goroutines
	const runs = 2000
	s := newServer(t, true, true, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	p := s.pool(t, nil)
	for i := range runs {
		p.Prepare(u, 3)
		ctx, cancel := context.WithCancel(t.Context())
		if i%100 == 99 {
			go cancel() // some calls are given up
		}
		if err := callAt(ctx, t, p, s.URL); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("run %d: RoundTrip = %v, want success", i, err)
		}
		cancel()
	}
	// A call that is given up as it begins may cost a connection.
	if total := s.total.Load(); total > 1+runs/100 {
		t.Errorf("%d runs took %d connections, want 1, and at most 1 more for each call that was given up", runs, total)
	}
	p.Close()
	until(func() bool { return s.open.Load() == 0 })
	if open := s.open.Load(); open != 0 {
		t.Errorf("%d connections are open after Close, want none", open)
	}
	s.Close()
	until(func() bool { return runtime.NumGoroutine() <= before })
	if got := runtime.NumGoroutine(); got > before {
		buffer := make([]byte, 1<<16)
		t.Errorf("%d goroutines after %d runs, %d before\n%s", got, runs, before, buffer[:runtime.Stack(buffer, true)])
	}
}

// until waits until something has arrived, or for ten seconds.
func until(arrived func() bool) {
	for begin := time.Now(); !arrived() && time.Since(begin) < 10*time.Second; {
		runtime.Gosched()
	}
}
