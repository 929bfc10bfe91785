//go:build unix

package probe_test

import (
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"meridian/internal/probe"
)

// The server is in the same process and answers when all requests have arrived, so 600
// connections are open at once. There is no TLS: 300 handshakes at once take a busy
// machine longer than the timeout of one. The test is not parallel, because the limit
// is the process's.
func TestThreeHundredAtOnceWorkWith1024FileDescriptors(t *testing.T) {
	const descriptors, targets = 1024, 300
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	limit := before
	limit.Cur = descriptors
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before) })

	var arrived atomic.Int32
	all := make(chan struct{})
	release := sync.OnceFunc(func() { close(all) })
	port := serve(t, "127.0.0.1", nil, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if arrived.Add(1) == targets {
			release()
		}
		<-all
		_, _ = io.WriteString(w, "healthy")
	}))
	p := probe.New(probe.Settings{Allow: loopback(), Ports: highPorts(), Resolver: names{name: addresses("127.0.0.1")}})
	request := get(t, "http://"+name+":"+port)
	errs := make(chan error, targets)
	for range targets {
		go func() {
			_, err := p.Probe(t.Context(), request)
			errs <- err
		}()
	}
	for range targets {
		if err := <-errs; err != nil {
			t.Errorf("Probe = %v", err)
			release() // the others would wait for it
		}
	}
	if got := arrived.Load(); got != targets {
		t.Errorf("%d requests arrived, want %d", got, targets)
	}
}
