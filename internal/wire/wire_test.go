package wire_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/wire"
)

func TestAsManyConnectionsAsTheCallsInFlightNeed(t *testing.T) {
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
		{"more connections than are opened at once", 1, 300, 0, 300, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, p := start(t, &fake{
					streams: test.streams, maxConns: test.maxConns, connecting: 100 * time.Millisecond, request: after(10 * time.Second),
				})
				for range 2 {
					calls(t, p, test.calls)
				}
				f.want(t, test.want, 2*test.calls)
				for _, c := range f.all() {
					if got := c.seen().peak; got > test.wantPeak {
						t.Errorf("%d calls on one connection, want at most %d", got, test.wantPeak)
					}
				}
			})
		})
	}
}

// What has arrived and is not read has a bound, by the calls that are expected. All the
// answers on a connection have their room, so that none that is read waits for one that
// is not.
func TestAnswersThatAreNotReadTakeNoMoreThanReceiveBytes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name                   string
		receiveBytes, expected int
		window                 int
	}{
		{"as many as one connection takes", 10 << 20, 0, 10 << 20 / 100},
		{"more", 100 << 20, 1000, 100 << 20 / 1000},
		{"as many as leave a frame to each", 10 << 20, 5000, 16 << 10},
		{"more than any answer needs", 1 << 30, 0, 1 << 20},
		{"the default", 0, 0, 32 << 20 / 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, p := start(t, &fake{receiveBytes: test.receiveBytes})
				p.Expect(test.expected)
				p.Expect(1) // the next run is smaller
				calls(t, p, 1)
				synctest.Wait()
				if got := f.all()[0].seen(); got.window != test.window || got.room < 100*test.window || got.room > 100*test.window+1<<16 {
					t.Errorf("an answer may send %d bytes, all of a connection %d; want %d and %d", got.window, got.room, test.window, 100*test.window)
				}
			})
		})
	}
}

// A burst without connections opens those that it needs, and no more: calls share
// them.
func TestABurstMakesNoStampede(t *testing.T) {
	t.Parallel()
	for _, prepared := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f, p := start(t, &fake{streams: 128, connecting: time.Second})
			want := time.Second
			if prepared {
				prepare(t, p, 250)
				prepare(t, p, 250)
				time.Sleep(300 * time.Millisecond)
				want = 700 * time.Millisecond
			}
			wantTook(t, calls(t, p, 250), want)
			synctest.Wait() // a connection that no call needed would come by now
			f.want(t, 3, 250)
		})
	}
}

// A connection that fails ends the calls that wait for it, at once. All of them
// share one dial.
func TestConnectingFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fails func(context.Context, int) (net.Conn, error)
		want  time.Duration
		text  string
	}{
		{"refused", refused, 0, "connect to lambda.test:443: connection refused"},
		{"no answer", noAnswer, wire.ConnectTimeout, "connect to lambda.test:443: no connection within 3s"},
		{"no answer, by the timer of the dialer", lateAnswer, wire.ConnectTimeout, "connect to lambda.test:443: no connection within 3s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, p := start(t, &fake{dials: test.fails})
				var done sync.WaitGroup
				begin := time.Now()
				for range 50 {
					done.Go(func() {
						err := call(t, p)
						if _, ok := errors.AsType[*wire.ConnectError](err); !ok || err.Error() != test.text {
							t.Errorf("RoundTrip = %v, want %s", err, test.text)
						}
					})
				}
				done.Wait()
				if got := time.Since(begin); got != test.want {
					t.Errorf("calls took %v, want %v", got, test.want)
				}
				if test.want > 0 && f.dialed != 1 {
					t.Errorf("%d dials, want 1", f.dialed)
				}
			})
		})
	}
}

// refused and noAnswer are dials that fail.
func refused(context.Context, int) (net.Conn, error) { return nil, syscall.ECONNREFUSED }

func noAnswer(ctx context.Context, _ int) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }

// lateAnswer fails as net.Dialer does, which has a timer of its own for the same time.
func lateAnswer(ctx context.Context, _ int) (net.Conn, error) {
	end, _ := ctx.Deadline()
	time.Sleep(time.Until(end))
	return nil, os.ErrDeadlineExceeded
}

// A connection that fails while there is another is dialled again after a second,
// for the calls that have no room on that.
func TestConnectingIsTriedAgainWhileCallsWait(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		fails     func(context.Context, int) (net.Conn, error)
		last      int // dial that fails; the first does not
		maxConns  int
		calls     int
		want      time.Duration // until the last call ends
		wantDials int
	}{
		{"lost once", noAnswer, 2, 0, 2, wire.ConnectTimeout + time.Second + time.Minute, 3},
		{"refused three times", refused, 4, 0, 2, 3*time.Second + time.Minute, 5},
		{"refused for ever", refused, 1e6, 0, 2, 2 * time.Minute, 62},
		{"refused for ever, and few connections", refused, 1e6, 2, 4, 4 * time.Minute, 182},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, p := start(t, &fake{
					streams: 1, request: after(time.Minute), maxConns: test.maxConns,
					dials: func(ctx context.Context, n int) (net.Conn, error) {
						if n > 1 && n <= test.last {
							return test.fails(ctx, n)
						}
						return nil, nil //nolint:nilnil // the fake's own dial
					},
				})
				prepare(t, p, 1)
				took := calls(t, p, test.calls)
				if first, last := slices.Min(took), slices.Max(took); first != time.Minute || last != test.want {
					t.Errorf("the calls took %v to %v, want 1m to %v", first, last, test.want)
				}
				if f.dialed > test.wantDials {
					t.Errorf("%d dials, want at most %d", f.dialed, test.wantDials)
				}
			})
		})
	}
}

// Handshakes that share too little CPU time out together. Fewer are begun after
// that, until they succeed, and every call gets its connection.
func TestHandshakesThatShareTooLittleCPU(t *testing.T) {
	t.Parallel()
	var cpu sync.Mutex // a handshake takes 100 ms of it; it is handed round in turn
	running := 0
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{
			streams: 1, request: after(10 * time.Minute),
			dials: func(ctx context.Context, _ int) (net.Conn, error) {
				cpu.Lock()
				running++
				cpu.Unlock()
				defer func() {
					cpu.Lock()
					running--
					cpu.Unlock()
				}()
				for left := 100 * time.Millisecond; left > 0; {
					const slice = 20 * time.Millisecond
					cpu.Lock()
					share := slice * time.Duration(running)
					cpu.Unlock()
					select {
					case <-time.After(share):
						left -= slice
					case <-ctx.Done():
						return nil, ctx.Err()
					}
				}
				return nil, nil //nolint:nilnil // the fake's own dial
			},
		})
		prepare(t, p, 1)
		time.Sleep(time.Second)
		took := slices.Max(calls(t, p, 80))
		if most := 10*time.Minute + 30*time.Second; took > most {
			t.Errorf("80 calls took %v, want at most %v: 8 s of CPU for their connections, and some for what timed out", took, most)
		}
		if got := f.began(); got != 80 {
			t.Errorf("%d requests for 80 calls", got)
		}
	})
}

// A connection that failed does not count among the open ones.
func TestAConnectionThatFailsDoesNotCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, p := start(t, &fake{streams: 100, maxConns: 2, dials: func(ctx context.Context, n int) (net.Conn, error) {
			if n <= 5 {
				return refused(ctx, n)
			}
			return nil, nil //nolint:nilnil // the fake's own dial
		}})
		for i := range 5 {
			if err := call(t, p); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("call %d = %v, want %v", i, err, syscall.ECONNREFUSED)
			}
		}
		for _, url := range []string{"https://lambda.test:1", "https://lambda.test:2"} {
			wantTook(t, callsAt(t, p, url, 1), 0)
		}
	})
}

// An idle connection to one endpoint makes room for another's, at once.
func TestAnIdleConnectionMakesRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{streams: 100, maxConns: 2})
		for _, url := range []string{"https://lambda.test:1", "https://lambda.test:2", "https://lambda.test:3", "https://lambda.test:2"} {
			wantTook(t, callsAt(t, p, url, 1), 0)
			time.Sleep(time.Millisecond)
		}
		f.want(t, 3, 4)
		if f.all()[0].seen().closed.IsZero() {
			t.Error("the first connection is open, want it closed for the third")
		}
	})
}

// A connection that comes when its call was given up makes room for a call to
// another endpoint, at once.
func TestAConnectionThatComesForNoCallMakesRoom(t *testing.T) {
	t.Parallel()
	for _, prepared := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			_, p := start(t, &fake{streams: 100, maxConns: 1, connecting: time.Second})
			var given sync.WaitGroup
			if prepared {
				prepare(t, p, 1)
			} else {
				given.Go(func() { _ = callFor(t, time.Second/2, p) })
			}
			time.Sleep(time.Second / 4)
			wantTook(t, callsAt(t, p, "https://lambda.test:2", 1), 3*time.Second/4+time.Second)
			given.Wait()
		})
	}
}

// An idle connection makes room for another endpoint's call when the last call that waited at
// its own endpoint is given up.
func TestACallThatIsGivenUpMakesRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{streams: 100, maxConns: 1})
		calls(t, p, 1)
		f.all()[0].allow(0)
		synctest.Wait()
		var given sync.WaitGroup
		given.Go(func() { _ = callFor(t, 2*time.Second, p) })
		synctest.Wait()
		wantTook(t, callsAt(t, p, "https://lambda.test:2", 1), 2*time.Second)
		given.Wait()
	})
}

// A call that is given up while it waits leaves its place to others.
func TestACallThatIsGivenUpWhileItWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{streams: 1, maxConns: 1, request: after(time.Minute)})
		var first sync.WaitGroup
		first.Go(func() { calls(t, p, 1) })
		synctest.Wait()
		err := callFor(t, time.Second, p)
		if wantLost(t, err, false); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("RoundTrip = %v, want %v", err, context.DeadlineExceeded)
		}
		calls(t, p, 1)
		first.Wait()
		f.want(t, 1, 2)
	})
}

// A call that is given up at the moment when its turn comes loses no place.
func TestACallThatIsGivenUpAsItsTurnComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, p := start(t, &fake{streams: 1, maxConns: 1, request: after(time.Second)})
		for range 100 {
			var both sync.WaitGroup
			both.Go(func() { calls(t, p, 1) })
			synctest.Wait()
			both.Go(func() { _ = callFor(t, time.Second, p) })
			both.Wait()
		}
		calls(t, p, 1)
	})
}

// Close ends the connections that are being opened, and the calls that wait.
func TestCloseWhileConnecting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{connecting: time.Second})
		time.AfterFunc(300*time.Millisecond, p.Close)
		begin := time.Now()
		var done sync.WaitGroup
		for i := range 250 {
			done.Go(func() {
				err := call(t, p)
				if lost, ok := errors.AsType[*wire.ConnectError](err); !ok || lost.Err.Error() != "the pool is closed" {
					t.Errorf("call %d = %v, want one that found the pool closed", i, err)
				}
			})
		}
		done.Wait()
		if got := time.Since(begin); got != 300*time.Millisecond {
			t.Errorf("calls ended after %v, want 300 ms", got)
		}
		if _, ok := errors.AsType[*wire.ConnectError](call(t, p)); !ok {
			t.Error("a call of a closed pool is no ConnectError")
		}
		f.want(t, 0, 0)
	})
}

// Close also ends the connections that finish their last calls.
func TestCloseEndsConnectionsThatAreLeaving(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, p := start(t, &fake{request: func(_ *fake, c *fakeConn, stream uint32) { c.goAway(stream) }})
		time.AfterFunc(time.Second, p.Close)
		begin := time.Now()
		if err := callFor(t, time.Minute, p); err == nil || time.Since(begin) != time.Second {
			t.Errorf("RoundTrip = %v after %v, want an error after 1s", err, time.Since(begin))
		}
	})
}

// A server may change how many streams it allows: calls in flight go on, and new
// ones keep to it.
func TestAServerThatChangesItsLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{streams: 100, request: after(time.Minute)})
		var early sync.WaitGroup
		early.Go(func() { calls(t, p, 10) })
		synctest.Wait()
		first := f.all()[0]
		first.allow(2) // and 10 are in flight
		synctest.Wait()
		calls(t, p, 1) // elsewhere
		early.Wait()
		if got := first.seen().began; got != 10 {
			t.Errorf("the first connection had %d requests, want the 10 that were in flight", got)
		}
		first.allow(50)
		synctest.Wait()
		calls(t, p, 50)
		f.want(t, 2, 61)
	})
}

// A server may allow no streams for a while: calls wait until it allows some, and no
// more connections are opened than calls wait.
func TestAServerThatAllowsNoStreamsForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{streams: 100})
		calls(t, p, 1)
		first := f.all()[0]
		for _, test := range []struct {
			calls     int
			allowed   byte
			mostConns int
		}{{1, 50, 1}, {5, 1, 5}} {
			first.allow(0)
			synctest.Wait()
			time.AfterFunc(time.Second, func() { first.allow(test.allowed) })
			calls(t, p, test.calls)
			if got := len(f.all()); got > test.mostConns {
				t.Errorf("%d connections for %d calls, want at most %d", got, test.calls, test.mostConns)
			}
		}
	})
}

// Two calls have places when the server allows one stream only. With net/http's Reserve
// they would wait for each other, and later calls for them, for ever.
func TestCallsGoOnWhenAServerLowersItsLimit(t *testing.T) {
	t.Parallel()
	for range 20 { // who is first is a race
		synctest.Test(t, func(t *testing.T) {
			f, p := start(t, &fake{request: after(time.Second), maxConns: 1})
			prepare(t, p, 1)
			time.Sleep(time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			changed := make(chan struct{})
			var done sync.WaitGroup
			for range 2 {
				done.Go(func() {
					r, err := http.NewRequestWithContext(ctx, http.MethodPost, lambdaTest, nil)
					if err != nil {
						t.Error(err)
						return
					}
					response, err := p.Send(ctx, r, func(*http.Request) error { <-changed; return nil })
					if err != nil {
						t.Errorf("Send = %v, want success", err)
						return
					}
					_ = response.Body.Close()
				})
			}
			synctest.Wait()
			f.all()[0].allow(1)
			synctest.Wait()
			close(changed)
			synctest.Wait()
			for range 3 {
				done.Go(func() {
					if err := callAt(ctx, t, p, lambdaTest); err != nil {
						t.Errorf("a later call = %v, want success", err)
					}
				})
			}
			done.Wait()
		})
	}
}
