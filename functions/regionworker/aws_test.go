package main

import (
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"meridian/internal/awsapi"
)

// The worker calls AWS with the credentials, the endpoints and the certificates of its
// environment.
func TestTheConfigurationIsThatOfTheEnvironment(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}
	if err := os.WriteFile(bundle, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{
		"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
		"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_EC2": "http://ec2", "AWS_USE_FIPS_ENDPOINT": "true", "AWS_CA_BUNDLE": bundle,
	}
	cfg, err := environment(func(name string) string { return settings[name] }).configuration(t.Context())
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
	if _, dualStack, _ := environment(func(string) string { return "TRUE" }).GetUseDualStackEndpoint(t.Context()); !dualStack {
		t.Error("AWS_USE_DUALSTACK_ENDPOINT=TRUE is not read")
	}
	if _, err := awsapi.EndpointsOf(t.Context(), aws.Config{ConfigSources: []any{environment(func(string) string { return "yes" })}}); err == nil {
		t.Error(`AWS_USE_FIPS_ENDPOINT=yes is accepted`)
	}
	for service, want := range map[string]string{"EC2": "http://ec2", "S3": "http://all"} {
		if got, err := at.URL(t.Context(), service); got != want || err != nil {
			t.Errorf("endpoint of %s %s, %v, want %s", service, got, err, want)
		}
	}
	settings["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true"
	if got, err := at.URL(t.Context(), "EC2"); got != "" || err != nil {
		t.Errorf("with endpoints ignored that of EC2 is %q, %v, want none", got, err)
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
