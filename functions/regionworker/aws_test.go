package main

import (
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"meridian/internal/awsapi"
)

// The worker calls AWS with the credentials, the endpoints and the certificates of its
// environment.
func TestTheConfigurationIsThatOfTheEnvironment(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}
	if err := os.WriteFile(bundle, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
		"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_EC2": "http://ec2", "AWS_USE_FIPS_ENDPOINT": "true", "AWS_CA_BUNDLE": bundle,
	} {
		t.Setenv(name, value)
	}
	cfg, err := configuration(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || keys.AccessKeyID != "key" || keys.SecretAccessKey != "secret" || keys.SessionToken != "token" {
		t.Errorf("credentials %v, %v", keys, err)
	}
	at, err := awsapi.EndpointsOf(t.Context(), cfg)
	if err != nil || !at.Variant.FIPS || at.Variant.DualStack {
		t.Errorf("endpoints %+v, %v, want FIPS", at.Variant, err)
	}
	for service, want := range map[string]string{"EC2": "http://ec2", "S3": "http://all"} {
		if got, err := at.URL(t.Context(), service); got != want || err != nil {
			t.Errorf("endpoint of %s %s, %v, want %s", service, got, err, want)
		}
	}
	c, err := client(bundle)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Certificate().Verify(x509.VerifyOptions{Roots: c.GetTransport().TLSClientConfig.RootCAs}); err != nil {
		t.Errorf("the certificate of the bundle is not trusted: %v", err)
	}
	if _, err := client(filepath.Join(t.TempDir(), "none.pem")); err == nil {
		t.Error("a file that does not exist is accepted")
	}
}
