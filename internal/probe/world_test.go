package probe_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"meridian/internal/probe"
)

// name is the name of the tests' servers.
const name = "server.example"

// An authority issues certificates for one test.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	roots       *x509.CertPool
}

// newAuthority makes a certificate authority, "Test CA".
func newAuthority(tb testing.TB) *authority {
	tb.Helper()
	key := newKey(tb)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	return &authority{certificate, key, roots}
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// issue makes a certificate for the names with a validity.
func (a *authority) issue(tb testing.TB, valid time.Duration, names ...string) *tls.Config {
	tb.Helper()
	key := newKey(tb)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: a.certificate.NotBefore, NotAfter: time.Now().Add(valid),
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		tb.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}},
	}
}

// names is a resolver of some names. It returns addresses of both families whichever
// is requested, which is a fault of a resolver.
type names map[string][]netip.Addr

// LookupNetIP implements probe.Resolver.
func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if addresses, ok := n[host]; ok {
		return append([]netip.Addr(nil), addresses...), nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, Server: "10.0.0.2:53", IsNotFound: true}
}

// addresses parses addresses.
func addresses(list ...string) []netip.Addr {
	parsed := make([]netip.Addr, len(list))
	for i, text := range list {
		parsed[i] = netip.MustParseAddr(text)
	}
	return parsed
}

// loopback allows the addresses of the tests' servers.
func loopback() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// highPorts allows the ports of the tests' servers.
func highPorts() []probe.Ports { return []probe.Ports{{First: 1024, Last: 65535}} }

// listen opens a port of the address, or skips the test where there is none.
func listen(tb testing.TB, address string) net.Listener {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		tb.Skipf("no %s here: %v", address, err)
	}
	return l
}

// serve starts a server of HTTP/1.1 and HTTP/2 at an address and returns its port.
// Without a TLS configuration it serves plain HTTP.
func serve(tb testing.TB, address string, config *tls.Config, h http.Handler) (port string) {
	tb.Helper()
	s := httptest.NewUnstartedServer(h)
	_ = s.Listener.Close()
	s.Listener = listen(tb, address)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if config == nil {
		s.Start()
	} else {
		s.TLS, s.EnableHTTP2 = config, true
		s.StartTLS()
	}
	tb.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	return port
}

// accept calls f for each connection. It closes the connection when f returns true, and
// else at the end of the test.
func accept(tb testing.TB, f func(net.Conn) (hangUp bool)) (port string) {
	tb.Helper()
	l := listen(tb, "127.0.0.1")
	tb.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			tb.Cleanup(func() { _ = conn.Close() })
			go func() {
				if f(conn) {
					_ = conn.Close()
				}
			}()
		}
	}()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	return port
}

// closed returns a port on which nothing listens. A connection has the port, so that no other
// test can listen on it.
func closed(tb testing.TB) (port string) {
	tb.Helper()
	l := listen(tb, "127.0.0.1")
	conn, err := new(net.Dialer).DialContext(tb.Context(), "tcp", l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _, _ = conn.Close(), l.Close() })
	_, port, err = net.SplitHostPort(conn.LocalAddr().String())
	if err != nil {
		tb.Fatal(err)
	}
	return port
}

// get returns a request for a URL.
func get(tb testing.TB, text string) probe.Request {
	tb.Helper()
	at, err := url.Parse(text)
	if err != nil {
		tb.Fatal(err)
	}
	if problem := probe.CheckURL(at); problem != "" {
		tb.Fatalf("CheckURL(%s) = %s", text, problem)
	}
	return probe.Request{Method: http.MethodGet, URL: at}
}
