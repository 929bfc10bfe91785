package wire_test

import (
	"fmt"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/wire"
)

// lambdaTest is the fake's address.
var lambdaTest = &url.URL{Scheme: "https", Host: "lambda.test"}

// afterASecond returns a server that answers each request after a second.
func afterASecond(t *testing.T) *fake {
	t.Helper()
	server := newFake(t, 128)
	server.request = func(c *fakeConn, stream uint32) {
		time.Sleep(time.Second)
		c.answer(stream)
	}
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
