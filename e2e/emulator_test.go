//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An emulator is a running emulator of AWS.
type emulator struct {
	name  string // "ministack" or "moto"
	host  string // "127.0.0.1:45678"
	group int    // the process group of the emulator and its functions
}

// supervise runs its arguments until its standard input ends. That happens when the
// test's process ends, even if it is killed.
const supervise = `"$@" & child=$!; cat >/dev/null; kill "$child"; wait "$child"`

// startEmulator starts ministack on a free port of the loopback interface, with
// IAM enforced, and waits until it answers. It is stopped when t ends. The functions have its
// environment, and with it env.
func startEmulator(ctx context.Context, t *testing.T, tools string, env ...string) *emulator {
	t.Helper()
	e := &emulator{name: "ministack", host: freeAddress(ctx, t)}
	_, port, _ := net.SplitHostPort(e.host)
	e.start(ctx, t, "/_ministack/health", append([]string{
		"BIND_HOST=127.0.0.1", "GATEWAY_PORT=" + port, "AUTH=true",
		"MINISTACK_REGION=" + home,
		// The endpoint that the functions call.
		"AWS_ENDPOINT_URL=" + e.url(),
		// Disable unused listeners.
		"SFTP_ENABLED=0", "IOT_MTLS_ENABLED=0",
	}, env...), filepath.Join(tools, "ministack"))
	return e
}

// startMoto starts moto's server, which knows other operations, in the same way. It does
// not enforce IAM.
func startMoto(ctx context.Context, t *testing.T, tools string) *emulator {
	t.Helper()
	e := &emulator{name: "moto", host: freeAddress(ctx, t)}
	address, port, _ := net.SplitHostPort(e.host)
	e.start(ctx, t, "/moto-api/", nil, filepath.Join(tools, "moto_server"), "-H", address, "-p", port)
	return e
}

// start starts a program under supervision and waits until it answers a path. It is
// stopped when t ends.
func (e *emulator) start(ctx context.Context, t *testing.T, path string, env []string, command ...string) {
	t.Helper()
	scratch := t.TempDir()
	var log bytes.Buffer
	cmd := exec.Command("sh", append([]string{"-c", supervise, "sh"}, command...)...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + scratch, "TMPDIR=" + scratch}, env...)
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 5 * time.Second
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	e.group = cmd.Process.Pid
	t.Cleanup(func() {
		_ = lifeline.Close()
		done := make(chan struct{})
		go func() { defer close(done); _ = cmd.Wait() }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
		}
		// Kill the functions' processes, and the emulator if it did not stop.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-done
		if t.Failed() {
			lines := strings.Split(strings.TrimSpace(log.String()), "\n")
			t.Logf("the emulator's last lines:\n%s", strings.Join(lines[max(0, len(lines)-40):], "\n"))
		}
	})
	e.wait(ctx, t, path)
}

// wait returns when the emulator answers a path.
func (e *emulator) wait(ctx context.Context, t *testing.T, path string) {
	t.Helper()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the emulator did not start: %v", context.Cause(ctx))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// url is the endpoint of every service. It has an address instead of a name, so that
// the AWS SDK for JavaScript addresses buckets by path.
func (e *emulator) url() string { return fmt.Sprintf("http://%s", e.host) }

// without returns the URL of the same AWS with one Region disabled: calls there get the
// answer of a Region that the account has not opted in to.
func (e *emulator) without(t *testing.T, region string) string {
	t.Helper()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: e.host})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), "/"+region+"/") {
			proxy.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code>`+
			`<Message>The security token included in the request is invalid</Message></Error></ErrorResponse>`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}
