package wire_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/wire"
)

// As many connections as the calls need, whatever the server allows, and each
// call reaches it once.
func TestAsManyConnectionsAsTheCallsUnderWayNeed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		streams  uint32
		calls    int
		maxConns int
		want     int // connections
		wantPeak int // calls on one of them
	}{
		{"a few", 128, 35, 0, 1, 35},
		{"a connection's worth", 100, 100, 0, 1, 100},
		{"one more", 100, 101, 0, 2, 100},
		{"a server that allows more", 250, 250, 0, 3, 100},
		{"a server that does not say", 0, 250, 0, 3, 100},
		{"a server that allows 10", 10, 30, 0, 3, 10},
		{"a server that allows 1", 1, 30, 0, 30, 1},
		{"a server that allows 1, and few connections", 1, 30, 5, 5, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newFake(t, test.streams)
				server.connecting = 100 * time.Millisecond
				server.request = after(time.Second)
				cfg := server.config(t)
				cfg.MaxConns = test.maxConns
				p := wire.New(cfg)
				defer p.Close()
				for range 2 {
					mustAll(t, calls(t, p, test.calls))
				}
				conns := server.all()
				began := 0
				for _, c := range conns {
					began += c.seen().began
					if c.seen().peak > test.wantPeak {
						t.Errorf("%d calls on one connection, want at most %d", c.seen().peak, test.wantPeak)
					}
				}
				if len(conns) != test.want || began != 2*test.calls {
					t.Errorf("twice %d calls took %d connections and %d requests, want %d and as many requests",
						test.calls, len(conns), began, test.want)
				}
			})
		})
	}
}

// A burst that finds no connection waits for those that it needs, and for no
// more: none for each call, and none twice.
func TestABurstMakesNoStampede(t *testing.T) {
	t.Parallel()
	for _, prepared := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			server := newFake(t, 128)
			server.connecting = time.Second
			p := server.pool(t)
			if prepared {
				p.Prepare(&url.URL{Scheme: "https", Host: "lambda.test"}, 250)
				p.Prepare(&url.URL{Scheme: "https", Host: "lambda.test"}, 250)
				time.Sleep(300 * time.Millisecond)
			}
			begin := time.Now()
			mustAll(t, calls(t, p, 250))
			took := time.Since(begin).Round(time.Millisecond)
			synctest.Wait() // a connection that nobody waits for any more is still a connection
			if got, conns := took, len(server.all()); conns != 3 ||
				got != map[bool]time.Duration{false: time.Second, true: 700 * time.Millisecond}[prepared] {
				t.Errorf("prepared %t: 250 calls took %d connections and %v, want 3", prepared, conns, got)
			}
		})
	}
}

// A server that refuses a stream has not looked at it, so it is sent again.
func TestARefusedRequestMoves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		var refusals atomic.Int64
		server.request = func(c *fakeConn, stream uint32) {
			if refusals.Add(1) <= 4 { // they may all be of one call
				c.refuse(stream, 7)
				return
			}
			c.answer(stream)
		}
		mustAll(t, calls(t, server.pool(t), 10))
		if got := server.all()[0].seen().began; got != 14 {
			t.Errorf("%d requests, want 10 and 4 that were refused", got)
		}
	})
}

// A server that refuses for ever is left alone after a few times.
func TestARequestThatIsRefusedForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		server.request = func(c *fakeConn, stream uint32) { c.refuse(stream, 7) }
		err := call(t, server.pool(t))
		if lost, ok := errors.AsType[*wire.LostError](err); !ok || lost.Sent {
			t.Errorf("RoundTrip = %v, want a LostError that was not sent", err)
		}
		if got := server.all()[0].seen().began; got != 5 {
			t.Errorf("%d requests, want 5", got)
		}
	})
}

// Every other end of a stream is the call's: the server may have acted.
func TestARequestThatMayHaveArrivedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		end  func(c *fakeConn, stream uint32)
	}{
		{"internal error", func(c *fakeConn, stream uint32) { c.refuse(stream, 2) }},
		{"protocol error", func(c *fakeConn, stream uint32) { c.refuse(stream, 1) }},
		{"closed", func(c *fakeConn, _ uint32) { _ = c.Close() }},
		{"going away after it, and closed", func(c *fakeConn, stream uint32) { c.goAway(stream); _ = c.Close() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newFake(t, 100)
				server.request = test.end
				err := call(t, server.pool(t))
				lost, ok := errors.AsType[*wire.LostError](err)
				if !ok || !lost.Sent {
					t.Errorf("RoundTrip = %v, want a LostError that was sent", err)
				}
				if conns := server.all(); len(conns) != 1 || conns[0].seen().began != 1 {
					t.Errorf("%d connections, want 1 with one request", len(conns))
				}
			})
		})
	}
}

// GOAWAY in a burst: what the server has looked at it finishes, and the rest
// moves; the connection ends with its last call.
func TestGoAwayInABurst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		server.request = func(c *fakeConn, stream uint32) {
			if c != server.all()[0] {
				c.answer(stream)
				return
			}
			const last = 2*20 - 1 // the twentieth stream
			if stream == 2*50-1 {
				c.goAway(last)
			}
			if stream <= last {
				time.Sleep(time.Minute)
				c.answer(stream)
			}
		}
		p := server.pool(t)
		begin := time.Now()
		mustAll(t, calls(t, p, 50))
		time.Sleep(time.Second)
		conns := server.all()
		if len(conns) != 2 || conns[0].seen().began != 50 || conns[1].seen().began != 30 {
			t.Fatalf("%d connections, want 2, with 50 and 30 requests", len(conns))
		}
		if got := conns[0].seen().closed.Sub(begin); got != time.Minute {
			t.Errorf("the connection was closed after %v, want with its last call after a minute", got)
		}
		mustAll(t, calls(t, p, 1))
		if got := len(server.all()); got != 2 {
			t.Errorf("%d connections, want still 2", got)
		}
	})
}

// A server may end each connection after a few requests: calls move as often as they
// have to, and no connection is opened that takes none of them.
func TestAServerThatTakesAFewRequestsOfAConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		server.request = func(c *fakeConn, stream uint32) {
			const last = 2*20 - 1 // the twentieth stream
			if stream == last {
				c.goAway(last)
			}
			if stream <= last {
				time.Sleep(time.Second)
				c.answer(stream)
			}
		}
		mustAll(t, calls(t, server.pool(t), 1000))
		if got, want := len(server.all()), 1000/20; got != want {
			t.Errorf("%d connections for 1,000 calls, 20 a connection, want %d", got, want)
		}
	})
}

// A server that ends every connection and takes nothing is left alone after a few.
func TestAServerThatTakesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		server.request = func(c *fakeConn, _ uint32) { c.goAway(0) }
		err := call(t, server.pool(t))
		if lost, ok := errors.AsType[*wire.LostError](err); !ok || lost.Sent {
			t.Errorf("RoundTrip = %v, want a LostError that was not sent", err)
		}
		if got := len(server.all()); got != 5 {
			t.Errorf("%d connections, want 5", got)
		}
	})
}

// A request that a connection cannot carry fails, however many it has carried.
func TestARequestThatCannotBeSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		p := server.pool(t)
		mustAll(t, calls(t, p, 1))
		server.all()[0].frame(4, 0, 0, []byte{0, 6, 0, 0, 0, 10}) // headers of 10 bytes
		synctest.Wait()
		err := call(t, p)
		if lost, ok := errors.AsType[*wire.LostError](err); !ok || lost.Sent {
			t.Errorf("RoundTrip = %v, want a LostError that was not sent", err)
		}
	})
}

// A server that ends a connection with a reason is quoted.
func TestTheReasonOfAGoAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		server.request = func(c *fakeConn, stream uint32) {
			c.frame(7, 0, 0, append([]byte{0, 0, 0, byte(stream), 0, 0, 0, 11}, "too much"...))
			_ = c.Close()
		}
		err := call(t, server.pool(t))
		if lost, ok := errors.AsType[*wire.LostError](err); !ok || !lost.Sent || !strings.Contains(err.Error(), "too much") {
			t.Errorf("RoundTrip = %v, want a LostError that was sent, with the reason", err)
		}
	})
}

// A server that ends an idle connection by GOAWAY is obeyed at once.
func TestGoAwayOfAnIdleConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		p := server.pool(t)
		for want := 1; want <= 3; want++ {
			mustAll(t, calls(t, p, 1))
			conns := server.all()
			if len(conns) != want {
				t.Fatalf("%d connections, want %d", len(conns), want)
			}
			conns[want-1].goAway(1)
			synctest.Wait()
			if conns[want-1].seen().closed.IsZero() {
				t.Error("the connection is open, want it closed")
			}
		}
	})
}

// After a freeze a connection is asked first, which costs a round trip; one that
// does not answer is replaced, and no call fails.
func TestAStaleConnectionIsAskedFirst(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		frozen    time.Duration
		meanwhile func(c *fakeConn)
		want      time.Duration // that the call takes
		wantConns int
		wantPings int
	}{
		{"at once", 0, func(*fakeConn) {}, 0, 1, 0},
		{"within a second", time.Second, func(*fakeConn) {}, 0, 1, 0},
		{"it is there", 2 * time.Second, func(*fakeConn) {}, 0, 1, 1},
		{"the server has closed it", 2 * time.Second, func(c *fakeConn) { _ = c.Close() }, 10 * time.Millisecond, 2, 0},
		{"the way is lost", 2 * time.Second, func(c *fakeConn) { c.client.lose() }, 210 * time.Millisecond, 2, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newFake(t, 100)
				server.connecting = 10 * time.Millisecond
				p := server.pool(t)
				mustAll(t, calls(t, p, 1))
				time.Sleep(test.frozen)
				first := server.all()[0]
				test.meanwhile(first)
				begin := time.Now()
				mustAll(t, calls(t, p, 10))
				if got := time.Since(begin); got != test.want {
					t.Errorf("calls took %v, want %v", got, test.want)
				}
				if got := len(server.all()); got != test.wantConns || first.seen().pings != test.wantPings {
					t.Errorf("%d connections and %d pings, want %d and %d", got, first.seen().pings, test.wantConns, test.wantPings)
				}
			})
		})
	}
}

// A connection that dies silently under its calls is found within 30 s.
func TestAConnectionThatDiesSilently(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		server.request = func(c *fakeConn, _ uint32) { c.client.lose() }
		p := server.pool(t)
		begin := time.Now()
		for _, err := range calls(t, p, 10) {
			if lost, ok := errors.AsType[*wire.LostError](err); !ok || !lost.Sent {
				t.Errorf("RoundTrip = %v, want a LostError that was sent", err)
			}
		}
		if got := time.Since(begin); got != 30*time.Second {
			t.Errorf("calls took %v, want 30s", got)
		}
	})
}

// While a worker is silent for long, its connection is kept known.
func TestALongCallOutlivesSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		server.request = after(15 * time.Minute)
		mustAll(t, calls(t, server.pool(t), 3))
		if got := server.all()[0].seen().pings; got < 50 {
			t.Errorf("%d pings in a quarter of an hour, want one every 15 s", got)
		}
	})
}

// An idle connection is not kept for ever.
func TestAnIdleConnectionIsClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		p := server.pool(t)
		mustAll(t, calls(t, p, 1))
		time.Sleep(5*time.Minute - time.Second)
		synctest.Wait()
		if !server.all()[0].seen().closed.IsZero() {
			t.Error("the connection was closed before its time")
		}
		time.Sleep(2 * time.Second)
		if server.all()[0].seen().closed.IsZero() {
			t.Error("the connection is open after its time")
		}
	})
}

// A connection that does not come about fails the calls that wait for it, at
// once, and dials once for all of them.
func TestConnectingFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		dial func(ctx context.Context, network, address string) (net.Conn, error)
		want time.Duration
		text string
	}{
		{"refused", func(context.Context, string, string) (net.Conn, error) {
			return nil, syscall.ECONNREFUSED
		}, 0, "connect to lambda.test:443: connection refused"},
		{"no answer", func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, wire.ConnectTimeout, "connect to lambda.test:443: no connection within 3s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dials := make(chan struct{}, 100)
				p := wire.New(wire.Config{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
					dials <- struct{}{}
					return test.dial(ctx, network, address)
				}})
				begin := time.Now()
				for _, err := range calls(t, p, 50) {
					if _, ok := errors.AsType[*wire.ConnectError](err); !ok || err.Error() != test.text {
						t.Errorf("RoundTrip = %v, want %s", err, test.text)
					}
				}
				if got := time.Since(begin); got != test.want {
					t.Errorf("calls took %v, want %v", got, test.want)
				}
				if got := len(dials); test.want > 0 && got != 1 {
					t.Errorf("%d dials, want 1", got)
				}
			})
		})
	}
}

// A call that has given up leaves its place to others.
func TestACallThatGivesUpWhileItWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 1)
		server.request = after(time.Minute)
		cfg := server.config(t)
		cfg.MaxConns = 1
		p := wire.New(cfg)
		defer p.Close()
		var first sync.WaitGroup
		first.Go(func() { mustAll(t, calls(t, p, 1)) })
		defer first.Wait()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := callWith(ctx, t, p, "https://lambda.test/")
		if lost, ok := errors.AsType[*wire.LostError](err); !ok || lost.Sent || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("RoundTrip = %v, want %v before anything was sent", err, context.DeadlineExceeded)
		}
		mustAll(t, calls(t, p, 1))
		if conns := server.all(); len(conns) != 1 || conns[0].seen().began != 2 {
			t.Errorf("%d connections with %d requests, want 1 with 2", len(conns), conns[0].seen().began)
		}
	})
}

// Also one that gives up at the moment when its turn comes.
func TestACallThatGivesUpAsItsTurnComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := afterASecond(t)
		server.streams = 1
		cfg := server.config(t)
		cfg.MaxConns = 1
		p := wire.New(cfg)
		defer p.Close()
		for range 100 {
			var both sync.WaitGroup
			both.Go(func() { mustAll(t, calls(t, p, 1)) })
			synctest.Wait()
			both.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_ = callWith(ctx, t, p, "https://lambda.test/")
			})
			both.Wait()
		}
	})
}

// An idle connection to one endpoint makes room for another's, at once.
func TestAnIdleConnectionMakesRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		cfg := server.config(t)
		cfg.MaxConns = 2
		p := wire.New(cfg)
		defer p.Close()
		begin := time.Now()
		for _, url := range []string{"https://lambda.test:1", "https://lambda.test:2", "https://lambda.test:3", "https://lambda.test:2"} {
			if err := callAt(t, p, url); err != nil {
				t.Errorf("RoundTrip(%s) = %v, want success", url, err)
			}
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		conns := server.all()
		if took := time.Since(begin); took != 4*time.Millisecond || len(conns) != 3 || conns[0].seen().closed.IsZero() {
			t.Errorf("4 calls took %v and %d connections, want 4ms and 3, of which the first is closed", took, len(conns))
		}
	})
}

// A call that has given up says whether the server may have had it.
func TestACallThatGivesUpAfterItWasSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		server.request = func(*fakeConn, uint32) {}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := callWith(ctx, t, server.pool(t), "https://lambda.test/")
		if lost, ok := errors.AsType[*wire.LostError](err); !ok || !lost.Sent || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("RoundTrip = %v, want %v after it was sent", err, context.DeadlineExceeded)
		}
	})
}

// A pool that was closed lets go of the connections that it was opening, and
// tells the calls that wait for them.
func TestCloseWhileConnecting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		server.connecting = time.Second
		p := server.pool(t)
		time.AfterFunc(300*time.Millisecond, p.Close)
		begin := time.Now()
		for i, err := range append(calls(t, p, 250), call(t, p)) {
			if lost, ok := errors.AsType[*wire.ConnectError](err); !ok || lost.Err.Error() != "the pool is closed" {
				t.Fatalf("call %d of 251 = %v, want one that found the pool closed", i, err)
			}
		}
		if got, conns := time.Since(begin), len(server.all()); got != 300*time.Millisecond || conns != 0 {
			t.Errorf("calls ended after %v with %d connections, want 300 ms and none", got, conns)
		}
	})
}

// A pool that is closed ends also the connections that the server wants to end.
func TestCloseEndsConnectionsThatAreLeaving(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		server.request = func(c *fakeConn, stream uint32) { c.goAway(stream) }
		p := server.pool(t)
		time.AfterFunc(time.Second, p.Close)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		if err := callWith(ctx, t, p, "https://lambda.test/"); err == nil || time.Since(begin) != time.Second {
			t.Errorf("RoundTrip = %v after %v, want an error after 1s", err, time.Since(begin))
		}
	})
}

// A server may allow fewer streams, or more, while a connection is in use: what is
// under way goes on, and what comes keeps to it.
func TestAServerThatChangesItsMind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		server.request = after(time.Minute)
		p := server.pool(t)
		var early sync.WaitGroup
		early.Go(func() { mustAll(t, calls(t, p, 10)) })
		synctest.Wait()
		first := server.all()[0]
		first.frame(4, 0, 0, []byte{0, 3, 0, 0, 0, 2}) // 2 streams, and 10 are under way
		synctest.Wait()
		mustAll(t, calls(t, p, 1)) // elsewhere
		early.Wait()
		if got := first.seen().began; got != 10 {
			t.Errorf("the first connection had %d requests, want the 10 that were under way", got)
		}
		first.frame(4, 0, 0, []byte{0, 3, 0, 0, 0, 50})
		synctest.Wait()
		before := len(server.all())
		mustAll(t, calls(t, p, 50))
		if got := len(server.all()); got != before {
			t.Errorf("%d connections, want still %d", got, before)
		}
	})
}

// A connection on which a process was frozen in the middle of a call gets no new
// ones: it may be dead, and that nobody has noticed yet.
func TestAConnectionThatWasFrozenUnderACallGetsNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		server.request = func(c *fakeConn, stream uint32) {
			if c == server.all()[0] {
				return // never
			}
			c.answer(stream)
		}
		p := server.pool(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var first sync.WaitGroup
		first.Go(func() { _ = callWith(ctx, t, p, "https://lambda.test/") })
		synctest.Wait()
		p.Freeze(time.Minute)
		for range 3 {
			if err := callWith(ctx, t, p, "https://lambda.test/"); err != nil {
				t.Errorf("RoundTrip = %v, want success", err)
			}
		}
		if conns := server.all(); len(conns) != 2 || conns[0].seen().began != 1 {
			t.Errorf("%d connections, want 2", len(conns))
		}
		cancel()
		first.Wait()
	})
}

// One that answers again takes calls again, also those that had no other to go to.
func TestAConnectionThatWasFrozenUnderACallAndAnswersTakesCallsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		server.request = after(time.Minute)
		cfg := server.config(t)
		cfg.MaxConns = 1
		p := wire.New(cfg)
		defer p.Close()
		var first sync.WaitGroup
		first.Go(func() { mustAll(t, calls(t, p, 1)) })
		synctest.Wait()
		p.Freeze(time.Minute)
		begin := time.Now()
		mustAll(t, calls(t, p, 3))
		if got, want := time.Since(begin), 15*time.Second+time.Minute; got != want { // the probe, and the call
			t.Errorf("calls took %v, want %v", got, want)
		}
		first.Wait()
	})
}

// What Send is told to do once there is a connection is done each time that the
// request is sent, and not before.
func TestSendSaysWhenARequestIsSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		server.connecting = time.Second
		refusals := 2
		server.request = func(c *fakeConn, stream uint32) {
			time.Sleep(time.Second)
			if refusals--; refusals >= 0 {
				c.refuse(stream, 7)
				return
			}
			c.answer(stream)
		}
		p := server.pool(t)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://lambda.test/", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		var sent []time.Duration
		response, err := p.Send(r, func(*http.Request) error {
			sent = append(sent, time.Since(begin))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if want := []time.Duration{1e9, 2e9, 3e9}; !slices.Equal(sent, want) {
			t.Errorf("sent after %v, want %v", sent, want)
		}
		sorry := errors.New("sorry")
		_, err = p.Send(r, func(*http.Request) error { return sorry }) //nolint:bodyclose // there is none
		if lost, ok := errors.AsType[*wire.LostError](err); !ok || lost.Sent || !errors.Is(err, sorry) {
			t.Errorf("Send = %v, want %v before anything was sent", err, sorry)
		}
		if conns := server.all(); len(conns) != 1 || conns[0].seen().began != 3 {
			t.Errorf("%d connections, want 1 with 3 requests", len(conns))
		}
	})
}
