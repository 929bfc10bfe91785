package invoke_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/google/go-cmp/cmp"

	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
	"meridian/pkg/protocol"
)

// A request is the one that the SDK's own client sends, and its signature is valid.
func TestLambdaRequestIsTheSDKs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, function, path, token string
		payload                     []byte
	}{
		{"a name", "worker", "", "", []byte(`{"a":1}`)},
		{"an alias", "worker:live", "", "", []byte(`{}`)},
		{"an ARN", "arn:aws:lambda:us-east-1:123456789012:function:worker:live", "", "", []byte(`{}`)},
		{"an endpoint with a path", "worker", "/lambda/", "", []byte(`{}`)},
		{"an endpoint with an escaped path", "worker:live", "/a%2Fb%20c/", "", []byte(`{}`)},
		{"an endpoint with a query", "worker", "/lambda?a=b#c", "", []byte(`{}`)},
		{"no payload", "worker", "", "", nil},
		{"a session", "worker", "", "token/with+signs==", []byte(`{}`)},
		{"a session pasted with a space", "worker", "", " token ", []byte(`{}`)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			credentials := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example", SessionToken: test.token}
			var requests []map[string]string
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				checkSignature(t, r, body, credentials)
				requests = append(requests, map[string]string{
					"request": r.Method + " " + r.RequestURI, "host": r.Host, "body": string(body),
					"type": r.Header.Get("X-Amz-Invocation-Type"), "content": r.Header.Get("Content-Type"),
					"length": r.Header.Get("Content-Length"),
				})
			}))
			t.Cleanup(server.Close)
			cfg := aws.Config{
				Region: "us-east-1", BaseEndpoint: aws.String(server.URL + test.path),
				Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil }),
			}
			invoker := newLambda(t, cfg, invoke.Settings{Function: test.function})
			if _, _, err := invoker.Invoke(t.Context(), "us-east-1", test.payload); err != nil {
				t.Fatalf("Invoke = %v, want success", err)
			}
			_, err := lambda.NewFromConfig(cfg).Invoke(t.Context(), &lambda.InvokeInput{
				FunctionName: &test.function, Payload: test.payload, InvocationType: "RequestResponse",
			})
			if err != nil {
				t.Fatal(err)
			}
			if test.payload == nil {
				requests[1]["content"] = "application/octet-stream" // which the SDK leaves out
			}
			if diff := cmp.Diff(requests[1], requests[0]); diff != "" {
				t.Errorf("the request differs from the SDK's (-SDK +ours):\n%s", diff)
			}
		})
	}
}

// An endpoints is a source of configuration, as package config makes one of the
// environment.
type endpoints struct{ fips, dualStack bool }

func (e endpoints) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	return aws.FIPSEndpointStateEnabled, e.fips, nil
}

func (e endpoints) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	return aws.DualStackEndpointStateEnabled, e.dualStack, nil
}

// Lambda is called at the endpoint that the configuration says, in every partition.
func TestLambdaCallsTheEndpointThatTheConfigurationSays(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, region, base string
		endpoints          endpoints
		want               string
	}{
		{"none", "eu-west-1", "", endpoints{}, "lambda.eu-west-1.amazonaws.com:443"},
		{"FIPS", "us-east-1", "", endpoints{fips: true}, "lambda-fips.us-east-1.amazonaws.com:443"},
		{"dual-stack", "us-east-1", "", endpoints{dualStack: true}, "lambda.us-east-1.api.aws:443"},
		{"both", "us-east-1", "", endpoints{fips: true, dualStack: true}, "lambda-fips.us-east-1.api.aws:443"},
		{"China", "cn-north-1", "", endpoints{}, "lambda.cn-north-1.amazonaws.com.cn:443"},
		{"an address of IPv6", "us-east-1", "https://[2001:db8::1]:9443", endpoints{}, "[2001:db8::1]:9443"},
		{"an address of IPv6 without a port", "us-east-1", "http://[::1]", endpoints{}, "[::1]:80"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := invoketest.Config(test.region, test.base)
			cfg.ConfigSources = []any{test.endpoints}
			if test.base == "" {
				cfg.BaseEndpoint = nil
			}
			var got string
			invoker := newLambda(t, cfg, invoke.Settings{
				Function: "worker",
				Dial: func(_ context.Context, _, address string) (net.Conn, error) {
					got = address
					return nil, net.ErrClosed
				},
			})
			if _, _, err := invoker.Invoke(t.Context(), test.region, []byte(`{}`)); err == nil || got != test.want {
				t.Errorf("Invoke = %v, and dialled %q, want %q", err, got, test.want)
			}
		})
	}
}

// A setting that is no URL of a server is refused at once, and is not repeated: it may
// have a password. Nothing is sent over another protocol, or in the clear.
func TestLambdaEndpointIsNoURL(t *testing.T) {
	t.Parallel()
	for _, base := range []string{
		"localhost:4566", "ftp://localhost:4566", "http:///lambda", "/lambda", "", "user:hunter2@localhost:4566",
		"https://user:hunter2@localhost:hunter2", "https://user:hun%ter2@localhost", "http://user:hunter2@", "https://user:hunter2/@localhost",
	} {
		_, err := invoke.NewLambda(aws.Config{Region: "us-east-1", BaseEndpoint: &base}, invoke.Settings{Function: "worker"})
		if name(err) != protocol.ErrorLambdaSDKClient || !strings.Contains(err.Error(), "the endpoint is no http or https URL; set AWS_ENDPOINT_URL") {
			t.Errorf("NewLambda with endpoint %q = %v, want an error that says what to set", base, err)
		}
		if err != nil && strings.Contains(err.Error(), "hun") {
			t.Errorf("NewLambda with endpoint %q = %v, which repeats the password", base, err)
		}
	}
}

// checkSignature signs the signed headers of a request again, and compares.
func checkSignature(t *testing.T, r *http.Request, body []byte, credentials aws.Credentials) {
	t.Helper()
	_, signed, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
	signed, _, _ = strings.Cut(signed, ",")
	u, err := url.ParseRequestURI(r.RequestURI)
	if err != nil {
		t.Error(err)
		return
	}
	u.Scheme, u.Host = "http", r.Host
	again := &http.Request{Method: r.Method, URL: u, Host: r.Host, Header: http.Header{}, ContentLength: r.ContentLength}
	for name := range strings.SplitSeq(signed, ";") {
		if values := r.Header.Values(name); values != nil {
			again.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	when, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		t.Error(err)
	}
	hash := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(r.Context(), credentials, again, hex.EncodeToString(hash[:]), "lambda", "us-east-1", when); err != nil {
		t.Error(err)
	}
	if got, want := r.Header.Get("Authorization"), again.Header.Get("Authorization"); got != want {
		t.Errorf("Authorization = %s, want %s", got, want)
	}
}

// newHTTP2 returns an invoker of a worker behind HTTP/2 and TLS, as Lambda is. The
// certificates are in an HTTP client of the configuration, as those of AWS_CA_BUNDLE.
func newHTTP2(tb testing.TB, worker invoketest.Worker, placement invoke.Placement) *invoke.Lambda {
	tb.Helper()
	plain := invoketest.NewServer(tb, worker)
	server := httptest.NewUnstartedServer(plain)
	server.EnableHTTP2 = true
	server.StartTLS()
	tb.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	cfg := plain.Config()
	cfg.BaseEndpoint = &server.URL
	cfg.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	})
	return newLambda(tb, cfg, invoke.Settings{Placement: placement})
}

// Prepare opens the connections before the first call, as many as the calls of all the
// Regions that a worker serves need.
func TestLambdaPrepareOpensBeforeTheCalls(t *testing.T) {
	t.Parallel()
	for _, placement := range []invoke.Placement{invoke.Home, invoke.Regional} {
		synctest.Test(t, func(t *testing.T) {
			server := invoketest.NewMemoryServer(t, echo)
			invoker := newLambda(t, server.Config(), invoke.Settings{Placement: placement, Dial: server.Dial})
			invoker.Prepare(t.Context(), map[string]int{"eu-west-1": 5})
			synctest.Wait()
			if total, _ := server.Connections(); total != 5 {
				t.Errorf("%s: %d connections for 5 calls, want as many", placement, total)
			}
			if placement == invoke.Home {
				invoker.Prepare(t.Context(), map[string]int{"eu-west-1": 4, "us-west-2": 3, "us-east-1": 2})
				synctest.Wait()
				if total, _ := server.Connections(); total != 9 {
					t.Errorf("%s: %d connections for 4, 3 and 2 calls, want 9", placement, total)
				}
			}
			if names, _ := calls(t, invoker, 5); names[""] != 5 {
				t.Errorf("%s: calls ended with %v, want success", placement, names)
			}
			if total, _ := server.Connections(); total > 9 {
				t.Errorf("%s: %d connections after the calls, want none more", placement, total)
			}
			time.Sleep(time.Minute) // until they have been idle for too long
		})
	}
}

// HTTPS_PROXY is used, except for the hosts in NO_PROXY. The environment is read once in
// a process, so other processes make the calls.
func TestLambdaFollowsTheProxyOfTheEnvironment(t *testing.T) {
	t.Parallel()
	const inside = "MERIDIAN_TEST_PROXY"
	if os.Getenv(inside) != "" { //nolint:forbidigo // it tests the environment
		invoker := dialled(t, "https://lambda.us-east-1.amazonaws.com", func(_ context.Context, _, address string) (net.Conn, error) {
			t.Log("dialled " + address)
			return nil, net.ErrClosed
		}, invoke.Settings{})
		_, _, err := invoker.Invoke(t.Context(), "us-east-1", []byte(`{}`))
		t.Log(err)
		return
	}
	for _, test := range []struct{ noProxy, want string }{
		{"", "proxy.test:3128"},
		{"example.com,169.254.169.254", "proxy.test:3128"},
		{"localhost,.amazonaws.com", "lambda.us-east-1.amazonaws.com:443"},
		{"*", "lambda.us-east-1.amazonaws.com:443"},
	} {
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLambdaFollowsTheProxyOfTheEnvironment$", "-test.v")
		command.Env = append(os.Environ(), inside+"=1", "HTTPS_PROXY=http://user:secret@proxy.test:3128", "NO_PROXY="+test.noProxy) //nolint:forbidigo // it tests the environment
		out, err := command.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("dialled "+test.want+"\n")) || bytes.Contains(out, []byte("secret")) {
			t.Errorf("NO_PROXY=%s: the call ended with %v, want %s dialled and no password told:\n%s", test.noProxy, err, test.want, out)
		}
	}
}
