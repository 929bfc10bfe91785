package wire_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"meridian/internal/wire"
)

// A server that refuses a stream has not looked at it, so the request moves.
func TestARefusedRequestMoves(t *testing.T) {
	t.Parallel()
	var refusals atomic.Int64
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{streams: 100, request: func(_ *fake, c *fakeConn, stream uint32) {
			if refusals.Add(1) <= 4 { // they may all be of one call
				c.refuse(stream, 7)
				return
			}
			c.answer(stream)
		}})
		calls(t, p, 10)
		f.want(t, 1, 14)
	})
}

// A server that takes no request is given up after a few tries, whether it refuses
// streams or connections, and whatever it says before.
func TestAServerThatTakesNothing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		request   func(f *fake, c *fakeConn, stream uint32)
		wantConns int
	}{
		{"it refuses the stream", func(_ *fake, c *fakeConn, stream uint32) { c.refuse(stream, 7) }, 1},
		{"it ends the connection", func(_ *fake, c *fakeConn, _ uint32) { c.goAway(0) }, 5},
		{"it refuses the stream and leaves", func(_ *fake, c *fakeConn, stream uint32) {
			c.goAway(stream)
			c.refuse(stream, 7)
		}, 5},
		{"it ends the connection after a hint", func(_ *fake, c *fakeConn, stream uint32) {
			c.frame(1, 4, stream, []byte("\x08\x03103"))
			c.goAway(0)
		}, 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, p := start(t, &fake{streams: 100, request: test.request})
				wantLost(t, call(t, p), false)
				f.want(t, test.wantConns, 5)
			})
		})
	}
}

// However else a stream ends, the server may have acted.
func TestARequestThatMayHaveArrivedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		end  func(f *fake, c *fakeConn, stream uint32)
	}{
		{"internal error", func(_ *fake, c *fakeConn, stream uint32) { c.refuse(stream, 2) }},
		{"protocol error", func(_ *fake, c *fakeConn, stream uint32) { c.refuse(stream, 1) }},
		{"closed", func(_ *fake, c *fakeConn, _ uint32) { _ = c.Close() }},
		{"going away after it, and closed", func(_ *fake, c *fakeConn, stream uint32) { c.goAway(stream); _ = c.Close() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, p := start(t, &fake{streams: 100, request: test.end})
				wantLost(t, call(t, p), true)
				f.want(t, 1, 1)
			})
		})
	}
}

// A request that a connection cannot carry fails.
func TestARequestThatCannotBeSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{streams: 100})
		calls(t, p, 1)
		f.all()[0].frame(4, 0, 0, []byte{0, 6, 0, 0, 0, 10}) // headers of 10 bytes
		synctest.Wait()
		wantLost(t, call(t, p), false)
	})
}

// A call that was given up says whether the server may have had it.
func TestACallThatIsGivenUpAfterItWasSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, p := start(t, &fake{streams: 100, request: func(*fake, *fakeConn, uint32) {}})
		err := callFor(t, time.Second, p)
		if wantLost(t, err, true); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("RoundTrip = %v, want %v", err, context.DeadlineExceeded)
		}
	})
}

// GOAWAY in a burst: the server finishes what it has looked at, the rest moves, and
// the connection ends with its last call.
func TestGoAwayInABurst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{streams: 100, request: func(f *fake, c *fakeConn, stream uint32) {
			if c != f.all()[0] {
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
		}})
		begin := time.Now()
		calls(t, p, 50)
		time.Sleep(time.Second)
		f.want(t, 2, 80)
		if got := f.all()[0].seen().closed.Sub(begin); got != time.Minute {
			t.Errorf("the connection was closed after %v, want with its last call after a minute", got)
		}
		calls(t, p, 1)
		f.want(t, 2, 81)
	})
}

// A server may say first that it will end the connection, and later which requests it
// has looked at: until then none moves. It may also say it twice with less each time.
func TestGoAwayInTwoFrames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name          string
		first, second uint32
		want          int // requests that move
	}{
		{"at first all", 1<<31 - 1, 2*4 - 1, 6},
		{"at first more", 2*8 - 1, 2*4 - 1, 6},
		{"at first all, and all after that", 1<<31 - 1, 2*10 - 1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, p := start(t, &fake{streams: 100, request: func(f *fake, c *fakeConn, stream uint32) {
					if c == f.all()[0] {
						time.Sleep(time.Minute)
						if stream > test.second {
							return
						}
					}
					c.answer(stream)
				}})
				var early sync.WaitGroup
				early.Go(func() { calls(t, p, 10) })
				synctest.Wait()
				first := f.all()[0]
				first.goAway(test.first)
				time.Sleep(time.Second)
				calls(t, p, 1) // elsewhere
				first.goAway(test.second)
				early.Wait()
				synctest.Wait()
				f.want(t, 2, 11+test.want)
				if first.seen().closed.IsZero() {
					t.Error("the first connection is open after its last call, want it closed")
				}
			})
		})
	}
}

// A server may end each connection after a few requests: calls move as often as they
// have to, and no connection is opened that takes none of them.
func TestAServerThatTakesAFewRequestsOfAConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{streams: 100, request: func(_ *fake, c *fakeConn, stream uint32) {
			const last = 2*20 - 1 // the twentieth stream
			if stream == last {
				c.goAway(last)
			}
			if stream <= last {
				time.Sleep(time.Second)
				c.answer(stream)
			}
		}})
		calls(t, p, 1000)
		if got, want := len(f.all()), 1000/20; got != want {
			t.Errorf("%d connections for 1,000 calls, 20 a connection, want %d", got, want)
		}
	})
}

// A server that ends an idle connection by GOAWAY is obeyed at once.
func TestGoAwayOfAnIdleConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{streams: 100})
		for want := 1; want <= 3; want++ {
			calls(t, p, 1)
			f.want(t, want, want)
			f.all()[want-1].goAway(1)
			synctest.Wait()
			if f.all()[want-1].seen().closed.IsZero() {
				t.Error("the connection is open, want it closed")
			}
		}
	})
}

// A server may call one request a protocol error, after which net/http begins no
// other on that connection: new calls go elsewhere.
func TestAConnectionWithAProtocolErrorTakesNoMoreCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{streams: 100, request: func(f *fake, c *fakeConn, stream uint32) {
			switch {
			case c != f.all()[0]:
				c.answer(stream)
			case stream == 1:
				time.Sleep(time.Minute)
				c.answer(stream)
			default:
				c.refuse(stream, 1)
			}
		}})
		begin := time.Now()
		var first sync.WaitGroup
		first.Go(func() { calls(t, p, 1) })
		synctest.Wait()
		wantLost(t, call(t, p), true)
		wantTook(t, calls(t, p, 10), 0)
		first.Wait()
		synctest.Wait()
		f.want(t, 2, 12)
		if got := f.all()[0].seen().closed.Sub(begin); got != time.Minute {
			t.Errorf("the first connection was closed after %v, want with its last call after a minute", got)
		}
	})
}

// ready is called each time that the request is about to be sent, and not before. A
// request whose context ends meanwhile is not sent.
func TestSendSaysWhenARequestIsSent(t *testing.T) {
	t.Parallel()
	var refusals atomic.Int64
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{streams: 100, connecting: time.Second, request: func(_ *fake, c *fakeConn, stream uint32) {
			time.Sleep(time.Second)
			if refusals.Add(1) <= 2 {
				c.refuse(stream, 7)
				return
			}
			c.answer(stream)
		}})
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, lambdaTest, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		var sent []time.Duration
		response, err := p.Send(r.Context(), r, func(*http.Request) error {
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
		_, err = p.Send(r.Context(), r, func(*http.Request) error { return sorry }) //nolint:bodyclose // there is none
		if wantLost(t, err, false); !errors.Is(err, sorry) {
			t.Errorf("Send = %v, want %v", err, sorry)
		}
		f.want(t, 1, 3)
		wantTook(t, calls(t, p, wire.Spread), time.Second) // its place is free again
		f.want(t, 1, 3+wire.Spread)
		ctx, cancel := context.WithCancel(t.Context())
		_, err = p.Send(ctx, r.WithContext(ctx), func(*http.Request) error { //nolint:bodyclose // there is none
			cancel()
			return nil
		})
		if wantLost(t, err, false); !errors.Is(err, context.Canceled) {
			t.Errorf("Send = %v, want %v", err, context.Canceled)
		}
		wantTook(t, calls(t, p, wire.Spread), time.Second)
		f.want(t, 1, 3+2*wire.Spread)
	})
}

// A call that is given up before it is sent ends at once. After that it goes on for as long
// as its request's own context.
func TestTheContextOfSendCountsUntilTheRequestIsSent(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		cancelled time.Duration // when the context of Send ends
		sent      bool
		took      time.Duration
	}{
		{"while it waits for a connection", time.Second / 2, false, time.Second / 2},
		{"while it waits for an answer", 3 * time.Second / 2, true, 2 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, p := start(t, &fake{streams: 100, connecting: time.Second, request: func(_ *fake, c *fakeConn, stream uint32) {
					time.Sleep(time.Second)
					c.answer(stream)
				}})
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, lambdaTest, nil)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), test.cancelled)
				defer cancel()
				begin := time.Now()
				response, err := p.Send(ctx, r, nil)
				if took := time.Since(begin); took != test.took {
					t.Errorf("Send took %v, want %v", took, test.took)
				}
				if !test.sent {
					wantLost(t, err, false)
					return
				}
				if err != nil {
					t.Fatalf("Send = %v, want an answer", err)
				}
				_ = response.Body.Close()
			})
		})
	}
}

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

func (j *jam) Close() error {
	j.once.Do(func() { close(j.broken) })
	return j.Conn.Close()
}

// Calls wait to be written behind the body of another when the connection breaks:
// nothing of them was sent, so they move. The scheduler decides who comes first, and
// they wait for locks, which a bubble does not take for waiting.
func TestCallsBehindABodyMoveWhenTheConnectionBreaks(t *testing.T) {
	t.Parallel()
	for range 30 {
		j := &jam{since: make(chan struct{}), jammed: make(chan struct{}), broken: make(chan struct{})}
		f := &fake{streams: 100, wrap: func(n int, nc net.Conn) net.Conn {
			if n > 1 {
				return nc
			}
			j.Conn = nc
			return j
		}}
		p := f.pool(t)
		calls(t, p, 1)
		close(j.since)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, lambdaTest, bytes.NewReader(make([]byte, 60_000)))
		if err != nil {
			t.Fatal(err)
		}
		var done sync.WaitGroup
		done.Go(func() { _ = send(p, r) })
		<-j.jammed
		done.Go(func() { calls(t, p, 30) })
		for range 20_000 { // until they wait
			runtime.Gosched()
		}
		_ = j.Close()
		done.Wait()
		p.Close()
	}
}

// Whatever a server does to requests and connections, each call runs at most once,
// one that succeeded ran, and one that is called unsent did not.
func TestWhateverAServerDoesACallRunsAtMostOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		streams := rapid.Uint32Range(0, 30).Draw(rt, "streams")
		callers := rapid.IntRange(1, 60).Draw(rt, "callers")
		rounds := rapid.IntRange(1, 3).Draw(rt, "rounds")
		ends := rapid.SliceOfN(rapid.IntRange(0, 20), 1, 50).Draw(rt, "ends")
		rapid.SyncTest(rt, func(rt *rapid.T) {
			var mu sync.Mutex
			n, ran := 0, map[string]int{}
			f := &fake{streams: streams, maxConns: 20}
			f.request = func(f *fake, c *fakeConn, stream uint32) {
				mu.Lock()
				end, id := ends[n%len(ends)], fmt.Sprint(slices.Index(f.all(), c), "/", stream)
				n++
				mu.Unlock()
				run := func() {
					mu.Lock()
					defer mu.Unlock()
					ran[id]++
				}
				switch time.Sleep(time.Duration(end) * time.Millisecond); end {
				case 0:
					c.refuse(stream, 7)
				case 1:
					c.goAway(max(stream, 2) - 2) // it did not look at this one
					c.end()
				case 2:
					run()
					c.refuse(stream, 2)
				case 3:
					_ = c.Close()
				default:
					run()
					c.answer(stream)
				}
			}
			p := f.pool(t)
			defer time.Sleep(time.Hour)
			defer p.Close()
			succeeded := 0
			var done sync.WaitGroup
			for range callers {
				done.Go(func() {
					for range rounds {
						ctx, cancel := context.WithTimeout(rt.Context(), time.Minute)
						err := callAt(ctx, t, p, lambdaTest)
						cancel()
						mu.Lock()
						if err == nil {
							succeeded++
						}
						mu.Unlock()
						if _, ok := errors.AsType[*wire.LostError](err); err != nil && (!ok || errors.Is(err, context.DeadlineExceeded)) {
							rt.Errorf("RoundTrip = %v, want success or a LostError before a minute", err)
						}
					}
				})
			}
			done.Wait()
			mu.Lock()
			defer mu.Unlock()
			if total := len(ran); succeeded > total {
				rt.Errorf("%d calls succeeded, and %d ran", succeeded, total)
			}
		})
	})
}

// A body of many times the window arrives whole, in both directions.
func TestBigBodies(t *testing.T) {
	t.Parallel()
	const size = 5 << 20
	for _, http2 := range []bool{false, true} {
		s := newServer(t, true, http2, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
		p := s.pool(t, nil)
		var done sync.WaitGroup
		for i := range 5 {
			done.Go(func() {
				body := bytes.Repeat([]byte{byte(i), 'x'}, size/2)
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, bytes.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				response, err := p.RoundTrip(r)
				if err != nil {
					t.Errorf("RoundTrip = %v, want success", err)
					return
				}
				got, err := io.ReadAll(response.Body)
				if _ = response.Body.Close(); err != nil || !bytes.Equal(got, body) {
					t.Errorf("HTTP/2 %t: %d bytes and %v came back, want the %d that were sent", http2, len(got), err, size)
				}
			})
		}
		done.Wait()
	}
}
