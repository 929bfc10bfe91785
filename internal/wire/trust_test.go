package wire_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"meridian/internal/wire"
)

// An issuer is a certificate that others are made with.
type issuer struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

// issue makes a certificate, by its template's own key where by is nil.
func issue(t *testing.T, template x509.Certificate, by *issuer) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore = time.Now().Add(-time.Hour)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	if by == nil {
		by = &issuer{&template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, by.Certificate, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{c, key}
}

// authority is the template of a certificate that issues others.
func authority(name string) x509.Certificate {
	return x509.Certificate{
		Subject: pkix.Name{Organization: []string{"Example"}, CommonName: name},
		IsCA:    true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
}

// leaf is the template of a server's certificate.
func leaf() x509.Certificate {
	return x509.Certificate{
		Subject: pkix.Name{CommonName: "server"}, DNSNames: []string{"server.example"}, IPAddresses: []net.IP{{127, 0, 0, 1}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

// bundle writes certificates to a file, between others and what is none.
func bundle(t *testing.T, certificates ...*issuer) string {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("# some certificates\n-----BEGIN CERTIFICATE-----\nbroken!\n-----END CERTIFICATE-----\n")
	for range 3 {
		certificates = append(certificates, issue(t, authority("another"), nil))
	}
	for _, c := range certificates {
		b.WriteString("\n# " + c.Subject.CommonName + "\n")
		if err := pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}); err != nil {
			t.Fatal(err)
		}
	}
	b.WriteString("-----BEGIN CERTIFICATE-----\ncut")
	file := filepath.Join(t.TempDir(), "bundle.pem")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTrustReadsOnlyWhatTheServersCertificatesAskFor(t *testing.T) {
	t.Parallel()
	root := issue(t, authority("root"), nil)
	middle := issue(t, authority("middle"), root)
	server := issue(t, leaf(), middle)
	shown := []*x509.Certificate{server.Certificate, middle.Certificate}
	file := bundle(t, root)
	tests := []struct {
		name  string
		files []string
		want  int
	}{
		{"one file", []string{file}, 1},
		{"the first that is there", []string{"none.pem", file, bundle(t)}, 1},
		{"not the second", []string{bundle(t), file}, -1},
		{"no file", []string{"none.pem"}, -1},
		{"none", nil, -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			trust := wire.NewTrust(tt.files...)
			if got := trust.Few(shown); got != tt.want {
				t.Errorf("certificates asked for = %d, want %d", got, tt.want)
			}
			if err := trust.Verify("server.example", shown); (err == nil) != (tt.want == 1) {
				t.Errorf("verify = %v", err)
			}
		})
	}
}

// Whom a trust believes is exactly who crypto/tls does, given the same
// certificates.
func TestWhomTrustBelievesIsWhoTheSystemsCertificatesSay(t *testing.T) {
	t.Parallel()
	root := issue(t, authority("root"), nil)
	middle := issue(t, authority("middle"), root)
	impostor := issue(t, authority("root"), nil) // of the same name
	short := leaf()
	short.NotAfter = time.Now().Add(-time.Minute)
	client := leaf()
	client.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	plain := issue(t, leaf(), root) // issues nothing, but is made to
	trust := wire.NewTrust(bundle(t, root))
	tests := []struct {
		name  string
		host  string
		shown []*issuer
		good  bool
	}{
		{"by the root", "server.example", []*issuer{issue(t, leaf(), root)}, true},
		{"by way of another", "server.example", []*issuer{issue(t, leaf(), middle), middle}, true},
		{"with the root", "server.example", []*issuer{issue(t, leaf(), middle), middle, root}, true},
		{"an address", "127.0.0.1", []*issuer{issue(t, leaf(), root)}, true},
		{"another name", "other.example", []*issuer{issue(t, leaf(), root)}, false},
		{"another address", "127.0.0.2", []*issuer{issue(t, leaf(), root)}, false},
		{"out of date", "server.example", []*issuer{issue(t, short, root)}, false},
		{"not for servers", "server.example", []*issuer{issue(t, client, root)}, false},
		{"without the one between", "server.example", []*issuer{issue(t, leaf(), middle)}, false},
		{"by an impostor", "server.example", []*issuer{issue(t, leaf(), impostor)}, false},
		{"with the impostor", "server.example", []*issuer{issue(t, leaf(), impostor), impostor}, false},
		{"by itself", "server.example", []*issuer{issue(t, leaf(), nil)}, false},
		{"by one that may not", "server.example", []*issuer{issue(t, leaf(), plain), plain}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			shown := make([]*x509.Certificate, len(tt.shown))
			options := x509.VerifyOptions{DNSName: tt.host, Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool()}
			options.Roots.AddCert(root.Certificate)
			for i, c := range tt.shown {
				if shown[i] = c.Certificate; i > 0 {
					options.Intermediates.AddCert(c.Certificate)
				}
			}
			if _, err := shown[0].Verify(options); (err == nil) != tt.good {
				t.Fatalf("crypto/x509 says %v", err)
			}
			err := trust.Verify(tt.host, shown)
			if (err == nil) != tt.good {
				t.Errorf("verify = %v, want good %t", err, tt.good)
			}
			if _, ok := errors.AsType[*tls.CertificateVerificationError](err); err != nil && !ok {
				t.Errorf("verify = %T, want what crypto/tls returns", err)
			}
		})
	}
}

// The pool itself, with the system's certificates: SSL_CERT_FILE says which they
// are.
func TestAPoolBelievesTheSystemsCertificates(t *testing.T) {
	s := newServer(t, true, true, func(http.ResponseWriter, *http.Request) {})
	t.Setenv("SSL_CERT_FILE", bundle(t, &issuer{Certificate: s.Certificate()}))
	p := wire.New(wire.Config{})
	t.Cleanup(p.Close)
	mustAll(t, callsAt(t, p, s.URL, 20))
}

// A host that a certificate is not for is not called, be it a name or an address:
// the name that TLS itself was told is empty for an address.
func TestAPoolChecksTheHost(t *testing.T) {
	s := newServer(t, true, true, func(http.ResponseWriter, *http.Request) {})
	root := issue(t, authority("root"), nil)
	other := leaf()
	other.IPAddresses = []net.IP{{127, 0, 0, 2}}
	server := issue(t, other, root)
	s.TLS.Certificates = []tls.Certificate{{Certificate: [][]byte{server.Raw}, PrivateKey: server.key}}
	t.Setenv("SSL_CERT_FILE", bundle(t, root))
	p := wire.New(wire.Config{})
	t.Cleanup(p.Close)
	for _, err := range callsAt(t, p, s.URL, 3) {
		if _, wrong := errors.AsType[x509.HostnameError](err); !wrong {
			t.Errorf("RoundTrip = %v, want a HostnameError", err)
		}
	}
}

// Without a host there is nothing that a certificate could be for: crypto/tls calls
// nobody then.
func TestAPoolBelievesNobodyWithoutAHost(t *testing.T) {
	s := newServer(t, true, true, func(http.ResponseWriter, *http.Request) {})
	t.Setenv("SSL_CERT_FILE", bundle(t, &issuer{Certificate: s.Certificate()}))
	p := wire.New(wire.Config{})
	t.Cleanup(p.Close)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := callAt(t, p, "https://:"+port); err == nil || s.requests.Load() != 0 {
		t.Errorf("RoundTrip = %v, with %d requests, want an error and none", err, s.requests.Load())
	}
}

// text returns a certificate as a file has it.
func text(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// What crypto/x509 leaves out of a file is left out here, too: above all a
// certificate that somebody has commented out.
func TestTrustReadsNoCertificateThatTheSystemDoesNot(t *testing.T) {
	t.Parallel()
	root := issue(t, authority("root"), nil)
	shown := []*x509.Certificate{issue(t, leaf(), root).Certificate}
	good := string(text(root.Certificate))
	for _, tt := range []struct {
		name, text string
		ours       bool
		theirs     bool
	}{
		{"good", good, true, true},
		{"after a comment", "# root\n" + good + "# end\n", true, true},
		{"after what is cut", "-----BEGIN CERTIFICATE-----\nMIIB\n" + good, false, true},
		{"within another", "-----BEGIN OTHER-----\n" + good + "-----END OTHER-----\n", true, true},
		{"commented out", "#" + good, false, false},
		{"its end commented out", strings.Replace(good, "-----END", "#-----END", 1), false, false},
		{"more after its end", strings.TrimSpace(good) + "x\n", false, false},
		{"another end", strings.Replace(good, "END CERT", "END TRUSTED CERT", 1), false, false},
		{"with headers", strings.Replace(good, "\n", "\nTrust: no\n\n", 1), false, false},
		{"of another kind", strings.ReplaceAll(good, "CERT", "TRUSTED CERT"), false, false},
		{"of Windows", strings.ReplaceAll(good, "\n", "\r\n"), false, true}, // all are read then
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "bundle.pem")
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := x509.NewCertPool().AppendCertsFromPEM([]byte(tt.text)); got != tt.theirs {
				t.Fatalf("crypto/x509 reads it: %t, want %t", got, tt.theirs)
			}
			if got := wire.NewTrust(file).Few(shown) == 1; got != tt.ours {
				t.Errorf("it is read: %t, want %t", got, tt.ours)
			}
		})
	}
}

// Many endpoints at once, whose certificates have a few issuers in turn.
func TestTrustReadsOnceForEachIssuer(t *testing.T) {
	t.Parallel()
	var roots []*issuer
	var shown []*x509.Certificate
	for _, name := range []string{"one", "two", "three", "four"} {
		root := issue(t, authority(name), nil)
		roots = append(roots, root)
		shown = append(shown, issue(t, leaf(), root).Certificate)
	}
	trust := wire.NewTrust(bundle(t, roots...))
	var done sync.WaitGroup
	for i := range 28 {
		done.Go(func() {
			if err := trust.Verify("server.example", shown[i%4:i%4+1]); err != nil {
				t.Errorf("verify = %v", err)
			}
		})
	}
	done.Wait()
	if trust.Reads != 4 {
		t.Errorf("read %d times, want 4", trust.Reads)
	}
}

// Who always has other issuers is not remembered for ever.
func TestTrustForgetsIssuers(t *testing.T) {
	t.Parallel()
	trust := wire.NewTrust()
	for i := range 100 {
		c := &x509.Certificate{RawIssuer: []byte{byte(i)}}
		trust.Few([]*x509.Certificate{c})
		if got := trust.Kept(); got > 16 {
			t.Fatalf("%d issuers are kept, want at most 16", got)
		}
	}
}

func TestTrustBelievesNobodyWithoutACertificate(t *testing.T) {
	t.Parallel()
	if err := wire.NewTrust().Verify("server.example", nil); err == nil {
		t.Error("verify = nil, want an error")
	}
}

// A connection that resumes a session is verified like the first: a server whose
// issuer is believed no more is refused.
func TestAResumedSessionIsVerified(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			root := issue(t, authority("root"), nil)
			server := issue(t, leaf(), root)
			var resumed atomic.Int64
			s := newServer(t, true, false, func(w http.ResponseWriter, r *http.Request) {
				if r.TLS.DidResume {
					resumed.Add(1)
				}
				w.Header().Set("Connection", "close")
			})
			s.TLS.Certificates = []tls.Certificate{{Certificate: [][]byte{server.Raw}, PrivateKey: server.key}}
			t.Setenv("SSL_CERT_FILE", bundle(t, root))
			p := wire.New(wire.Config{TLS: &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: version}})
			t.Cleanup(p.Close)
			mustAll(t, append(callsAt(t, p, s.URL, 1), callsAt(t, p, s.URL, 1)...))
			if resumed.Load() != 1 {
				t.Fatalf("%d sessions resumed, want 1", resumed.Load())
			}
			p.Distrust()
			t.Setenv("SSL_CERT_FILE", bundle(t))
			err := callAt(t, p, s.URL)
			if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); !unknown {
				t.Errorf("RoundTrip = %v, want an unknown authority", err)
			}
		})
	}
}

// An https proxy proves who it is, too, and so does the server behind it.
func TestAPoolBelievesAProxyAndTheServerBehindIt(t *testing.T) {
	s := newServer(t, true, true, func(http.ResponseWriter, *http.Request) {})
	proxy, u := newProxy(t, true)
	root := issue(t, authority("root"), nil)
	other := leaf()
	other.IPAddresses = []net.IP{{127, 0, 0, 2}}
	for _, tt := range []struct {
		name          string
		proxy, server x509.Certificate
		requests      int64 // that the proxy gets
		wrong         bool
	}{
		{"both good", leaf(), leaf(), 1, false},
		{"another proxy", other, leaf(), 0, true},
		{"another server", leaf(), other, 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for at, template := range map[*server]x509.Certificate{proxy: tt.proxy, s: tt.server} {
				c := issue(t, template, root)
				at.TLS.Certificates = []tls.Certificate{{Certificate: [][]byte{c.Raw}, PrivateKey: c.key}}
			}
			t.Setenv("SSL_CERT_FILE", bundle(t, root))
			before := proxy.requests.Load()
			p := wire.New(wire.Config{Proxy: http.ProxyURL(u)})
			t.Cleanup(p.Close)
			err := callAt(t, p, s.URL)
			if _, wrong := errors.AsType[x509.HostnameError](err); wrong != tt.wrong || !wrong && err != nil {
				t.Errorf("RoundTrip = %v, want a HostnameError: %t", err, tt.wrong)
			}
			if got := proxy.requests.Load() - before; got != tt.requests {
				t.Errorf("%d requests to the proxy, want %d", got, tt.requests)
			}
		})
	}
}
