package wire_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"meridian/internal/wire"
)

// lambdaTest is the fake's address.
var lambdaTest = &url.URL{Scheme: "https", Host: "lambda.test"}

// afterASecond returns a server that answers each request after a second.
func afterASecond(t *testing.T) *fake {
	t.Helper()
	server := newFake(t, 128)
	server.request = after(time.Second)
	return server
}

// lengths makes calls at once and returns how long each took. None may fail.
func lengths(t *testing.T, p *wire.Pool, n int) []time.Duration {
	t.Helper()
	took := make([]time.Duration, n)
	begin := time.Now()
	var done sync.WaitGroup
	for i := range took {
		done.Go(func() {
			if err := call(t, p); err != nil {
				t.Errorf("call %d = %v, want success", i, err)
			}
			took[i] = time.Since(begin)
		})
	}
	done.Wait()
	return took
}

// began returns how many requests the server has seen, on all connections.
func (f *fake) began() (requests int) {
	for _, c := range f.all() {
		requests += c.seen().began
	}
	return requests
}

// A lost packet holds up the calls on its connection, which are at most Spread and,
// when the connections were there before the calls, no more than their share. It
// holds them up for as long as it takes to come, and no others; none fails, and none
// is sent twice.
func TestALostPacketHoldsUpNoMoreThanTheCallsOnItsConnection(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		calls    int
		prepared bool // the connections were there before the calls
		losses   int  // of the packet, one after the other
		toServer bool
	}{
		{3, true, 1, false},
		{35, true, 1, true},
		{100, true, 2, false},
		{101, true, 1, false},
		{101, true, 1, true},
		{250, true, 1, false},
		{250, true, 3, true},
		{250, false, 1, false},
		{250, false, 3, false},
		{1000, true, 3, false},
		{1000, true, 1, true},
		{1000, false, 2, false},
	} {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := afterASecond(t)
				p := server.pool(t)
				held := sentAgain(test.losses)
				if test.prepared {
					p.Prepare(lambdaTest, test.calls)
					synctest.Wait()
				}
				if test.toServer {
					server.all()[0].client.losePacket(held)
				} else {
					time.AfterFunc(time.Second/2, func() { server.all()[0].server.losePacket(held) })
				}
				late := 0
				for i, took := range lengths(t, p, test.calls) {
					switch took {
					case time.Second:
					case time.Second + held:
						late++
					default:
						t.Errorf("call %d took %v, want 1s, or %v if it was held up", i, took, time.Second+held)
					}
				}
				conns := (test.calls + wire.Spread - 1) / wire.Spread
				most := wire.Spread
				if test.prepared {
					most = (test.calls + conns - 1) / conns
				}
				if own := server.all()[0].seen().began; late != own || late > most {
					t.Errorf("%d of %d calls were held up, want the %d of their connection, and at most %d", late, test.calls, own, most)
				}
				if got := len(server.all()); got != conns || server.began() != test.calls {
					t.Errorf("%d calls took %d connections and %d requests, want %d and as many requests",
						test.calls, got, server.began(), conns)
				}
			})
		})
	}
}

// A connection that is held up keeps its calls and so gets no others: those that
// begin meanwhile go where calls end, and end on time.
func TestCallsThatBeginMeanwhileGoToOtherConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const callers, conns = 240, 3
		server := afterASecond(t)
		p := server.pool(t)
		p.Prepare(lambdaTest, callers)
		synctest.Wait()
		begin := time.Now()
		time.AfterFunc(time.Second/2, func() { server.all()[0].server.losePacket(sentAgain(3)) })
		var mu sync.Mutex
		late := 0
		var done sync.WaitGroup
		for range callers {
			done.Go(func() {
				for time.Since(begin) < 10*time.Second { // one call after the other
					start := time.Now()
					if err := call(t, p); err != nil {
						t.Errorf("RoundTrip = %v, want success", err)
					}
					if took := time.Since(start); took != time.Second {
						mu.Lock()
						if late++; took != time.Second+sentAgain(3) || !start.Equal(begin) {
							t.Errorf("a call that began after %v took %v, want 1s", start.Sub(begin), took)
						}
						mu.Unlock()
					}
				}
			})
		}
		done.Wait()
		if late != callers/conns || len(server.all()) != conns {
			t.Errorf("%d calls were held up, and there were %d connections, want %d and %d",
				late, len(server.all()), callers/conns, conns)
		}
	})
}

// A connection on which a call is given up while it is quiet gets no others until it
// has answered: it may be held up, and would have the fewest calls just because those
// on it are given up.
func TestAConnectionOnWhichACallIsGivenUpGetsNoOtherUntilItHasAnswered(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		busy bool // the connection was heard from since the calls began
	}{{"since the call began", false}, {"for a while", true}} {
		t.Run("nothing was heard "+test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const callers = 160
				server := afterASecond(t)
				slow := server.request
				server.request = func(c *fakeConn, stream uint32) {
					if test.busy {
						time.AfterFunc(time.Millisecond, func() { c.frame(6, 0, 0, make([]byte, 8)) }) // a PING of its own
					}
					slow(c, stream)
				}
				p := server.pool(t)
				p.Prepare(lambdaTest, callers)
				synctest.Wait()
				time.AfterFunc(time.Second/2, func() { server.all()[0].server.losePacket(sentAgain(3)) })
				// All but one of the calls that are held up are given up, and made again.
				var mu sync.Mutex
				patient := map[time.Duration]int{}
				again := 0
				var done sync.WaitGroup
				for i := range callers {
					done.Go(func() {
						begin := time.Now()
						limit := 3*time.Second + time.Duration(i)*time.Millisecond
						if i < 2 {
							limit = time.Minute
						}
						ctx, cancel := context.WithTimeout(t.Context(), limit)
						defer cancel()
						err := callWith(ctx, t, p, "https://lambda.test/")
						if err == nil {
							mu.Lock()
							patient[time.Since(begin)]++
							mu.Unlock()
							return
						}
						if !errors.Is(err, context.DeadlineExceeded) {
							t.Errorf("RoundTrip = %v, want success or the deadline", err)
						}
						begin = time.Now()
						err = call(t, p)
						mu.Lock()
						again++
						mu.Unlock()
						if took := time.Since(begin); err != nil || took != time.Second {
							t.Errorf("the call that was made again after %v took %v and ended with %v, want 1s", limit, took, err)
						}
					})
					if i < 2 { // one on each connection
						synctest.Wait()
					}
				}
				done.Wait()
				if patient[time.Second] != callers/2 || patient[time.Second+sentAgain(3)] != 1 || again != callers/2-1 {
					t.Errorf("%v ended at first, %d were made again; want half after 1s, one after 8s, and the rest again", patient, again)
				}
				// When it is heard from again it takes calls again.
				mustAll(t, calls(t, p, 2*wire.Spread))
				if got := len(server.all()); got != 2 {
					t.Errorf("%d connections, want 2", got)
				}
			})
		})
	}
}

// Until the server is known to have heard of it, net/http lets no other call take the
// place of one that was given up. The next calls wait for the answer to the question,
// and not for long: then they get another connection.
func TestAPlaceOfACallThatWasGivenUpIsNotTakenTooEarly(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		roundTrip time.Duration
		want      time.Duration // that the next calls take
		wantConns int
	}{
		{"an answer comes", 100 * time.Millisecond, 1100 * time.Millisecond, 1},
		{"no answer comes for long", 7 * time.Second, 1200 * time.Millisecond, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := afterASecond(t)
				server.streams = 10
				p := server.pool(t)
				p.Prepare(lambdaTest, 1)
				synctest.Wait()
				server.all()[0].server.losePacket(test.roundTrip) // which is what comes next
				var first sync.WaitGroup
				first.Go(func() { mustAll(t, calls(t, p, 1)) })
				ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
				defer cancel()
				var given sync.WaitGroup
				for range 9 {
					given.Go(func() {
						if err := callWith(ctx, t, p, "https://lambda.test/"); !errors.Is(err, context.DeadlineExceeded) {
							t.Errorf("RoundTrip = %v, want the deadline", err)
						}
					})
				}
				given.Wait()
				for i, took := range lengths(t, p, 9) {
					if took != test.want {
						t.Errorf("call %d took %v, want %v", i, took, test.want)
					}
				}
				first.Wait()
				if got := len(server.all()); got != test.wantConns || server.began() != 19 {
					t.Errorf("%d connections and %d requests, want %d and 19", got, server.began(), test.wantConns)
				}
			})
		})
	}
}

// The last call on a connection that is held up may be the one that is given up, be
// it in the middle of its answer. Then the next call asks.
func TestAConnectionWhoseLastCallIsGivenUpIsAskedByTheNext(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		answers bool // the answer begins
		limit   time.Duration
	}{
		{"before its answer", false, time.Second / 2},
		{"in its answer", true, time.Second / 2},
		{"in its answer, after a while", true, 3 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newFake(t, 100)
				server.request = func(c *fakeConn, stream uint32) {
					if c != server.all()[0] {
						c.answer(stream)
						return
					}
					if test.answers {
						c.frame(1, 4, stream, []byte{0x88}) // and no end
					}
					c.server.losePacket(sentAgain(3))
				}
				p := server.pool(t)
				ctx, cancel := context.WithTimeout(t.Context(), test.limit)
				defer cancel()
				if err := callWith(ctx, t, p, "https://lambda.test/"); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("RoundTrip = %v, want the deadline", err)
				}
				if took := lengths(t, p, 1)[0]; took != 200*time.Millisecond {
					t.Errorf("the next call took %v, want 200ms", took)
				}
			})
		})
	}
}

// A connection that has answered at last takes calls again, beside those it has.
func TestAConnectionThatHasAnsweredAtLastTakesCallsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 10)
		server.request = after(time.Minute)
		p := server.pool(t)
		var patient sync.WaitGroup
		patient.Go(func() { mustAll(t, calls(t, p, 1)) })
		synctest.Wait()
		server.all()[0].server.losePacket(sentAgain(3)) // the answer to the question
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := callWith(ctx, t, p, "https://lambda.test/"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("RoundTrip = %v, want the deadline", err)
		}
		for _, test := range []struct {
			after time.Duration
			calls int
			want  int // connections
		}{{0, 1, 2}, {10 * time.Second, 18, 2}, {time.Second, 1, 3}} {
			time.Sleep(test.after)
			patient.Go(func() { mustAll(t, calls(t, p, test.calls)) })
			time.Sleep(time.Second)
			if got := len(server.all()); got != test.want {
				t.Errorf("%d connections with %d calls more, want %d", got, test.calls, test.want)
			}
		}
		patient.Wait()
	})
}

// A connection that does not come about while there is another is tried again after
// a second, for the calls that have no room on that.
func TestConnectingIsTriedAgainWhileCallsWait(t *testing.T) {
	t.Parallel()
	refused := func(context.Context) error { return syscall.ECONNREFUSED }
	lost := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, test := range []struct {
		name      string
		fails     func(context.Context) error
		last      int // dial that fails; the first does not
		maxConns  int
		calls     int
		want      time.Duration // until the last call ends
		wantDials int
	}{
		{"lost once", lost, 2, 0, 2, wire.ConnectTimeout + time.Second + time.Minute, 3},
		{"refused three times", refused, 4, 0, 2, 3*time.Second + time.Minute, 5},
		{"refused for ever", refused, 1e6, 0, 2, 2 * time.Minute, 62},
		{"refused for ever, and few connections", refused, 1e6, 2, 4, 4 * time.Minute, 182},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newFake(t, 1)
				server.request = after(time.Minute)
				cfg := server.config(t)
				cfg.MaxConns = test.maxConns
				var dials atomic.Int64
				cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					if n := int(dials.Add(1)); n > 1 && n <= test.last {
						return nil, test.fails(ctx)
					}
					return server.dial(ctx, network, address)
				}
				p := wire.New(cfg)
				defer p.Close()
				p.Prepare(lambdaTest, 1)
				synctest.Wait()
				took := lengths(t, p, test.calls)
				if first, last := slices.Min(took), slices.Max(took); first != time.Minute || last != test.want {
					t.Errorf("the calls took %v to %v, want 1m to %v", first, last, test.want)
				}
				if got := dials.Load(); got > int64(test.wantDials) {
					t.Errorf("%d dials, want at most %d", got, test.wantDials)
				}
			})
		})
	}
}

// A loss is a packet that is lost.
type loss struct {
	conn     int // of those that there are then
	after    time.Duration
	delay    time.Duration // until it comes
	toServer bool
}

// losses draws some.
func losses() *rapid.Generator[[]loss] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) loss {
		return loss{
			rapid.IntRange(0, 2).Draw(t, "connection"),
			time.Duration(rapid.IntRange(0, 3000).Draw(t, "after")) * time.Millisecond,
			sentAgain(rapid.IntRange(1, 3).Draw(t, "times")),
			rapid.Bool().Draw(t, "to the server"),
		}
	}), 0, 6)
}

// Whatever is lost, every call ends once, is sent once, and is held up for no longer
// than its own connection was, and while an idle one was asked.
func TestAnyLossesHoldUpOnlyTheCallsOnTheirConnections(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		callers := rapid.IntRange(1, 220).Draw(rt, "callers")
		rounds := rapid.IntRange(1, 3).Draw(rt, "rounds")
		lost := losses().Draw(rt, "lost")
		rapid.SyncTest(rt, func(rt *rapid.T) {
			server := afterASecond(t)
			server.request = func(c *fakeConn, stream uint32) {
				time.Sleep(time.Second)
				c.sign(stream, slices.Index(server.all(), c))
			}
			p := wire.New(server.config(t))
			defer time.Sleep(time.Minute) // until the server has heard of it
			defer p.Close()
			p.Prepare(lambdaTest, callers)
			synctest.Wait()
			var mu sync.Mutex
			delays := map[int]time.Duration{} // of a connection
			for _, l := range lost {
				time.AfterFunc(l.after, func() {
					conns := server.all()
					n := l.conn % len(conns)
					if l.toServer {
						conns[n].client.losePacket(l.delay)
					} else {
						conns[n].server.losePacket(l.delay)
					}
					mu.Lock()
					defer mu.Unlock()
					delays[n] += l.delay
				})
			}
			var done sync.WaitGroup
			for range callers {
				done.Go(func() {
					for range rounds {
						begin := time.Now()
						conn, err := signedCall(rt.Context(), p)
						if err != nil {
							rt.Errorf("RoundTrip = %v, want success", err)
							continue
						}
						const asking = 200 * time.Millisecond
						took := time.Since(begin)
						mu.Lock()
						if most := time.Second + asking + delays[conn]; took < time.Second || took > most {
							rt.Errorf("a call on connection %d took %v, want at most %v", conn, took, most)
						}
						mu.Unlock()
					}
				})
			}
			done.Wait()
			if got := server.began(); got != callers*rounds {
				rt.Errorf("%d requests for %d calls", got, callers*rounds)
			}
		})
	})
}

// sign answers a request with 200 and the connection's number.
func (c *fakeConn) sign(stream uint32, number int) {
	c.end()
	text := strconv.Itoa(number)
	c.frame(1, 4|1, stream, append([]byte{0x88, 0, 4, 'c', 'o', 'n', 'n', byte(len(text))}, text...))
}

// signedCall makes a call and returns the number of the connection that it went by.
func signedCall(ctx context.Context, p *wire.Pool) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, lambdaTest.String(), strings.NewReader("{}"))
	if err != nil {
		return 0, err
	}
	response, err := p.RoundTrip(r)
	if err != nil {
		return 0, err
	}
	if err := response.Body.Close(); err != nil {
		return 0, err
	}
	return strconv.Atoi(response.Header.Get("Conn"))
}
