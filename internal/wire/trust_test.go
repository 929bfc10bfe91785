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
	file := filepath.Join(t.TempDir(), "bundle.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", file)
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
