//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"meridian/internal/wire"
)

// nginxConfig is nginx's: HTTP/2 over TLS in front of one backend. nginx sends no
// request to the backend twice.
const nginxConfig = `
daemon off;
pid %[1]s/nginx.pid;
error_log %[1]s/error.log;
worker_processes 2;
events { worker_connections 4096; }
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	upstream backend { server %[2]s; keepalive 256; }
	server {
		listen %[3]s ssl http2;
		ssl_certificate %[1]s/certificate.pem;
		ssl_certificate_key %[1]s/key.pem;
		%[4]s
		location / {
			proxy_pass http://backend;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_next_upstream off;
		}
	}
}
`

// Through nginx that ends connections all the time, no call is lost, none is done
// twice, and none is called unsent that ran.
func TestNginx(t *testing.T) {
	part(t, "nginx", "nginx")
	for _, test := range []struct {
		name, setting string
		work          time.Duration // of each call
		reload        time.Duration // the configuration, so often
	}{
		{"a GOAWAY after ten requests", "keepalive_requests 10;", 5 * time.Millisecond, 0},
		{"one stream a connection", "http2_max_concurrent_streams 1;", 5 * time.Millisecond, 0},
		{"a reload every 0.3 s", "", 150 * time.Millisecond, 300 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			const callers = 100
			calls := 2000
			if full() {
				calls *= 10
			}
			b := &backend{ran: map[string]int{}, work: test.work}
			n := startNginx(t, b, test.setting)
			if test.reload > 0 {
				stop := n.reloadEvery(t, test.reload)
				defer stop()
			}
			errs := n.callAll(t, calls, callers)
			lost, unsent := 0, 0
			for i, err := range errs {
				if err != nil {
					lost++
					t.Logf("call %d: %v", i, err)
				}
				ran := b.ran[strconv.Itoa(i)]
				if e, ok := errors.AsType[*wire.LostError](err); ok && !e.Sent && ran > 0 {
					unsent++
				}
				if ran > 1 {
					t.Errorf("call %d ran %d times", i, ran)
				}
			}
			if lost > 0 || unsent > 0 {
				t.Errorf("%d of %d calls were lost, and %d called unsent that ran, want none", lost, calls, unsent)
			}
			t.Logf("%d calls, %d lost, %d runs over %d connections, %d reloads", calls, lost, len(b.ran), n.dials.Load(), n.reloads.Load())
		})
	}
}

// A backend does the work of calls and records them.
type backend struct {
	work time.Duration

	mu  sync.Mutex
	ran map[string]int // by call
}

// ServeHTTP does the work of a call, once it is there as a whole.
func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	b.mu.Lock()
	b.ran[r.Header.Get("Call")]++
	b.mu.Unlock()
	<-time.After(b.work)
	_, _ = io.WriteString(w, "{}")
}

// An nginx is a running nginx, and a pool that leads to it.
type nginx struct {
	url            string
	process        *os.Process
	pool           *wire.Pool
	dials, reloads atomic.Int64
}

// startNginx starts nginx in front of b.
func startNginx(t *testing.T, b *backend, setting string) *nginx {
	t.Helper()
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	directory, host := t.TempDir(), freeAddress(t.Context(), t)
	roots := writeCertificate(t, directory)
	config := filepath.Join(directory, "nginx.conf")
	text := fmt.Sprintf(nginxConfig, directory, strings.TrimPrefix(server.URL, "http://"), host, setting)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	command := exec.CommandContext(t.Context(), "nginx", "-p", directory, "-c", config)
	command.Stdout, command.Stderr = &output, &output
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) } // the workers end too
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	n := &nginx{url: "https://" + host, process: command.Process}
	t.Cleanup(func() {
		n.pool.Close()
		_ = command.Wait()
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(directory, "error.log"))
			t.Logf("nginx: %s%.2000s", output.String(), log)
		}
	})
	dialer := &net.Dialer{}
	n.pool = wire.New(wire.Config{
		TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			n.dials.Add(1)
			return dialer.DialContext(ctx, network, address)
		},
	})
	for begin := time.Now(); ; <-time.After(20 * time.Millisecond) {
		nc, err := dialer.DialContext(t.Context(), "tcp", host)
		if err == nil {
			_ = nc.Close()
			return n
		}
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("nginx does not listen: %v\n%s", err, output.String())
		}
	}
}

// reloadEvery has nginx reload its configuration again and again, as nginx -s reload
// does. The new workers take the new connections, and the old ones finish.
func (n *nginx) reloadEvery(t *testing.T, every time.Duration) (stop func()) {
	t.Helper()
	ticker, done := time.NewTicker(every), make(chan struct{})
	var loop sync.WaitGroup
	loop.Go(func() {
		for {
			select {
			case <-ticker.C:
				if err := n.process.Signal(syscall.SIGHUP); err != nil {
					t.Error(err)
				}
				n.reloads.Add(1)
			case <-done:
				return
			}
		}
	})
	return func() {
		ticker.Stop()
		close(done)
		loop.Wait()
	}
}

// callAll makes calls, so many at a time, and returns their errors.
func (n *nginx) callAll(t *testing.T, calls, callers int) []error {
	t.Helper()
	u, err := url.Parse(n.url)
	if err != nil {
		t.Fatal(err)
	}
	n.pool.Prepare(u, callers)
	errs := make([]error, calls)
	var next atomic.Int64
	var done sync.WaitGroup
	for range callers {
		done.Go(func() {
			for i := int(next.Add(1)) - 1; i < calls; i = int(next.Add(1)) - 1 {
				errs[i] = n.call(t.Context(), i)
			}
		})
	}
	done.Wait()
	return errs
}

// call makes a call that may not be done twice.
func (n *nginx) call(ctx context.Context, id int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url, strings.NewReader(`{"call":true}`))
	if err != nil {
		return err
	}
	r.Header.Set("Call", strconv.Itoa(id))
	response, err := n.pool.RoundTrip(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

// freeAddress returns an address of the loopback interface with a free port.
func freeAddress(ctx context.Context, t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// writeCertificate writes the certificate of httptest, which is for 127.0.0.1, and
// returns the roots that trust it.
func writeCertificate(t *testing.T, directory string) *x509.CertPool {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	key, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"certificate.pem": {Type: "CERTIFICATE", Bytes: server.Certificate().Raw},
		"key.pem":         {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(directory, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return roots
}
