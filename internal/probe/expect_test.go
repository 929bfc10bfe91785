package probe_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/probe"
)

// ok expects that the body says ok, and not down.
func ok() probe.Expect {
	return probe.Expect{Body: []*regexp.Regexp{regexp.MustCompile("ok")}, NotBody: []*regexp.Regexp{regexp.MustCompile("down")}}
}

// A body is read only to match it, and then within the time of the exchange.
func TestABodyIsWaitedForOnlyToMatchIt(t *testing.T) {
	t.Parallel()
	endless := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, text)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	}
	flood := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat("x", 64<<10-len(text))+text)
			for {
				if _, err := w.Write(make([]byte, 1<<10)); err != nil {
					return // the probe has closed the connection
				}
			}
		}
	}
	broken := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "secret")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	const most = 10 * time.Second
	tests := []struct {
		name    string
		answer  http.HandlerFunc
		expect  probe.Expect
		within  time.Duration
		error   string
		text    string
		after   time.Duration
		perhaps string // the other protocol's text
	}{
		{name: "endless, not matched", answer: endless("data: ok"), within: time.Minute},
		{name: "endless, matched", answer: endless("data: ok"), expect: ok(), within: time.Minute, after: most},
		{
			name: "endless, does not match", answer: endless("data: -"), expect: ok(), within: time.Minute, after: most,
			error: probe.ErrorBody, text: `GET to server.example: the body does not match "ok" in the 7 bytes that were read`,
		},
		{
			name: "endless, until the attempt times out", answer: endless("data: ok"), expect: ok(), within: time.Second, after: time.Second,
			text: "GET to server.example: attempt timed out",
		},
		{name: "a flood, not matched", answer: flood(""), within: time.Minute},
		{name: "a flood that matches at 64 KiB", answer: flood("ok"), expect: ok(), within: time.Minute},
		{
			name: "a flood that does not match", answer: flood("-"), expect: ok(), within: time.Minute,
			error: probe.ErrorBody, text: `GET to server.example: the body does not match "ok" in the 65536 bytes that were read`,
		},
		{
			name: "matches both", answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok, secret is down") },
			expect: ok(), within: time.Minute, error: probe.ErrorBody, text: `GET to server.example: the body matches "down"`,
		},
		{name: "broken off, not matched", answer: broken, within: time.Minute},
		{
			name: "broken off", answer: broken, expect: ok(), within: time.Minute, error: probe.ErrorHTTP,
			text:    "GET to server.example: the connection was closed before the answer was complete",
			perhaps: "GET to server.example: the server reset the request with HTTP/2 error code 2",
		},
	}
	for _, tt := range tests {
		for _, protocol := range []string{"http/1.1", "h2"} {
			t.Run(tt.name+" by "+protocol, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ca := newAuthority(t)
					config := ca.issue(t, time.Hour, name)
					config.NextProtos = []string{protocol}
					w := world{0, map[string]way{"1.2.3.4:443": serving(t, 0, config, tt.answer)}}
					request := get(t, "https://"+name)
					request.Expect = tt.expect
					ctx, cancel := context.WithTimeoutCause(t.Context(), tt.within, errAttempt)
					defer cancel()
					begin := time.Now()
					s, err := probe.New(w.settings(ca, "1.2.3.4")).Probe(ctx, request)
					took, name, text := time.Since(begin), "", ""
					if e, named := errors.AsType[*probe.Error](err); named {
						name = e.Name
					}
					if err != nil {
						text = err.Error()
					}
					if name != tt.error || took != tt.after || text != tt.text && (tt.perhaps == "" || text != tt.perhaps) {
						t.Errorf("Probe = %v after %v, want %s: %q after %v", err, took, tt.error, tt.text, tt.after)
					}
					if err == nil && (s.Status != http.StatusOK || s.Phases.Total != tt.after) {
						t.Errorf("Probe = %d in %v, want 200 in %v", s.Status, s.Phases.Total, tt.after)
					}
				})
			})
		}
	}
}

// A chain ends with the first of its certificates to expire.
func TestTheExpiryIsThatOfTheVerifiedChain(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, tt := range []struct {
		name                             string
		leaf, intermediate, other, wants time.Duration
	}{
		{"the leaf first", 3 * day, 30 * day, 0, 3 * day},
		{"an intermediate first", 30 * day, 3 * day, 0, 3 * day},
		{"the root first", 100 * day, 100 * day, 0, 1000 * time.Hour},
		{"another chain that lasts longer", 30 * day, 3 * day, 20 * day, 20 * day},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ca := newAuthority(t)
			key := newKey(t)
			config := ca.below(t, key, tt.intermediate).issue(t, tt.leaf, name)
			for _, valid := range []time.Duration{tt.intermediate, tt.other} {
				if valid > 0 {
					chain := &config.Certificates[0].Certificate
					*chain = append(*chain, ca.below(t, key, valid).certificate.Raw)
				}
			}
			port := serve(t, "127.0.0.1", config, http.HandlerFunc(healthy))
			s, err := prober(ca, names{name: addresses("127.0.0.1")}).Probe(t.Context(), get(t, "https://"+name+":"+port))
			if err != nil {
				t.Fatal(err)
			}
			if got := time.Until(s.TLS.Expires); (got - tt.wants).Abs() > time.Minute {
				t.Errorf("the chain ends in %v, want %v", got, tt.wants)
			}
		})
	}
}

// below returns an intermediate authority with a key.
func (a *authority) below(tb testing.TB, key *ecdsa.PrivateKey, valid time.Duration) *authority {
	tb.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(valid)), Subject: pkix.Name{CommonName: "Test Intermediate"},
		NotBefore: a.certificate.NotBefore, NotAfter: time.Now().Add(valid),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		tb.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return &authority{certificate, key, a.roots}
}

// A strict resolver answers as a real one does for a family without addresses.
type strict struct{ names }

// LookupNetIP implements probe.Resolver.
func (s strict) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	all, err := s.names.LookupNetIP(ctx, network, host)
	var found []netip.Addr
	for _, a := range all {
		if network == "ip" || network == strings.Replace(string(probe.FamilyOf(a)), "ipv", "ip", 1) {
			found = append(found, a)
		}
	}
	if err == nil && len(found) == 0 {
		err = &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return found, err
}

func TestANameWithoutAddressesOfTheFamilyIsToldFromNoName(t *testing.T) {
	t.Parallel()
	p := probe.New(probe.Settings{Resolver: strict{names{"four.example": addresses("1.2.3.4"), "six.example": addresses("2600::1")}}})
	for _, tt := range []struct {
		host   string
		family probe.Family
		want   string
	}{
		{"four.example", probe.IPv6, "resolve four.example: it has no IPv6 address"},
		{"six.example", probe.IPv4, "resolve six.example: it has no IPv4 address"},
		{"nowhere.example", probe.IPv6, "resolve nowhere.example: no such host"},
		{"nowhere.example", "", "resolve nowhere.example: no such host"},
	} {
		request := get(t, "https://"+tt.host)
		request.Family = tt.family
		_, err := p.Probe(t.Context(), request)
		if e, named := errors.AsType[*probe.Error](err); !named || e.Name != probe.ErrorDNS || err.Error() != tt.want {
			t.Errorf("Probe(%s, %s) = %v, want %s", tt.host, tt.family, err, tt.want)
		}
	}
}

// A server that requires HTTP/1.1 is asked again by HTTP/1.1.
func TestAServerThatRequiresHTTP1IsAskedByHTTP1(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, want string
		code       byte
	}{
		{"HTTP_1_1_REQUIRED", "200 HTTP/1.1", 0xd},
		{"REFUSED_STREAM", "GET to server.example: the server reset the request with HTTP/2 error code 7", 7},
		{"INTERNAL_ERROR", "GET to server.example: the server reset the request with HTTP/2 error code 2", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ca := newAuthority(t)
			config := ca.issue(t, time.Hour, name)
			config.NextProtos = []string{"h2", "http/1.1"}
			port := accept(t, func(conn net.Conn) bool {
				secured := tls.Server(conn, config)
				if secured.HandshakeContext(t.Context()) != nil {
					return true
				}
				if secured.ConnectionState().NegotiatedProtocol != "h2" {
					_, _ = secured.Read(make([]byte, 4096))
					_, _ = io.WriteString(secured, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
					return false
				}
				_, _ = secured.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0}) // SETTINGS
				if awaitHeaders(secured) {
					_, _ = secured.Write([]byte{0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, tt.code}) // RST_STREAM
				}
				return false
			})
			s, err := prober(ca, names{name: addresses("127.0.0.1")}).Probe(t.Context(), get(t, "https://"+name+":"+port))
			got := fmt.Sprint(s.Status, " ", s.Protocol)
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("Probe = %s, want %s", got, tt.want)
			}
		})
	}
}

// awaitHeaders reads the client's preface and its frames, until HEADERS.
func awaitHeaders(r io.Reader) bool {
	if _, err := io.CopyN(io.Discard, r, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
		return false
	}
	for {
		var header [9]byte
		if _, err := io.ReadFull(r, header[:]); err != nil {
			return false
		}
		if _, err := io.CopyN(io.Discard, r, int64(header[0])<<16|int64(header[1])<<8|int64(header[2])); err != nil {
			return false
		}
		if header[3] == 1 {
			return true
		}
	}
}

// A logged is what has been written to the standard log.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// It changes the standard log, so it does not run in parallel.
func TestNothingOfAnAnswerGetsIntoALog(t *testing.T) { //nolint:paralleltest // see above
	ca := newAuthority(t)
	var all logged
	before := log.Writer()
	log.SetOutput(&all)
	t.Cleanup(func() { log.SetOutput(before) })
	plain := func(speak func(net.Conn) bool) string { return "http://" + name + ":" + accept(t, speak) + "/" }
	body := "HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n" + strings.Repeat("secret ", 600)
	for _, tt := range []struct{ name, method, url, want string }{
		{"a body for HEAD", "HEAD", (&stage{t: t, ca: ca}).speaking(func(conn net.Conn) bool {
			_, _ = io.WriteString(conn, body)
			return false
		}), "200"},
		{"two answers", "GET", (&stage{t: t, ca: ca}).speaking(func(conn net.Conn) bool {
			_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n"+body)
			return true
		}), "204"},
		{"a banner", "GET", plain(func(conn net.Conn) bool {
			_, _ = io.WriteString(conn, "220 secret.internal ESMTP\r\n")
			return false
		}), "GET to server.example: the answer is not HTTP, is cut off, or has headers larger than 64 KiB"},
		{"an answer before the request", "GET", plain(func(conn net.Conn) bool {
			_, _ = io.WriteString(conn, body)
			return false
		}), "200"},
	} {
		t.Run(tt.name, func(t *testing.T) { //nolint:paralleltest // see above
			request := get(t, tt.url)
			request.Method = tt.method
			s, err := prober(ca, names{name: addresses("127.0.0.1")}).Probe(t.Context(), request)
			got := fmt.Sprint(s.Status)
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("Probe = %s, want %s", got, tt.want)
			}
		})
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	if strings.Contains(all.text.String(), "secret") {
		t.Errorf("the standard log has %q, which quotes the answer", all.text.String())
	}
}

// The headers and the body of a request are sent to the origin of its URL, and to no
// other.
func TestHeadersAndBodyAreSentToOneOriginOnly(t *testing.T) {
	t.Parallel()
	type asked struct{ Path, Method, Token, Agent, Body string }
	var all []asked
	mux := http.NewServeMux()
	record := func(status int, to *string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			all = append(all, asked{r.URL.Path, r.Method, r.Header.Get("X-Token"), r.UserAgent(), string(body)})
			if to != nil {
				w.Header().Set("Location", *to)
			}
			w.WriteHeader(status)
		}
	}
	other := "http://other.example:" + serve(t, "127.0.0.1", nil, record(http.StatusOK, nil)) + "/end"
	mux.HandleFunc("/see", record(http.StatusSeeOther, &other))
	mux.HandleFunc("/keep", record(http.StatusTemporaryRedirect, &other))
	mux.HandleFunc("/same", record(http.StatusPermanentRedirect, new("/see")))
	port := serve(t, "127.0.0.1", nil, mux)
	p := probe.New(probe.Settings{
		Allow: loopback(), Ports: highPorts(), Methods: []string{http.MethodPost},
		Resolver: names{name: addresses("127.0.0.1"), "other.example": addresses("127.0.0.1")},
	})
	for _, tt := range []struct {
		path, error string
		want        []asked
	}{
		{"/see", "", []asked{{"/see", "POST", "hunter2", "me", "ping"}, {"/end", "GET", "", "meridian-probe", ""}}},
		{"/same", "", []asked{
			{"/same", "POST", "hunter2", "me", "ping"}, {"/see", "POST", "hunter2", "me", "ping"}, {"/end", "GET", "", "meridian-probe", ""},
		}},
		{"/keep", "follow redirect from server.example: it would send the body to another server", []asked{{"/keep", "POST", "hunter2", "me", "ping"}}},
	} {
		all = nil
		request := get(t, "http://"+name+":"+port+tt.path)
		request.Method, request.Body, request.FollowRedirects = http.MethodPost, "ping", true
		request.Header = http.Header{"X-Token": {"hunter2"}, "User-Agent": {"me"}}
		_, err := p.Probe(t.Context(), request)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if diff := cmp.Diff(tt.want, all); diff != "" || text != tt.error {
			t.Errorf("Probe(%s) = %v, want %q; asked (-want +got):\n%s", tt.path, err, tt.error, diff)
		}
	}
}
