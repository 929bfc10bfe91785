package rig_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meridian/bench/rig"
)

func TestStartSpeaksHTTP2OverTLSIfTheServerHasATLSConfig(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		tls   bool
		proto string
	}{
		{"TLS", true, "https://127.0.0.1 HTTP/2.0"},
		{"plain", false, "http://127.0.0.1 HTTP/1.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { //nolint:gosec // Start sets its timeout
				_, _ = io.WriteString(w, r.Proto)
			})}
			trusts := &tls.Config{MinVersion: tls.VersionTLS12}
			if tt.tls {
				server.TLSConfig, trusts.RootCAs = newCertificate(t, nil)
			}
			url, err := rig.Start(t.Context(), server)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = server.Close() }()
			client := &http.Client{Transport: &http.Transport{TLSClientConfig: trusts, ForceAttemptHTTP2: true}}
			defer client.CloseIdleConnections()
			proto, err := call(t.Context(), client, url, "")
			if err != nil {
				t.Fatal(err)
			}
			if got := url[:strings.LastIndex(url, ":")] + " " + proto; got != tt.proto {
				t.Errorf("Start(%s) serves %s, want %s", tt.name, got, tt.proto)
			}
		})
	}
}

func TestNewCertificateWritesTheOthersAndTheNewOne(t *testing.T) {
	t.Parallel()
	config, roots := newCertificate(t, []byte("# another\n"))
	leaf, err := x509.ParseCertificate(config.Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "127.0.0.1"}); err != nil {
		t.Errorf("Verify() = %v, want nil", err)
	}
}

// newCertificate makes a certificate, and a pool with the certificates of its file.
func newCertificate(t *testing.T, others []byte) (*tls.Config, *x509.CertPool) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "roots.pem")
	config, err := rig.NewCertificate(file, others)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !bytes.HasPrefix(text, others) || !pool.AppendCertsFromPEM(text) {
		t.Fatalf("NewCertificate() wrote %q, want a certificate after %q", text, others)
	}
	return config, pool
}

// call posts body, and returns the answer.
func call(ctx context.Context, client *http.Client, url, body string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	response, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	return string(answer), err
}
