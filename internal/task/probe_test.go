package task_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/internal/probe"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

func TestProbeChecksItsParameters(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, parameters, target string
		want                     protocol.Faults
	}{
		{"none", `{}`, "dynamodb", nil},
		{
			"all of a service", `{"method":"HEAD","path":"/ping?x=1","samples":20,"expectStatus":200,"ipFamily":"ipv6","dualStack":true,"fips":true,"followRedirects":true}`,
			"s3", nil,
		},
		{"all of a URL", `{"url":"https://{target}.{region}.example.com:8443/{region}/{target}?t={target}","ipFamily":"ipv4"}`, "shop-1.v2", nil},
		{"a label", `{"url":"https://example.com"}`, "any / name", nil},
		{"method", `{"method":"TRACE"}`, "s3", protocol.Faults{{Path: "parameters.method", Value: `"TRACE"`, Detail: `want one of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE`}}},
		{"path", `{"path":"ping"}`, "s3", protocol.Faults{{Path: "parameters.path", Value: `"ping"`, Detail: `want a path that begins with "/"`}}},
		{"path that makes another host", `{"path":"@evil.example/"}`, "s3", protocol.Faults{{Path: "parameters.path", Value: `"@evil.example/"`, Detail: `want a path that begins with "/"`}}},
		{"path with a fragment", `{"path":"/a#b"}`, "s3", protocol.Faults{{Path: "parameters.path", Value: `"/a#b"`, Detail: "a fragment is not sent; leave it out"}}},
		{"samples", `{"samples":21}`, "s3", protocol.Faults{{Path: "parameters.samples", Value: "21", Detail: "out of range; want 1 to 20"}}},
		{"no samples", `{"samples":0}`, "s3", protocol.Faults{{Path: "parameters.samples", Value: "0", Detail: "out of range; want 1 to 20"}}},
		{"family", `{"ipFamily":"6"}`, "s3", protocol.Faults{{Path: "parameters.ipFamily", Value: `"6"`, Detail: `want "ipv4" or "ipv6"`}}},
		{"file", `{"url":"file:///etc/passwd"}`, "s3", protocol.Faults{{Path: "parameters.url", Value: `"file:///etc/passwd"`, Detail: "want a URL that begins with https:// or http://"}}},
		{"user", `{"url":"https://me:it@example.com/"}`, "s3", protocol.Faults{{Path: "parameters.url", Value: `"https://me:it@example.com/"`, Detail: "a user or password in a URL is refused"}}},
		{"no URL", `{"url":"https://exa mple.com/"}`, "s3", protocol.Faults{{Path: "parameters.url", Value: `"https://exa mple.com/"`, Detail: "want a URL, such as https://{target}.{region}.example.com/health"}}},
		{"another placeholder", `{"url":"https://example.com/{zone}"}`, "s3", protocol.Faults{{Path: "parameters.url", Value: `"https://example.com/{zone}"`, Detail: "want no braces except in {region} and {target}"}}},
		{"a service's with a URL", `{"url":"https://example.com","path":"/","fips":true,"dualStack":true}`, "s3", protocol.Faults{
			{Path: "parameters.path", Value: `"/"`, Detail: "is for a service's endpoint; leave it out when there is a url"},
			{Path: "parameters.fips", Value: "true", Detail: "is for a service's endpoint; leave it out when there is a url"},
			{Path: "parameters.dualStack", Value: "true", Detail: "is for a service's endpoint; leave it out when there is a url"},
		}},
		{"target that is no service", `{}`, "shop", protocol.Faults{{Path: "targets[0]", Value: `"shop"`, Detail: `is not a service; did you mean "sso"?`}}},
		{"target that is another host", `{"url":"https://{target}.example.com/"}`, "evil.example/?", protocol.Faults{
			{Path: "targets[0]", Value: `"evil.example/?"`, Detail: "for {target} in a URL want letters, digits, dots, hyphens and underscores"},
		}},
		{"target that goes up", `{"url":"https://example.com/a/{target}/"}`, "..", protocol.Faults{
			{Path: "targets[0]", Value: `".."`, Detail: "for {target} in a URL want letters, digits, dots, hyphens and underscores"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := task.Builtin().Check("probe", json.RawMessage(tt.parameters), []string{tt.target})
			if tt.name == "target that is no service" && len(got) == 1 {
				got[0].Detail, tt.want[0].Detail = "", "" // the nearest name does not matter here
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Check(probe, %s, %s) (-want +got):\n%s", tt.parameters, tt.target, diff)
			}
		})
	}
}

// A target in a URL cannot change the URL around it.
func TestATargetCannotChangeTheURLAroundIt(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.Host + r.RequestURI }))
	t.Cleanup(server.Close)
	tasks, err := task.Builtin().Configure(settings{"MERIDIAN_PROBE_ALLOW_CIDRS": "127.0.0.1/32", "MERIDIAN_PROBE_ALLOW_PORTS": "1-65535"}.lookup, nil)
	if err != nil {
		t.Fatal(err)
	}
	parameters := json.RawMessage(`{"url":"` + server.URL + `/a/{target}/b?c={target}"}`)
	work := prepare(t, tasks, "probe", parameters)
	rapid.Check(t, func(t *rapid.T) {
		target := rapid.OneOf(rapid.StringMatching(`[a-z./@:?#%&_-]{1,8}`), rapid.String()).Draw(t, "target")
		if target == protocol.EveryService || tasks.Check("probe", parameters, []string{target}) != nil {
			return
		}
		want := strings.TrimPrefix(server.URL, "http://") + "/a/" + target + "/b?c=" + target
		if _, err := work(t.Context(), "eu-west-1", protocol.Target{Name: target}); err != nil {
			t.Fatalf("probe of %q = %v", target, err)
		}
		if got := <-asked; got != want {
			t.Errorf("probe of %q asked for %s, want %s", target, got, want)
		}
	})
}

// settings are the settings of a worker.
type settings map[string]string

func (s settings) lookup(name string) string { return s[name] }

// locally returns the task for a server on the loopback. It trusts the server's
// certificate.
func locally(t *testing.T, server *httptest.Server, parameters string) task.Work {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if server.Certificate() != nil {
		data := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := settings{
		"MERIDIAN_PROBE_ALLOW_CIDRS": "127.0.0.0/8", "MERIDIAN_PROBE_ALLOW_PORTS": "1-65535", "MERIDIAN_PROBE_ALLOW_METHODS": "POST",
	}
	if server.Certificate() != nil {
		s["MERIDIAN_PROBE_CA_FILE"] = file
	}
	tasks, err := task.Builtin().Configure(s.lookup, nil)
	if err != nil {
		t.Fatal(err)
	}
	work := prepare(t, tasks, "probe", json.RawMessage(strings.ReplaceAll(parameters, "URL", server.URL)))
	return work
}

func TestProbeDescribesTheAnswerAndItsTimes(t *testing.T) {
	t.Parallel()
	const number = `\d+\.\d`
	tests := []struct {
		name, parameters, message, summary string
		plain                              bool
		want                               task.ProbeOutput
	}{
		{
			name: "TLS", parameters: `{"url":"URL/ping","expectStatus":200}`,
			message: `127\.0\.0\.1 for eu-west-1: 200 in N ms \(dns N, connect N, tls N, first byte N\)`,
			want: task.ProbeOutput{
				Host: "127.0.0.1", Address: "127.0.0.1", Family: "ipv4", HTTPStatus: 200, Protocol: "HTTP/1.1",
				TLS: &task.ProbeTLS{Version: "TLS 1.3"},
			},
		},
		{
			name: "plain, many samples", parameters: `{"url":"URL/","samples":4,"method":"HEAD"}`, plain: true,
			message: `127\.0\.0\.1 for eu-west-1: 404 in N ms \(median of 4 from N to N: dns N, connect N, first byte N\)`,
			want: task.ProbeOutput{
				Host: "127.0.0.1", Address: "127.0.0.1", Family: "ipv4", HTTPStatus: 404, Protocol: "HTTP/1.1", Samples: 4,
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			mux.HandleFunc("GET /ping", func(http.ResponseWriter, *http.Request) {})
			start := httptest.NewTLSServer
			if tt.plain {
				start = httptest.NewServer
			}
			server := start(mux)
			t.Cleanup(server.Close)
			data, err := locally(t, server, tt.parameters)(t.Context(), "eu-west-1", protocol.Target{Name: "dynamodb"})
			var got task.ProbeOutput
			if err := errors.Join(err, json.Unmarshal(data, &got)); err != nil {
				t.Fatalf("probe = %s, %v", data, err)
			}
			message := strings.ReplaceAll(tt.message, "N", number)
			if !regexp.MustCompile("^"+message+"$").MatchString(got.Message) || !strings.Contains(got.Message, ": "+got.Summary+" (") {
				t.Errorf("probe says %q, in short %q; want %s", got.Message, got.Summary, message)
			}
			if sum := got.ResolveMs + got.ConnectMs + got.TLSMs + got.FirstByteMs; tt.want.Samples == 0 && (sum <= 0 || sum > got.TotalMs+0.003) {
				t.Errorf("probe = %s: the phases are not within the total", data)
			}
			if tt.want.Samples > 0 {
				if got.Min == nil || got.Median == nil || got.Max == nil ||
					got.Min.TotalMs > got.Median.TotalMs || got.Median.TotalMs > got.Max.TotalMs || *got.Median != got.ProbeTimes {
					t.Errorf("probe = %s; want min, median and max in order", data)
				}
				got.Min, got.Median, got.Max = nil, nil, nil
			}
			if tt.want.TLS != nil && got.TLS != nil {
				days := int(time.Until(server.Certificate().NotAfter) / (24 * time.Hour))
				if got.TLS.CertificateDaysLeft != days {
					t.Errorf("probe counts %d days left, want %d", got.TLS.CertificateDaysLeft, days)
				}
				if issuer := server.Certificate().Issuer.String(); got.TLS.CertificateIssuer != issuer || got.TLS.Cipher == "" {
					t.Errorf("probe = %+v, want the issuer %s and a cipher", got.TLS, issuer)
				}
				got.TLS = &task.ProbeTLS{Version: got.TLS.Version}
			}
			got.Message, got.Summary, got.ProbeTimes = "", "", task.ProbeTimes{}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("probe (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAProbesFailureIsTheTargets(t *testing.T) {
	t.Parallel()
	var answers atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if answers.Add(1) > 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	_, err := locally(t, server, `{"url":"URL","samples":5,"expectStatus":200}`)(t.Context(), "eu-west-1", protocol.Target{Name: "dynamodb"})
	named, ok := errors.AsType[interface {
		error
		ErrorName() string
	}](err)
	const want = "sample 3 of 5: GET to 127.0.0.1: status 503, want 200"
	if !ok || named.ErrorName() != "Probe.Status" || err.Error() != want || answers.Load() != 3 {
		t.Errorf("probe = %v after %d samples, want Probe.Status: %s", err, answers.Load(), want)
	}
}

func TestAServiceThatIsNotInTheRegionIsNotProbed(t *testing.T) {
	t.Parallel()
	work := prepare(t, task.Builtin(), "probe", nil)
	_, err := work(t.Context(), "ap-southeast-7", protocol.Target{Name: "apprunner"})
	if skipped, ok := errors.AsType[*task.SkipError](err); !ok || skipped.Reason != "apprunner is not listed in ap-southeast-7" {
		t.Errorf("probe = %v, want to skip", err)
	}
}

func TestWhatTheOperatorDoesNotAllowIsRefused(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	port := server.URL[strings.LastIndex(server.URL, ":")+1:]
	for _, tt := range []struct {
		name, parameters string
		settings         settings
		want             string
	}{
		{"port", `{"url":"URL"}`, settings{"MERIDIAN_PROBE_ALLOW_CIDRS": "127.0.0.0/8"}, "connect to 127.0.0.1: port " + port + " is refused; the worker's operator can allow it"},
		{"port of mail", `{"url":"http://example.com:25/"}`, nil, "connect to example.com: port 25 is refused; the worker's operator can allow it"},
		{"address", `{"url":"URL"}`, settings{"MERIDIAN_PROBE_ALLOW_PORTS": port}, "connect to 127.0.0.1: its address is refused: loopback; the worker's operator can allow it"},
		{
			"denied address", `{"url":"URL"}`,
			settings{"MERIDIAN_PROBE_ALLOW_CIDRS": "127.0.0.0/8", "MERIDIAN_PROBE_DENY_CIDRS": "127.0.0.1/32", "MERIDIAN_PROBE_ALLOW_PORTS": "1-65535"},
			"connect to 127.0.0.1: its address is refused: the worker's operator denies its network",
		},
		{
			"method", `{"url":"URL","method":"POST"}`,
			settings{"MERIDIAN_PROBE_ALLOW_CIDRS": "127.0.0.0/8", "MERIDIAN_PROBE_ALLOW_METHODS": "PUT", "MERIDIAN_PROBE_ALLOW_PORTS": "1-65535"},
			"POST to 127.0.0.1: method POST is refused; the worker's operator can allow it",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tasks, err := task.Builtin().Configure(tt.settings.lookup, nil)
			if err != nil {
				t.Fatal(err)
			}
			work := prepare(t, tasks, "probe", json.RawMessage(strings.ReplaceAll(tt.parameters, "URL", server.URL)))
			if _, err := work(t.Context(), "eu-west-1", protocol.Target{Name: "dynamodb"}); err == nil || err.Error() != tt.want {
				t.Errorf("probe = %v, want %s", err, tt.want)
			}
		})
	}
}

// An answer that is not what the request expects fails its target, under the name of the
// expectation.
func TestAnExpectationThatIsNotMetHasAName(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s %s %s", r.Method, r.Header.Get("X-Token"), r.Host, body)
	}))
	t.Cleanup(server.Close)
	for _, tt := range []struct{ parameters, error, text string }{
		{`"expectStatus":"2xx","expectBody":["^GET","$"],"refuseBody":"POST","maxLatencyMs":900000,"minCertificateDays":14`, "", ""},
		{`"method":"POST","body":"ping","headers":{"x-token":"hunter2","Host":"a.example"},"expectBody":"^POST hunter2 a.example ping$"`, "", ""},
		{`"expectStatus":["3xx",404]`, "Probe.Status", "GET to 127.0.0.1: status 200, want 3xx or 404"},
		{`"expectBody":"healthy"`, "Probe.Body", `GET to 127.0.0.1: the body does not match "healthy"`},
		{`"refuseBody":"^G","headers":{"x-token":"hunter2"}`, "Probe.Body", `GET to 127.0.0.1: the body matches "^G"`},
		{`"maxLatencyMs":0.000001,"samples":2`, "Probe.Latency", `127.0.0.1 for eu-west-1: 200 in …: want at most 1e-06 ms`},
		{`"minCertificateDays":1000`, "", ""},
	} {
		t.Run(tt.parameters, func(t *testing.T) {
			t.Parallel()
			_, err := locally(t, server, `{"url":"URL",`+tt.parameters+`}`)(t.Context(), "eu-west-1", protocol.Target{Name: "dynamodb"})
			name, text := "", ""
			if named, ok := errors.AsType[*probe.Error](err); ok {
				name, text = named.Name, err.Error()
			}
			before, after, _ := strings.Cut(tt.text, "…")
			if name != tt.error || !strings.HasPrefix(text, before) || !strings.HasSuffix(text, after) || strings.Contains(text, "hunter2") {
				t.Errorf("probe = %v, want %s: %s", err, tt.error, tt.text)
			}
		})
	}
	const tooLong = `{"url":"URL","minCertificateDays":1000}`
	short := httptest.NewUnstartedServer(http.NotFoundHandler())
	short.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{expiring(t, 999*24*time.Hour+time.Hour)}}
	short.StartTLS()
	t.Cleanup(short.Close)
	_, err := locally(t, short, tooLong)(t.Context(), "eu-west-1", protocol.Target{Name: "dynamodb"})
	const few = "TLS handshake with 127.0.0.1: the first certificate of its chain to expire has 999 days left, want 1000"
	if named, ok := errors.AsType[*probe.Error](err); !ok || named.Name != probe.ErrorCertificate || err.Error() != few {
		t.Errorf("probe = %v, want Probe.Certificate: %s", err, few)
	}
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	_, err = locally(t, plain, `{"url":"URL","minCertificateDays":1}`)(t.Context(), "eu-west-1", protocol.Target{Name: "dynamodb"})
	const want = "TLS handshake with 127.0.0.1: there was none: the answer is plain HTTP"
	if named, ok := errors.AsType[*probe.Error](err); !ok || named.Name != probe.ErrorCertificate || err.Error() != want {
		t.Errorf("probe = %v, want Probe.Certificate: %s", err, want)
	}
}

// expiring returns a certificate for 127.0.0.1 that is its own authority.
func expiring(t *testing.T, valid time.Duration) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(valid),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestSettingsThatAreWrongAreRefusedBeforeAnyWork(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name     string
		settings settings
		want     string
	}{
		{"none", nil, ""},
		{
			"a network",
			settings{"MERIDIAN_PROBE_ALLOW_CIDRS": "10.0.0.0"},
			`settings of task probe: MERIDIAN_PROBE_ALLOW_CIDRS: "10.0.0.0" is not a network; want one such as 10.1.0.0/16`,
		},
		{
			"a network to deny",
			settings{"MERIDIAN_PROBE_DENY_CIDRS": "10.0.0.1"},
			`settings of task probe: MERIDIAN_PROBE_DENY_CIDRS: "10.0.0.1" is not a network; want one such as 10.1.0.0/16`,
		},
		{
			"a port",
			settings{"MERIDIAN_PROBE_ALLOW_PORTS": "8443,9100-9000"},
			`settings of task probe: MERIDIAN_PROBE_ALLOW_PORTS: "9100-9000" is not a port or a range of ports; want one such as 8443 or 9000-9100`,
		},
		{
			"a method",
			settings{"MERIDIAN_PROBE_ALLOW_METHODS": "POST, connect"},
			`settings of task probe: MERIDIAN_PROBE_ALLOW_METHODS: "connect" is not one of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE`,
		},
		{
			"a file that does not exist",
			settings{"MERIDIAN_PROBE_CA_FILE": "/nowhere/ca.pem"},
			"settings of task probe: MERIDIAN_PROBE_CA_FILE: ",
		},
		{"a file without certificates", settings{"MERIDIAN_PROBE_CA_FILE": empty}, "settings of task probe: MERIDIAN_PROBE_CA_FILE: the file has no certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := task.Builtin().Configure(tt.settings.lookup, nil)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" { // the system's own words follow
				t.Errorf("Configure = %q, want %q", got, tt.want)
			}
		})
	}
}
