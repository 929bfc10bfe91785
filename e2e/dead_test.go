//go:build e2e

package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"meridian/internal/endpoints"
	"meridian/pkg/protocol"
)

// deadRegion is the Region that gives no connections.
const deadRegion = "sa-east-1"

// deadOperations are what the run calls in each Region. Each has a host of its own.
var deadOperations = []string{"ec2:DescribeVpcs", "dynamodb:ListTables", "sts:GetCallerIdentity"}

// A Region that gives no connections costs three seconds, once: the command line calls
// three operations in 17 Regions at their real names, through a proxy that leads to a
// server of this test, or for one Region to a listener that does not answer.
func TestDead(t *testing.T) {
	part(t, "dead")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	repo, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{repo: repo, dir: t.TempDir()}
	s.machine(ctx, t, "go", "build", "-o", s.path("meridian"), "./cmd/meridian")
	// The program dials for 3 s. The rest is for its start and for the other Regions. The
	// machine of continuous integration may be busy: there the dials of the three operations
	// are not made one after the other.
	limit := 4 * time.Second
	if os.Getenv("CI") != "" {
		limit = 9 * time.Second
	}
	for _, test := range []struct {
		name   string
		listen func(context.Context, *testing.T) string
	}{
		{"no answer to a SYN", listenFull},
		{"no answer to the TLS handshake", listenSilent},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := startProxy(t, startRegions(t, s.path("roots.pem"), http.HandlerFunc(answerDead)), test.listen(ctx, t),
				func(host string) bool { return slices.Contains(strings.Split(host, "."), deadRegion) })
			env := []string{
				"HOME=" + s.dir, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=example",
				"AWS_EC2_METADATA_DISABLED=true", "AWS_CA_BUNDLE=" + s.path("roots.pem"), "HTTPS_PROXY=" + p.url,
			}
			begin := time.Now()
			out := s.command(ctx, t, env, s.path("meridian"), append([]string{"call", "-o", "json"}, deadOperations...)...)
			took := time.Since(begin)
			result, err := protocol.DecodeResult([]byte(out.stdout))
			if err != nil {
				t.Fatalf("%v\n%s", err, out.stderr)
			}
			t.Logf("%s: %s in %v", result.Status, result.Message, took.Round(time.Millisecond))
			if took > limit {
				t.Errorf("the run took %v, want at most %v", took, limit)
			}
			if n := p.dead.Load(); out.status != 1 || n != int64(len(deadOperations)) {
				t.Errorf("exit status %d and %d connections to the dead Region, want 1 and %d", out.status, n, len(deadOperations))
			}
			checkDead(t, result)
		})
	}
}

// checkDead checks that 16 of 17 Regions completed, and what the dead one says.
func checkDead(t *testing.T, r protocol.Result) {
	t.Helper()
	if c := r.Summary.Regions; c.Total != 17 || c.Succeeded != 16 || c.Failed != 1 {
		t.Errorf("Regions: %+v, want 16 of 17 succeeded", c)
	}
	for _, region := range r.Regions {
		for _, target := range region.Targets {
			dead := target.Error == "Call.Connect" && strings.Contains(target.Cause, "no connection within 3s")
			if dead != (region.Region == deadRegion) || !dead && target.Status != protocol.StatusSucceeded {
				t.Errorf("%s of %s: %s %s %s", target.Target, region.Region, target.Status, target.Error, target.Cause)
			}
		}
	}
}

// listenSilent returns the address of a listener that nothing is accepted from: the
// kernel opens connections, and nothing is ever read.
func listenSilent(ctx context.Context, t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// listenFull returns the address of a listener whose queue is full: the kernel drops the
// SYNs of further connections.
func listenFull(ctx context.Context, t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "listener")
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	l, err := net.FileListener(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = l.Close(), f.Close() })
	address := l.Addr().String()
	for range 16 {
		nc, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
		if err != nil {
			return address
		}
		t.Cleanup(func() { _ = nc.Close() })
	}
	t.Fatal("the queue of the listener does not fill")
	return ""
}

// answerDead answers deadOperations.
func answerDead(w http.ResponseWriter, r *http.Request) {
	body := `{"TableNames":["t"]}`
	switch service, _, _ := strings.Cut(r.Host, "."); service {
	case "ec2":
		body = `<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet></DescribeVpcsResponse>`
	case "sts":
		body = `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`
	}
	_, _ = io.WriteString(w, body)
}

// startRegions starts a server with the certificate of every service in every Region,
// which it writes to a file, and returns its address.
func startRegions(t *testing.T, roots string, handler http.Handler) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	for _, region := range endpoints.Regions("aws") {
		template.DNSNames = append(template.DNSNames, "*."+region.Name+".amazonaws.com")
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// A proxy connects all hosts to one server, and the dead ones to another.
type proxy struct {
	url  string
	dead atomic.Int64 // connections to dead hosts that were asked for
}

// startProxy starts a proxy that is asked with CONNECT.
func startProxy(t *testing.T, alive, dead string, isDead func(host string) bool) *proxy {
	t.Helper()
	p := &proxy{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := alive
		if isDead(r.Host) {
			p.dead.Add(1)
			to = dead
		}
		server, err := new(net.Dialer).DialContext(r.Context(), "tcp", to) // until the client gives up
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer func() { _ = server.Close() }()
		client, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = client.Close() }()
		_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			_, _ = io.Copy(server, client)
			_ = server.Close()
		}()
		_, _ = io.Copy(client, server)
	}))
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}
