package cold

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"meridian/bench/rig"
)

// A lambda is Lambda as a coordinator sees it: all functions are workers that succeed
// with every target after a while.
type lambda struct {
	*rig.Lambda
	calls atomic.Int64
	takes atomic.Int64 // nanoseconds that a worker takes

	mu    sync.Mutex
	marks marks
}

// The marks are when something happened here for the first time; served is the last
// time.
type marks struct {
	dialled   time.Time // a client connected
	connected time.Time // its connection was ready for a request
	called    time.Time // an invocation came
	served    time.Time // an invocation was answered
}

// newLambda starts one on the loopback interface. Its certificate is behind those that
// the machine trusts, some 140, because reading them is a part of a start.
func newLambda(ctx context.Context, directory string) (*lambda, error) {
	var trusted []byte
	for _, file := range []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"} {
		var err error
		if trusted, err = os.ReadFile(file); err == nil { //nolint:gosec // one of these two
			break
		}
	}
	l := new(lambda)
	var err error
	l.Lambda, err = rig.NewLambda(ctx, &http.Server{Handler: l, ConnState: l.connection}, directory, trusted) //nolint:gosec // it sets the timeout
	return l, err
}

// connection is called with each change of a connection.
func (l *lambda) connection(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		l.mark(&l.marks.dialled, false)
	case http.StateActive:
		l.mark(&l.marks.connected, false)
	default:
	}
}

// mark notes the time. With again it does so if there is one already.
func (l *lambda) mark(at *time.Time, again bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if again || at.IsZero() {
		*at = time.Now()
	}
}

// take returns the marks, and removes them.
func (l *lambda) take() marks {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.marks
	l.marks = marks{}
	return taken
}

// ServeHTTP answers an invocation.
func (l *lambda) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mark(&l.marks.called, false)
	request, err := io.ReadAll(r.Body)
	if err != nil || !rig.Wait(r.Context(), time.Duration(l.takes.Load())) {
		return
	}
	rig.Respond(w, r, l.calls.Add(1), rig.Work(request, 0.5, resolved))
	l.mark(&l.marks.served, true)
}

// resolved writes the output of the task resolve.
func resolved(answer *bytes.Buffer, region, target []byte) {
	_, _ = fmt.Fprintf(answer, `{"message":"endpoint for %[1]s is %[2]s.%[1]s.amazonaws.com","summary":"%[2]s.%[1]s.amazonaws.com"}`,
		region, target)
}
