package probe_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/probe"
)

// prober returns a Prober that allows the loopback and trusts the authority.
func prober(a *authority, n names) *probe.Prober {
	return probe.New(probe.Settings{Allow: loopback(), Ports: highPorts(), Roots: a.roots, Resolver: n})
}

// both resolves the name to an address of each family.
func both() names { return names{name: addresses("::1", "127.0.0.1")} }

func healthy(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "healthy") }

func TestASampleDescribesTheAnswer(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	const days = 90 * 24 * time.Hour
	secured := &probe.TLS{Version: "TLS 1.3", Issuer: "Test CA"} // crypto/tls chooses the cipher
	tests := []struct {
		name, address, url, method string
		config                     func(*tls.Config)
		plain                      bool
		want                       probe.Sample
	}{
		{
			name: "HTTP/2 over IPv4", address: "127.0.0.1", url: "https://server.example:PORT/ping",
			want: probe.Sample{Host: name, Status: 200, Protocol: "HTTP/2.0", TLS: secured},
		},
		{
			name: "over IPv6", address: "::1", url: "https://server.example:PORT/ping",
			want: probe.Sample{Host: name, Status: 200, Protocol: "HTTP/2.0", TLS: secured},
		},
		{
			name: "HTTP/1.1", address: "127.0.0.1", url: "https://server.example:PORT/ping",
			config: func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} },
			want:   probe.Sample{Host: name, Status: 200, Protocol: "HTTP/1.1", TLS: secured},
		},
		{
			name: "TLS 1.2", address: "127.0.0.1", url: "https://server.example:PORT/missing",
			config: func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 },
			want:   probe.Sample{Host: name, Status: 404, Protocol: "HTTP/2.0", TLS: &probe.TLS{Version: "TLS 1.2", Issuer: "Test CA"}},
		},
		{
			name: "HEAD", address: "127.0.0.1", url: "https://server.example:PORT/head", method: "HEAD",
			want: probe.Sample{Host: name, Status: 204, Protocol: "HTTP/2.0", TLS: secured},
		},
		{
			name: "an address", address: "127.0.0.1", url: "https://127.0.0.1:PORT/ping",
			want: probe.Sample{Host: "127.0.0.1", Status: 200, Protocol: "HTTP/2.0", TLS: secured},
		},
		{
			name: "an address of IPv6", address: "::1", url: "https://[::1]:PORT/ping",
			want: probe.Sample{Host: "::1", Status: 200, Protocol: "HTTP/2.0", TLS: secured},
		},
		{
			name: "plain HTTP", address: "127.0.0.1", url: "http://server.example:PORT/ping", plain: true,
			want: probe.Sample{Host: name, Status: 200, Protocol: "HTTP/1.1"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := ca.issue(t, days, name, tt.address)
			if tt.config != nil {
				tt.config(config)
			}
			if tt.plain {
				config = nil
			}
			mux := http.NewServeMux()
			mux.HandleFunc("GET /ping", healthy)
			mux.HandleFunc("HEAD /head", func(w http.ResponseWriter, r *http.Request) {
				if r.UserAgent() == "meridian-probe" && r.Header.Get("Accept-Encoding") == "" {
					w.WriteHeader(http.StatusNoContent)
				}
			})
			request := get(t, strings.Replace(tt.url, "PORT", serve(t, tt.address, config, mux), 1))
			if tt.method != "" {
				request.Method = tt.method
			}
			request.Family = probe.FamilyOf(netip.MustParseAddr(tt.address))
			got, err := prober(ca, both()).Probe(t.Context(), request)
			if err != nil {
				t.Fatalf("Probe(%s) = %v", request.URL, err)
			}
			p := got.Phases
			if sum := p.Resolve + p.Connect + p.TLS + p.FirstByte; p.Connect <= 0 || p.FirstByte <= 0 || sum > p.Total {
				t.Errorf("Probe(%s) took %+v: the phases are more than the total", request.URL, p)
			}
			got.Phases, tt.want.Address = probe.Phases{}, netip.MustParseAddr(tt.address)
			if tt.want.TLS != nil && got.TLS != nil {
				expiring := *tt.want.TLS
				expiring.Expires = ca.certificate.NotAfter // before that of the server's
				tt.want.TLS = &expiring
				if !slices.ContainsFunc(tls.CipherSuites(), func(s *tls.CipherSuite) bool { return s.Name == got.TLS.Cipher }) {
					t.Errorf("Probe(%s) has the cipher %q", request.URL, got.TLS.Cipher)
				}
				got.TLS.Cipher = ""
			}
			if diff := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("Probe(%s) (-want +got):\n%s", request.URL, diff)
			}
		})
	}
}

func TestEachSampleHasAConnectionAndAHandshakeOfItsOwn(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	config := ca.issue(t, time.Hour, name)
	var handshakes, resumed atomic.Int64
	config.VerifyConnection = func(s tls.ConnectionState) error {
		handshakes.Add(1)
		if s.DidResume {
			resumed.Add(1)
		}
		return nil
	}
	p := prober(ca, names{name: addresses("127.0.0.1")})
	request := get(t, "https://"+name+":"+serve(t, "127.0.0.1", config, http.HandlerFunc(healthy)))
	const samples = 5
	for range samples {
		if _, err := p.Probe(t.Context(), request); err != nil {
			t.Fatalf("Probe = %v", err)
		}
	}
	if handshakes.Load() != samples || resumed.Load() != 0 {
		t.Errorf("%d samples made %d handshakes, %d resumed; want one each, none resumed", samples, handshakes.Load(), resumed.Load())
	}
}

// A stage is the environment of a fault.
type stage struct {
	t  *testing.T
	ca *authority

	// stop ends the attempt by its timeout. A server calls it at the point where it
	// hangs.
	stop func()
}

// https serves HTTP, over TLS if there is a configuration, and returns an https URL.
func (s *stage) https(config *tls.Config, h http.HandlerFunc) (url string) {
	s.t.Helper()
	return "https://" + name + ":" + serve(s.t, "127.0.0.1", config, h) + "/"
}

// speaking serves over TLS what speak writes after a request.
func (s *stage) speaking(speak func(net.Conn) (hangUp bool)) (url string) {
	s.t.Helper()
	config := s.ca.issue(s.t, time.Hour, name)
	return "https://" + name + ":" + accept(s.t, func(conn net.Conn) bool {
		secured := tls.Server(conn, config)
		if _, err := http.ReadRequest(bufio.NewReader(secured)); err != nil {
			return true
		}
		return speak(secured)
	}) + "/"
}

// certified speaks a protocol over TLS, and requires a client certificate.
func (s *stage) certified(protocol string) (url string) {
	s.t.Helper()
	config := s.ca.issue(s.t, time.Hour, name)
	config.ClientAuth, config.NextProtos = tls.RequireAnyClientCert, []string{protocol}
	return "https://" + name + ":" + accept(s.t, func(conn net.Conn) bool {
		_ = tls.Server(conn, config).HandshakeContext(s.t.Context())
		return false
	})
}

// A fault is one failure of a server or of the connection to it.
type fault struct {
	name        string
	begin       func(*stage) (url string)
	error, text string

	// is reports whether an error has the right cause, when text leaves it out because
	// its words are the standard library's. Nil means that text has it.
	is func(error) bool
}

func TestAFailureHasTheNameOfItsPhase(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	hello := func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1)) }
	tests := []fault{
		{
			"a name that does not exist", func(*stage) string { return "https://nowhere.example/" },
			probe.ErrorDNS, "resolve nowhere.example: no such host", nil,
		},
		{
			"a name that resolves to a private address", func(*stage) string { return "https://private.example/" },
			probe.ErrorConnect, "connect to private.example: its address is refused: private; the worker's operator can allow it", nil,
		},
		{
			"a closed port", func(s *stage) string {
				return "https://" + name + ":" + closed(s.t) + "/"
			},
			probe.ErrorConnect, "connect to server.example: 127.0.0.1: …", causedBy(syscall.ECONNREFUSED),
		},
		{
			"expired certificate", func(s *stage) string {
				return s.https(s.ca.issue(s.t, -time.Minute, name), healthy)
			},
			probe.ErrorTLS, "TLS handshake with server.example: …", causedByA[x509.CertificateInvalidError](),
		},
		{
			"wrong name", func(s *stage) string {
				return s.https(s.ca.issue(s.t, time.Hour, "other.example"), healthy)
			},
			probe.ErrorTLS, "TLS handshake with server.example: …", causedByA[x509.HostnameError](),
		},
		{
			"unknown authority", func(s *stage) string {
				return s.https(newAuthority(s.t).issue(s.t, time.Hour, name), healthy)
			},
			probe.ErrorTLS, "TLS handshake with server.example: …", causedByA[x509.UnknownAuthorityError](),
		},
		{
			"plain HTTP on the port of https", func(s *stage) string {
				return s.https(nil, healthy)
			},
			probe.ErrorTLS, "TLS handshake with server.example: the answer is plain HTTP; write http://", nil,
		},
		{
			"an answer that is not TLS", func(s *stage) string {
				return "https://" + name + ":" + accept(s.t, func(conn net.Conn) bool {
					_, _ = io.WriteString(conn, "220 mail.internal.example ESMTP secret\r\n")
					return false
				})
			},
			probe.ErrorTLS, "TLS handshake with server.example: the answer is not TLS", nil,
		},
		{
			"reset in handshake", func(s *stage) string {
				return "https://" + name + ":" + accept(s.t, func(conn net.Conn) bool {
					hello(conn)
					_ = conn.(*net.TCPConn).SetLinger(0)
					return true
				})
			},
			probe.ErrorTLS, "TLS handshake with server.example: …", causedBy(syscall.ECONNRESET),
		},
		{
			"a server that requires a client certificate", func(s *stage) string { return s.certified("http/1.1") },
			probe.ErrorTLS, "TLS handshake with server.example: …", nil,
		},
		{
			"a server of HTTP/2 that requires a client certificate", func(s *stage) string { return s.certified("h2") },
			probe.ErrorTLS, "TLS handshake with server.example: …", nil,
		},
		{
			"half-open", func(s *stage) string {
				return "https://" + name + ":" + accept(s.t, func(conn net.Conn) bool {
					hello(conn)
					s.stop()
					return false
				})
			},
			"States.Timeout", "TLS handshake with server.example: attempt timed out", nil,
		},
		{
			"no answer", func(s *stage) string {
				return s.speaking(func(net.Conn) bool { s.stop(); return false })
			},
			"States.Timeout", "GET to server.example: attempt timed out", nil,
		},
		{
			"slow trickle", func(s *stage) string {
				return s.speaking(func(conn net.Conn) bool {
					for _, text := range []string{"H", "T", "T", "P", "/1.1 200 OK\r\n", "X-Slow: y"} {
						_, _ = io.WriteString(conn, text)
					}
					s.stop()
					return false
				})
			},
			"States.Timeout", "GET to server.example: attempt timed out", nil,
		},
		{
			"closed without an answer", func(s *stage) string {
				return s.speaking(func(net.Conn) bool { return true })
			},
			probe.ErrorHTTP, "GET to server.example: the connection was closed before the answer was complete", nil,
		},
		{
			"an answer that is not HTTP", func(s *stage) string {
				return s.speaking(func(conn net.Conn) bool {
					_, _ = io.WriteString(conn, "220 mail.internal.example ESMTP secret\r\n")
					return false
				})
			},
			probe.ErrorHTTP, "GET to server.example: the answer is not HTTP, is cut off, or has headers larger than 64 KiB", nil,
		},
		{
			"huge headers", func(s *stage) string {
				return s.speaking(func(conn net.Conn) bool {
					_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-Huge: "+strings.Repeat("x", 100<<10)+"\r\n\r\n")
					return false
				})
			},
			probe.ErrorHTTP, "GET to server.example: the answer is not HTTP, is cut off, or has headers larger than 64 KiB", nil,
		},
		{
			"a reset by HTTP/2", func(s *stage) string {
				return s.https(s.ca.issue(s.t, time.Hour, name), func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
			},
			probe.ErrorHTTP, "GET to server.example: the server reset the request with HTTP/2 error code 2", nil,
		},
		{
			"huge headers by HTTP/2", func(s *stage) string {
				return s.https(s.ca.issue(s.t, time.Hour, name), func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("X-Huge", strings.Repeat("x", 100<<10))
				})
			},
			probe.ErrorHTTP, "GET to server.example: the server ended HTTP/2, or its answer is not HTTP/2 or has headers larger than 64 KiB", nil,
		},
		{
			"redirect to a metadata address", func(s *stage) string {
				return s.https(s.ca.issue(s.t, time.Hour, name), http.RedirectHandler("http://169.254.169.254/latest/meta-data/", http.StatusFound).ServeHTTP)
			},
			probe.ErrorConnect, "connect to 169.254.169.254: its address is refused: link-local; the worker's operator can allow it", nil,
		},
		{
			"redirect to a name that resolves to a private address", func(s *stage) string {
				return s.https(s.ca.issue(s.t, time.Hour, name), http.RedirectHandler("https://private.example", http.StatusSeeOther).ServeHTTP)
			},
			probe.ErrorConnect, "connect to private.example: its address is refused: private; the worker's operator can allow it", nil,
		},
		{
			"redirect to another port", func(s *stage) string {
				return s.https(s.ca.issue(s.t, time.Hour, name), http.RedirectHandler("http://server.example:25/", http.StatusFound).ServeHTTP)
			},
			probe.ErrorConnect, "connect to server.example: port 25 is refused; the worker's operator can allow it", nil,
		},
		{
			"redirect to a file", func(s *stage) string {
				return s.https(s.ca.issue(s.t, time.Hour, name), http.RedirectHandler("file:///etc/passwd", http.StatusFound).ServeHTTP)
			},
			probe.ErrorHTTP, "follow redirect from server.example: want a URL that begins with https:// or http://", nil,
		},
		{
			"redirect with a user", func(s *stage) string {
				return s.https(s.ca.issue(s.t, time.Hour, name), http.RedirectHandler("https://me:secret@server.example/", http.StatusFound).ServeHTTP)
			},
			probe.ErrorHTTP, "follow redirect from server.example: a user or password in a URL is refused", nil,
		},
		{
			"redirect that cannot be read", func(s *stage) string {
				return s.https(s.ca.issue(s.t, time.Hour, name), func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", "https://%zz")
					w.WriteHeader(http.StatusPermanentRedirect)
				})
			},
			probe.ErrorHTTP, "follow redirect from server.example: the URL cannot be read", nil,
		},
		{
			"redirects without end", func(s *stage) string {
				return s.https(s.ca.issue(s.t, time.Hour, name), http.RedirectHandler("/again", http.StatusTemporaryRedirect).ServeHTTP)
			},
			probe.ErrorHTTP, "follow redirect from server.example: more than 5 redirects", nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			request := get(t, tt.begin(&stage{t, ca, func() { cancel(timeout{}) }}))
			request.FollowRedirects = true
			s, err := prober(ca, names{name: addresses("127.0.0.1"), "private.example": addresses("10.0.0.1")}).Probe(ctx, request)
			if err == nil {
				t.Fatalf("Probe(%s) = %+v, want %s", request.URL, s, tt.error)
			}
			named, ok := errors.AsType[interface {
				error
				ErrorName() string
			}](err)
			if !ok || named.ErrorName() != tt.error || !like(err.Error(), tt.text) {
				t.Errorf("Probe(%s) = %v, want %s: %s", request.URL, err, tt.error, tt.text)
			}
			if tt.is != nil && !tt.is(err) {
				t.Errorf("Probe(%s) = %v, which has another cause", request.URL, err)
			}
			if strings.Contains(fmt.Sprintf("%+v", err), "secret") {
				t.Errorf("Probe(%s) = %+v, which quotes the answer", request.URL, err)
			}
		})
	}
}

func causedBy(errno syscall.Errno) func(error) bool {
	return func(err error) bool { return errors.Is(err, errno) }
}

func causedByA[E error]() func(error) bool {
	return func(err error) bool { _, ok := errors.AsType[E](err); return ok }
}

// timeout is the cause with which the engine ends an attempt.
type timeout struct{}

func (timeout) Error() string { return "attempt timed out" }

func (timeout) ErrorName() string { return "States.Timeout" }

// like reports whether text matches want, in which "…" matches anything.
func like(text, want string) bool {
	for i, part := range strings.Split(want, "…") {
		at := strings.Index(text, part)
		if at < 0 || i == 0 && at > 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return text == "" || strings.HasSuffix(want, "…")
}

func TestRedirectsAreFollowedOnlyOnRequest(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	mux := http.NewServeMux()
	port := serve(t, "127.0.0.1", ca.issue(t, time.Hour, name, "other.example"), mux)
	mux.Handle("server.example/", http.RedirectHandler("https://other.example:"+port+"/a#fragment", http.StatusMovedPermanently))
	mux.Handle("other.example/a", http.RedirectHandler("b?c=d", http.StatusSeeOther))
	mux.HandleFunc("other.example/b", healthy)
	p := prober(ca, names{name: addresses("127.0.0.1"), "other.example": addresses("127.0.0.1")})
	request := get(t, "https://"+name+":"+port)
	for follow, want := range map[bool]probe.Sample{
		false: {Host: name, Status: http.StatusMovedPermanently},
		true:  {Host: "other.example", Status: http.StatusOK, Redirects: 2},
	} {
		request.FollowRedirects = follow
		got, err := p.Probe(t.Context(), request)
		if err != nil || got.Host != want.Host || got.Status != want.Status || got.Redirects != want.Redirects {
			t.Errorf("Probe with FollowRedirects %v = %+v, %v; want %+v", follow, got, err, want)
		}
	}
}

func TestOnlyTheRequestedFamilyIsUsed(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	only := names{"four.example": addresses("127.0.0.1"), "six.example": addresses("::1")}
	for _, tt := range []struct {
		name, url string
		family    probe.Family
		want      string
	}{
		{"none of IPv6", "https://four.example/", probe.IPv6, "resolve four.example: it has no IPv6 address"},
		{"none of IPv4", "https://six.example/", probe.IPv4, "resolve six.example: it has no IPv4 address"},
		{"an address of the other", "https://127.0.0.1/", probe.IPv6, "resolve 127.0.0.1: it has no IPv6 address"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			request := get(t, tt.url)
			request.Family = tt.family
			_, err := prober(ca, only).Probe(t.Context(), request)
			if e, ok := errors.AsType[*probe.Error](err); !ok || e.ErrorName() != probe.ErrorDNS || err.Error() != tt.want {
				t.Errorf("Probe(%s, %s) = %v, want %s: %s", tt.url, tt.family, err, probe.ErrorDNS, tt.want)
			}
		})
	}
}

// A server of HTTP/2 that refuses a handshake and hangs up may have done so before the request is
// written, or not. Its alert is read in both cases.
func TestTheAlertOfAServerThatHangsUpIsRead(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	config := ca.issue(t, time.Hour, name)
	config.ClientAuth = tls.RequireAnyClientCert
	port := serve(t, "127.0.0.1", config, http.NotFoundHandler())
	p := prober(ca, names{name: addresses("127.0.0.1")})
	for range 100 {
		_, err := p.Probe(t.Context(), get(t, "https://"+name+":"+port+"/"))
		if failed, ok := errors.AsType[*probe.Error](err); !ok || failed.Name != probe.ErrorTLS {
			t.Fatalf("Probe = %v, want %s", err, probe.ErrorTLS)
		}
	}
}
