package wire_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A server may call one request a protocol error, after which net/http begins no
// other on that connection: those that come meanwhile go elsewhere.
func TestAConnectionThatMetAProtocolErrorTakesNoMoreCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		server.request = func(c *fakeConn, stream uint32) {
			switch {
			case c != server.all()[0]:
				c.answer(stream)
			case stream == 1:
				time.Sleep(time.Minute)
				c.answer(stream)
			default:
				c.refuse(stream, 1)
			}
		}
		p := server.pool(t)
		begin := time.Now()
		var first sync.WaitGroup
		first.Go(func() { mustAll(t, calls(t, p, 1)) })
		synctest.Wait()
		if err := call(t, p); err == nil {
			t.Error("RoundTrip = nil, want the protocol error")
		}
		mustAll(t, calls(t, p, 10))
		first.Wait()
		synctest.Wait()
		conns := server.all()
		if len(conns) != 2 || conns[0].seen().began != 2 || conns[1].seen().began != 10 {
			t.Fatalf("%d connections with %d requests, want 2 with 12", len(conns), server.began())
		}
		if got := conns[0].seen().closed.Sub(begin); got != time.Minute {
			t.Errorf("the first connection was closed after %v, want with its last call after a minute", got)
		}
	})
}
