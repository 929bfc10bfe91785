package wire_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"meridian/internal/wire"
)

// A jam is a connection that takes no more of what is written, and then breaks.
type jam struct {
	net.Conn
	since  chan struct{} // closed when it takes no more
	jammed chan struct{} // closed when something waits to be taken
	broken chan struct{} // closed when it breaks
	first  sync.Once
	once   sync.Once
}

func (j *jam) Write(p []byte) (int, error) {
	select {
	case <-j.since:
		j.first.Do(func() { close(j.jammed) })
		<-j.broken
		return 0, errors.New("broken")
	default:
		return j.Conn.Write(p)
	}
}

func (j *jam) breakIt() { j.once.Do(func() { close(j.broken) }) }

func (j *jam) Close() error {
	j.breakIt()
	return j.Conn.Close()
}

// A call whose headers net/http leaves out, because another's body has just met the
// end of the connection, has not been sent, whatever was begun before it. Who gets
// there first is up to the scheduler, and they wait for locks, which a bubble does
// not take for waiting.
func TestCallsBehindABodyMoveWhenTheConnectionBreaks(t *testing.T) {
	t.Parallel()
	for range 60 {
		f := newFake(t, 100)
		cfg := f.config(t)
		j := &jam{since: make(chan struct{}), jammed: make(chan struct{}), broken: make(chan struct{})}
		cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			nc, err := f.dial(ctx, network, address)
			if len(f.all()) > 1 {
				return nc, err
			}
			j.Conn = nc
			return j, err
		}
		p := wire.New(cfg)
		if err := call(t, p); err != nil {
			t.Fatal(err)
		}
		close(j.since)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, lambdaTest.String(), bytes.NewReader(make([]byte, 60_000)))
		if err != nil {
			t.Fatal(err)
		}
		var done sync.WaitGroup
		done.Go(func() {
			if response, err := p.RoundTrip(r); err == nil { // if it was not even begun
				_ = response.Body.Close()
			}
		})
		<-j.jammed // and with it whatever comes now
		var behind atomic.Int64
		for range 30 {
			done.Go(func() {
				behind.Add(1)
				if err := call(t, p); err != nil {
					t.Errorf("a call behind it = %v, want success", err)
				}
			})
		}
		until(func() bool { return behind.Load() == 30 })
		for range 20_000 { // until they wait
			runtime.Gosched()
		}
		j.breakIt()
		done.Wait()
		p.Close()
	}
}
