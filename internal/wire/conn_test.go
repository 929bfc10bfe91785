package wire_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/wire"
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

// Streams that the server allows in the middle of a connection are not given out
// before net/http has heard of them: it would wait for another stream to end.
func TestStreamsThatAreAllowedLaterAreGivenOutWhenTheyMayBegin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 1)
		server.request = func(c *fakeConn, stream uint32) {
			if stream > 1 {
				c.answer(stream)
				return
			}
			early := "\x00\x00\x05\x01\x04\x00\x00\x00\x01\x08\x03103"
			settings := "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x32"
			_, _ = c.Write([]byte(early + settings))
			time.Sleep(time.Hour)
			c.answer(stream)
		}
		cfg := server.config(t)
		cfg.MaxConns = 1
		p := wire.New(cfg)
		defer p.Close()
		var first sync.WaitGroup
		busy := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(int, textproto.MIMEHeader) error { // as slow as a busy machine, or a write that is held up
				time.Sleep(time.Second)
				return nil
			},
		})
		first.Go(func() {
			if err := callWith(busy, t, p, lambdaTest.String()); err != nil {
				t.Errorf("RoundTrip = %v, want success", err)
			}
		})
		synctest.Wait()
		for i, took := range lengths(t, p, 10) {
			if took != time.Second {
				t.Errorf("call %d took %v, want 1s", i, took)
			}
		}
		first.Wait()
	})
}

// A server may say first that it will end the connection, and later which requests it
// has looked at: until then none moves, and then the rest do. It may also say it twice
// with less each time.
func TestGoAwayInTwoFrames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		first  uint32
		second uint32
		want   int // requests that move
	}{
		{"at first all", 1<<31 - 1, 2*4 - 1, 6},
		{"at first more", 2*8 - 1, 2*4 - 1, 6},
		{"at first all, and all after that", 1<<31 - 1, 2*10 - 1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newFake(t, 100)
				server.request = func(c *fakeConn, stream uint32) {
					if c == server.all()[0] {
						time.Sleep(time.Minute)
						if stream > test.second {
							return
						}
					}
					c.answer(stream)
				}
				p := server.pool(t)
				var early sync.WaitGroup
				early.Go(func() { mustAll(t, calls(t, p, 10)) })
				synctest.Wait()
				first := server.all()[0]
				first.goAway(test.first)
				time.Sleep(time.Second)
				mustAll(t, calls(t, p, 1)) // elsewhere
				first.goAway(test.second)
				early.Wait()
				synctest.Wait()
				conns := server.all()
				if len(conns) != 2 || first.seen().began != 10 || conns[1].seen().began != 1+test.want {
					t.Errorf("%d connections and %d requests, want 2 and 10, one elsewhere and %d that moved",
						len(conns), server.began(), test.want)
				}
				if first.seen().closed.IsZero() {
					t.Error("the first connection is open after its last call, want it closed")
				}
			})
		})
	}
}

// A server may allow no streams for a while: calls wait until it allows some, and no
// more connections are opened than calls wait.
func TestAServerThatAllowsNoStreamsForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, 100)
		p := server.pool(t)
		mustAll(t, calls(t, p, 1))
		first := server.all()[0]
		first.frame(4, 0, 0, []byte{0, 3, 0, 0, 0, 0})
		synctest.Wait()
		time.AfterFunc(time.Second, func() { first.frame(4, 0, 0, []byte{0, 3, 0, 0, 0, 50}) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		if err := callWith(ctx, t, p, lambdaTest.String()); err != nil || time.Since(begin) != time.Second {
			t.Fatalf("RoundTrip = %v after %v, want success after 1s", err, time.Since(begin))
		}
		if got := len(server.all()); got != 1 {
			t.Errorf("%d connections, want 1", got)
		}
		first.frame(4, 0, 0, []byte{0, 3, 0, 0, 0, 0})
		synctest.Wait()
		time.AfterFunc(time.Second, func() { first.frame(4, 0, 0, []byte{0, 3, 0, 0, 0, 1}) })
		mustAll(t, calls(t, p, 5))
		if got := len(server.all()); got > 5 {
			t.Errorf("%d connections for 5 calls, want as many at most", got)
		}
	})
}

// Also one that dies in the middle of an answer, or while a request is being written,
// and nobody is left with a connection that is gone.
func TestAConnectionThatDiesSilentlyInBetween(t *testing.T) {
	t.Parallel()
	for _, answers := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			server := newFake(t, 100)
			server.request = func(c *fakeConn, stream uint32) {
				if c != server.all()[0] {
					c.answer(stream)
					return
				}
				if answers {
					c.frame(1, 4, stream, []byte{0x88}) // and no end
				}
				c.server.lose()
				c.client.lose()
			}
			cfg := server.config(t)
			cfg.MaxConns = 1
			p := wire.New(cfg)
			defer p.Close()
			begin := time.Now()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, lambdaTest.String(), strings.NewReader(strings.Repeat("x", 200_000)))
			if err != nil {
				t.Fatal(err)
			}
			response, err := p.RoundTrip(r)
			if (err == nil) != answers {
				t.Fatalf("answers %t: RoundTrip = %v", answers, err)
			}
			if answers {
				if _, err = io.Copy(io.Discard, response.Body); err == nil {
					t.Error("the answer ended well, want an error")
				}
				_ = response.Body.Close()
			}
			if got := time.Since(begin); got != 30*time.Second {
				t.Errorf("answers %t: the call took %v, want 30s", answers, got)
			}
			mustAll(t, calls(t, p, 1))
		})
	}
}
