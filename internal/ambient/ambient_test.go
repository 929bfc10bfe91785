package ambient_test

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/google/go-cmp/cmp"

	"meridian/internal/ambient"
	"meridian/internal/invoke"
)

// set sets the environment to what Lambda sets and to more, for both who read it.
func set(t *testing.T, more map[string]string) {
	t.Helper()
	for _, pair := range os.Environ() { //nolint:forbidigo // what the machine has set is not to be met
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			_ = os.Unsetenv(name)
		}
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_DEFAULT_REGION", "eu-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_SESSION_TOKEN", "token")
	for name, value := range more {
		t.Setenv(name, value)
	}
}

// A request is what reached a server, but for the times in it.
type request struct{ Path, Signer, Token string }

// seen calls a function as cfg says, and returns what reached the server.
func seen(t *testing.T, cfg aws.Config, reached *[]request) []request {
	t.Helper()
	l, err := invoke.NewLambda(cfg, invoke.Settings{Function: "worker"})
	if err != nil {
		t.Fatal(err)
	}
	*reached = nil
	if _, _, err := l.Invoke(t.Context(), "eu-west-1", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	return *reached
}

// Each variable means what it means to the SDK's package config: the same
// requests reach the same server.
func TestEachMeansWhatItMeansToTheSDK(t *testing.T) {
	var reached []request
	handler := func(w http.ResponseWriter, r *http.Request) {
		// AWS4-HMAC-SHA256 Credential=key/date/region/service/aws4_request, …
		scope := strings.Split(r.Header.Get("Authorization"), "/")
		if len(scope) < 4 {
			scope = make([]string, 4)
		}
		reached = append(reached, request{
			r.Host + r.URL.Path, scope[0] + " " + scope[2] + " " + scope[3], r.Header.Get("X-Amz-Security-Token"),
		})
		_, _ = w.Write([]byte("{}"))
	}
	plain, secure := httptest.NewServer(http.HandlerFunc(handler)), httptest.NewTLSServer(http.HandlerFunc(handler))
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	bundle := filepath.Join(t.TempDir(), "bundle.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(bundle, text, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		set  map[string]string
	}{
		{"Lambda's endpoint", map[string]string{"AWS_ENDPOINT_URL_LAMBDA": plain.URL}},
		{"every endpoint", map[string]string{"AWS_ENDPOINT_URL": plain.URL}},
		{"both", map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_LAMBDA": plain.URL}},
		{"a path", map[string]string{"AWS_ENDPOINT_URL": plain.URL + "/below"}},
		{"another Region", map[string]string{"AWS_ENDPOINT_URL": plain.URL, "AWS_REGION": "us-west-2"}},
		{"the default Region", map[string]string{"AWS_ENDPOINT_URL": plain.URL, "AWS_REGION": "", "AWS_DEFAULT_REGION": "us-west-2"}},
		{"no token", map[string]string{"AWS_ENDPOINT_URL": plain.URL, "AWS_SESSION_TOKEN": ""}},
		{"endpoints not ignored", map[string]string{"AWS_ENDPOINT_URL": plain.URL, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "False"}},
		{"certificates of its own", map[string]string{"AWS_ENDPOINT_URL": secure.URL, "AWS_CA_BUNDLE": bundle}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set(t, tt.set)
			ours, err := ambient.Config(os.Getenv) //nolint:forbidigo // this is main here
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := config.LoadDefaultConfig(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got, want := seen(t, ours, &reached), seen(t, theirs, &reached)
			if diff := cmp.Diff(want, got); diff != "" || len(got) != 1 {
				t.Errorf("requests (-SDK's +ours):\n%s", diff)
			}
		})
	}
}

// endpoints is what the SDK's clients ask the sources of a configuration for.
func endpoints(t *testing.T, cfg aws.Config) (fips aws.FIPSEndpointState, dualStack aws.DualStackEndpointState) {
	t.Helper()
	for _, source := range slices.Backward(cfg.ConfigSources) {
		if s, ok := source.(interface {
			GetUseFIPSEndpoint(ctx context.Context) (aws.FIPSEndpointState, bool, error)
		}); ok {
			if value, found, err := s.GetUseFIPSEndpoint(t.Context()); found || err != nil {
				fips = value
			}
		}
		if s, ok := source.(interface {
			GetUseDualStackEndpoint(ctx context.Context) (aws.DualStackEndpointState, bool, error)
		}); ok {
			if value, found, err := s.GetUseDualStackEndpoint(t.Context()); found || err != nil {
				dualStack = value
			}
		}
	}
	return fips, dualStack
}

func TestTheVariantOfTheEndpointIsWhatTheSDKMakesOfIt(t *testing.T) {
	for _, fips := range []string{"", "true", "TRUE"} {
		for _, dualStack := range []string{"", "true"} {
			t.Run("fips "+fips+" dual "+dualStack, func(t *testing.T) {
				set(t, map[string]string{"AWS_USE_FIPS_ENDPOINT": fips, "AWS_USE_DUALSTACK_ENDPOINT": dualStack})
				ours, err := ambient.Config(os.Getenv) //nolint:forbidigo // this is main here
				if err != nil {
					t.Fatal(err)
				}
				theirs, err := config.LoadDefaultConfig(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				gotFIPS, gotDual := endpoints(t, ours)
				wantFIPS, wantDual := endpoints(t, theirs)
				if gotFIPS != wantFIPS || gotDual != wantDual {
					t.Errorf("variant = %v, %v, want %v, %v", gotFIPS, gotDual, wantFIPS, wantDual)
				}
			})
		}
	}
}

// environment returns a getenv of a few variables.
func environment(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

func TestConfiguredEndpointsMayBeIgnored(t *testing.T) {
	t.Parallel()
	cfg, err := ambient.Config(environment(map[string]string{
		"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
	}))
	if err != nil || cfg.BaseEndpoint != nil {
		t.Errorf("Config = endpoint %v, %v, want none", cfg.BaseEndpoint, err)
	}
}

func TestAnEnvironmentThatOutlivesItsKeysAsksForThem(t *testing.T) {
	t.Parallel()
	var authorization string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Get("Authorization")
		_, _ = w.Write([]byte(`{"AccessKeyId":"AKIDEXAMPLE","SecretAccessKey":"secret","Token":"token"}`))
	}))
	t.Cleanup(server.Close)
	cfg, err := ambient.Config(environment(map[string]string{
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": server.URL, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "let me",
	}))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || keys.AccessKeyID != "AKIDEXAMPLE" || keys.SessionToken != "token" || authorization != "let me" {
		t.Errorf("Retrieve = %s, %s, %v, asked with %q", keys.AccessKeyID, keys.SessionToken, err, authorization)
	}
}

// The keys of a role are asked for over plain HTTP on this machine and of the
// agents of ECS and EKS only, as the SDK does.
func TestKeysAreAskedForWhereTheSDKDoes(t *testing.T) {
	for uri, good := range map[string]bool{
		"http://127.0.0.1:9001/2021-04-23/credentials": true,
		"http://127.1.2.3":              true,
		"http://[::1]:80/x":             true,
		"http://[::ffff:127.0.0.1]/x":   true,
		"http://localhost/x":            true,
		"http://169.254.170.2/v2":       true,
		"http://169.254.170.23/v1":      true,
		"http://[fd00:ec2::23]/v1":      true,
		"https://keys.example/x":        true,
		"HTTPS://192.0.2.1/x":           true,
		"http://169.254.170.3/v2":       false,
		"http://169.254.169.254/latest": false,
		"http://192.0.2.1/x":            false,
		"HTTP://192.0.2.1/x":            false,
		"http://0.0.0.0/x":              false,
		"http://[fd00:ec2::24]/v1":      false,
		"http://127.0.0.1@192.0.2.1/x":  false,
		"http:///x":                     false,
		"https:///x":                    false,
		"/x":                            false,
		"":                              true, // which is none
	} {
		t.Run(uri, func(t *testing.T) {
			set(t, map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": uri})
			if _, err := config.LoadDefaultConfig(t.Context()); (err == nil) != good {
				t.Fatalf("LoadDefaultConfig error = %v, want good %t", err, good)
			}
			if _, err := ambient.Config(os.Getenv); (err == nil) != good { //nolint:forbidigo // this is main here
				t.Errorf("Config error = %v, want good %t", err, good)
			}
		})
	}
}

func TestWithoutCredentialsThereAreNone(t *testing.T) {
	t.Parallel()
	cfg, err := ambient.Config(environment(map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE"}))
	if err != nil || cfg.Credentials != nil {
		t.Errorf("Config = credentials %v, %v, want none", cfg.Credentials, err)
	}
}

func TestTheErrorNamesTheVariableThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	nothing := filepath.Join(t.TempDir(), "nothing.pem")
	if err := os.WriteFile(nothing, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, value, want string }{
		{"AWS_USE_FIPS_ENDPOINT", "yes", `AWS_USE_FIPS_ENDPOINT: "yes" is neither true nor false`},
		{"AWS_USE_DUALSTACK_ENDPOINT", "1", `AWS_USE_DUALSTACK_ENDPOINT: "1" is neither true nor false`},
		{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "no", `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "no" is neither true nor false`},
		{"AWS_CA_BUNDLE", nothing, "AWS_CA_BUNDLE: " + nothing + " has no certificate"},
		{"AWS_CA_BUNDLE", "none.pem", "AWS_CA_BUNDLE: open none.pem: no such file or directory"},
		{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/keys", "AWS_CONTAINER_CREDENTIALS_FULL_URI: 192.0.2.1 is neither this machine nor a container's agent; want one of them, or https"},
		{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http:///keys", `AWS_CONTAINER_CREDENTIALS_FULL_URI: "http:///keys" names no host`},
		{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "\x01", `AWS_CONTAINER_CREDENTIALS_FULL_URI: "\x01" is no URL`},
	}
	for _, tt := range tests {
		t.Run(tt.name+"="+filepath.Base(tt.value), func(t *testing.T) {
			t.Parallel()
			_, err := ambient.Config(environment(map[string]string{tt.name: tt.value}))
			if err == nil || err.Error() != tt.want {
				t.Errorf("Config error = %v, want %s", err, tt.want)
			}
		})
	}
}
