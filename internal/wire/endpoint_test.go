package wire_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/wire"
)

// A connection that comes when nobody waits for it any more makes room for a call to
// another endpoint, which MaxConns has kept waiting, at once.
func TestAConnectionThatComesForNobodyMakesRoom(t *testing.T) {
	t.Parallel()
	for _, prepared := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			server := newFake(t, 100)
			server.connecting = time.Second
			cfg := server.config(t)
			cfg.MaxConns = 1
			p := wire.New(cfg)
			defer p.Close()
			if prepared {
				p.Prepare(lambdaTest, 1)
			} else {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
				defer cancel()
				var given sync.WaitGroup
				given.Go(func() { _ = callWith(ctx, t, p, lambdaTest.String()) })
				defer given.Wait()
			}
			time.Sleep(time.Second / 4)
			begin := time.Now()
			if err := callAt(t, p, "https://lambda.test:2"); err != nil {
				t.Errorf("prepared %t: RoundTrip = %v, want success", prepared, err)
			}
			if got, want := time.Since(begin), 3*time.Second/4+time.Second; got != want {
				t.Errorf("prepared %t: the call took %v, want %v", prepared, got, want)
			}
		})
	}
}

// A connection that did not come about takes nobody's place, however many there were.
func TestAConnectionThatFailsTakesNoPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		cfg := server.config(t)
		cfg.MaxConns = 2
		failures := 5
		cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if failures--; failures >= 0 {
				return nil, syscall.ECONNREFUSED
			}
			return server.dial(ctx, network, address)
		}
		p := wire.New(cfg)
		defer p.Close()
		for i := range 5 {
			if err := call(t, p); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("call %d = %v, want %v", i, err, syscall.ECONNREFUSED)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, url := range []string{"https://lambda.test:1", "https://lambda.test:2"} {
			if err := callWith(ctx, t, p, url); err != nil {
				t.Errorf("RoundTrip(%s) = %v, want success", url, err)
			}
		}
	})
}

// Preparing asks the connections that may be stale, so that the calls need not.
func TestPrepareAsksStaleConnections(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			server := newFake(t, 100)
			server.connecting = 10 * time.Millisecond
			p := server.pool(t)
			mustAll(t, calls(t, p, 1))
			time.Sleep(2 * time.Second)
			first := server.all()[0]
			if lost {
				first.client.lose()
			}
			p.Prepare(lambdaTest, 1)
			if synctest.Wait(); !lost && first.seen().pings != 1 {
				t.Errorf("%d pings before the call, want 1", first.seen().pings)
			}
			time.Sleep(200 * time.Millisecond) // the patience
			synctest.Wait()
			want := map[bool]time.Duration{false: 0, true: 10 * time.Millisecond}[lost]
			if took := lengths(t, p, 1)[0]; took != want {
				t.Errorf("lost %t: the call took %v, want %v", lost, took, want)
			}
		})
	}
}

// A connection that was idle for longer than it is kept is not even asked after a
// freeze, in which its timer stood still.
func TestAConnectionThatIsTooOldAfterAFreezeIsNotAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		p := server.pool(t)
		mustAll(t, calls(t, p, 1))
		p.Freeze(6 * time.Minute)
		mustAll(t, calls(t, p, 1))
		synctest.Wait()
		first := server.all()[0].seen()
		if got := len(server.all()); got != 2 || first.pings != 0 || first.closed.IsZero() {
			t.Errorf("%d connections and %d pings, closed %v; want 2, none, and the first closed", got, first.pings, first.closed)
		}
	})
}

// One of HTTP/1.1 cannot be asked, and is kept for as long as servers keep it.
func TestAConnectionOfHTTP1ThatIsTooOldAfterAFreezeIsNotUsed(t *testing.T) {
	t.Parallel()
	s := newServer(t, false, false, func(http.ResponseWriter, *http.Request) {})
	p := wire.New(s.config())
	t.Cleanup(p.Close)
	for _, test := range []struct {
		frozen time.Duration
		want   int64 // connections
	}{{0, 1}, {5 * time.Second, 1}, {16 * time.Second, 2}} {
		p.Freeze(test.frozen)
		mustAll(t, callsAt(t, p, s.URL, 1))
		if got := s.total.Load(); got != test.want {
			t.Errorf("%d connections after %v, want %d", got, test.frozen, test.want)
		}
	}
}
