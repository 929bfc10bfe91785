package wire_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"meridian/internal/wire"
)

// A lost packet delays the calls on its connection until it has come, and no others:
// at most Spread, and when the connections were there before the calls, no more than
// their share. No call fails, and none is sent twice.
func TestALostPacketDelaysNoMoreThanTheCallsOnItsConnection(t *testing.T) {
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
		{101, true, 1, true},
		{250, true, 3, true},
		{250, false, 3, false},
		{1000, true, 3, false},
		{1000, false, 2, false},
	} {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, p := start(t, &fake{streams: 128, request: after(time.Second)})
				held := sentAgain(test.losses)
				conns := (test.calls + wire.Spread - 1) / wire.Spread
				most := wire.Spread
				if test.prepared {
					prepare(t, p, test.calls)
					most = (test.calls + conns - 1) / conns
				}
				if test.toServer {
					f.all()[0].client.losePacket(held)
				} else {
					time.AfterFunc(time.Second/2, func() { f.all()[0].server.losePacket(held) })
				}
				late := 0
				for i, took := range calls(t, p, test.calls) {
					switch took {
					case time.Second:
					case time.Second + held:
						late++
					default:
						t.Errorf("call %d took %v, want 1s, or %v if it was delayed", i, took, time.Second+held)
					}
				}
				if own := f.all()[0].seen().began; late != own || late > most {
					t.Errorf("%d of %d calls were delayed, want the %d of their connection, and at most %d", late, test.calls, own, most)
				}
				f.want(t, conns, test.calls)
			})
		})
	}
}

// A delayed connection keeps its calls and so gets no others: calls that begin
// meanwhile go where calls end, and end on time.
func TestCallsThatBeginMeanwhileGoToOtherConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{streams: 128, request: after(time.Second)})
		const callers, conns = 240, 3
		prepare(t, p, callers)
		begin := time.Now()
		time.AfterFunc(time.Second/2, func() { f.all()[0].server.losePacket(sentAgain(3)) })
		var mu sync.Mutex
		late := 0
		var done sync.WaitGroup
		for range callers {
			done.Go(func() {
				for time.Since(begin) < 10*time.Second { // one call after the other
					start := time.Now()
					took := calls(t, p, 1)[0]
					if took == time.Second {
						continue
					}
					mu.Lock()
					if late++; took != time.Second+sentAgain(3) || !start.Equal(begin) {
						t.Errorf("a call that began after %v took %v, want 1s", start.Sub(begin), took)
					}
					mu.Unlock()
				}
			})
		}
		done.Wait()
		if late != callers/conns || len(f.all()) != conns {
			t.Errorf("%d calls were delayed, and there were %d connections, want %d and %d",
				late, len(f.all()), callers/conns, conns)
		}
	})
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

// Whatever is lost, every call ends once, is sent once, and is delayed no longer
// than its own connection was.
func TestAnyLossesDelayOnlyTheCallsOnTheirConnections(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		callers := rapid.IntRange(1, 220).Draw(rt, "callers")
		rounds := rapid.IntRange(1, 2).Draw(rt, "rounds")
		lost := losses().Draw(rt, "lost")
		rapid.SyncTest(rt, func(rt *rapid.T) {
			f := &fake{streams: 128, request: func(f *fake, c *fakeConn, stream uint32) {
				time.Sleep(time.Second)
				c.sign(stream, slices.Index(f.all(), c))
			}}
			p := f.pool(t)
			defer time.Sleep(time.Minute) // until the server has heard of it
			defer p.Close()
			prepare(t, p, callers)
			var mu sync.Mutex
			delays := map[int]time.Duration{} // of a connection
			for _, l := range lost {
				time.AfterFunc(l.after, func() {
					conns := f.all()
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
						took := time.Since(begin)
						mu.Lock()
						if most := time.Second + delays[conn]; took < time.Second || took > most {
							rt.Errorf("a call on connection %d took %v, want at most %v", conn, took, most)
						}
						mu.Unlock()
					}
				})
			}
			done.Wait()
			if got := f.began(); got != callers*rounds {
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

// signedCall makes a call and returns the number of the connection that it used.
func signedCall(ctx context.Context, p *wire.Pool) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, lambdaTest, strings.NewReader("{}"))
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
