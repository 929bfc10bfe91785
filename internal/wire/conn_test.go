package wire_test

import (
	"context"
	"errors"
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

// A connection that was silent for longer than a ping takes is not used: the process
// was frozen, and it may be dead. A live process keeps its connections.
func TestASilentConnectionIsNotUsed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		idle      time.Duration // in a live process
		frozen    time.Duration
		meanwhile func(c *fakeConn)
		want      time.Duration // that the call takes
		wantConns int
	}{
		{"at once", 0, 0, nil, 0, 1},
		{"idle for minutes", 4 * time.Minute, 0, nil, 0, 1},
		{"frozen for seconds", 0, 10 * time.Second, nil, 0, 1},
		{"frozen for a minute", 0, time.Minute, nil, 10 * time.Millisecond, 2},
		{"the server has closed it", 2 * time.Second, 0, func(c *fakeConn) { _ = c.Close() }, 10 * time.Millisecond, 2},
		{"the route was lost", 30 * time.Second, 0, func(c *fakeConn) { c.client.lose() }, 10 * time.Millisecond, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, p := start(t, &fake{streams: 100, connecting: 10 * time.Millisecond})
				calls(t, p, 1)
				if test.meanwhile != nil {
					test.meanwhile(f.all()[0])
				}
				time.Sleep(test.idle)
				p.Freeze(test.frozen)
				wantTook(t, calls(t, p, 10), test.want)
				f.want(t, test.wantConns, 11)
				if got := f.all()[0].seen().closed.IsZero(); got != (test.wantConns == 1) {
					t.Errorf("the first connection is open: %t, want %t", got, test.wantConns == 1)
				}
			})
		})
	}
}

// Prepare replaces silent connections, so that the calls need not.
func TestPrepareReplacesSilentConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{streams: 100, connecting: 10 * time.Millisecond})
		calls(t, p, 1)
		p.Freeze(time.Minute)
		prepare(t, p, 1)
		time.Sleep(10 * time.Millisecond)
		wantTook(t, calls(t, p, 1), 0)
		f.want(t, 2, 2)
	})
}

// HTTP/1.1 has no ping. An idle connection is used for as long as servers keep it.
func TestASilentConnectionOfHTTP1IsNotUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(network).newServer(t, false, false, func(http.ResponseWriter, *http.Request) {})
		p := s.pool(t, nil)
		for _, test := range []struct {
			frozen time.Duration
			want   int64 // connections
		}{{0, 1}, {5 * time.Second, 1}, {16 * time.Second, 2}} {
			p.Freeze(test.frozen)
			callsAt(t, p, s.URL, 1)
			if got := s.total.Load(); got != test.want {
				t.Errorf("%d connections after %v, want %d", got, test.frozen, test.want)
			}
		}
	})
}

// A connection that dies silently under its calls is found within 30 s, also in the
// middle of an answer or of a request, and its place is free again.
func TestAConnectionThatDiesSilentlyIsFoundWithin30Seconds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		body    int
		answers bool
	}{{"before the answer", 2, false}, {"in the answer", 2, true}, {"in the request", 200_000, false}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, p := start(t, &fake{streams: 100, maxConns: 1, request: func(f *fake, c *fakeConn, stream uint32) {
					if c != f.all()[0] {
						c.answer(stream)
						return
					}
					if test.answers {
						c.frame(1, 4, stream, []byte{0x88}) // and no end
					}
					c.server.lose()
					c.client.lose()
				}})
				begin := time.Now()
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, lambdaTest, strings.NewReader(strings.Repeat("x", test.body)))
				if err != nil {
					t.Fatal(err)
				}
				response, err := p.RoundTrip(r)
				if (err == nil) != test.answers {
					t.Fatalf("RoundTrip = %v, want an answer %t", err, test.answers)
				}
				if test.answers {
					if _, err = io.Copy(io.Discard, response.Body); err == nil {
						t.Error("the answer ended well, want an error")
					}
					_ = response.Body.Close()
				} else {
					wantLost(t, err, true)
				}
				if got := time.Since(begin); got > 30*time.Second {
					t.Errorf("the call took %v, want at most 30s", got)
				}
				calls(t, p, 1)
			})
		})
	}
}

// While a worker is silent for long, NAT gateways are kept from forgetting its
// connection.
func TestALongCallOutlivesSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{streams: 100, request: after(15 * time.Minute)})
		calls(t, p, 3)
		if got := f.all()[0].seen().pings; got < 50 {
			t.Errorf("%d pings in a quarter of an hour, want one every 15 s or more often", got)
		}
	})
}

// An idle connection is closed after five minutes.
func TestAnIdleConnectionIsClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{streams: 100})
		calls(t, p, 1)
		for _, closed := range []bool{false, true} {
			time.Sleep(5*time.Minute - time.Second)
			if got := !f.all()[0].seen().closed.IsZero(); got != closed {
				t.Errorf("the connection is closed: %t, want %t", got, closed)
			}
		}
	})
}

// A process may be frozen in the middle of a call. The connection may be dead, so it
// gets no other call before the server is heard from; then it does.
func TestAConnectionThatWasFrozenUnderACall(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		maxConns  int
		want      time.Duration
		wantConns int
	}{
		{"with another to go to", 0, time.Minute, 2},
		{"without", 1, 10*time.Second + time.Minute, 1}, // the ping, and the call
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, p := start(t, &fake{streams: 100, maxConns: test.maxConns, request: after(time.Minute)})
				var first sync.WaitGroup
				first.Go(func() { calls(t, p, 1) })
				synctest.Wait()
				p.Freeze(time.Minute)
				wantTook(t, calls(t, p, 3), test.want)
				first.Wait()
				f.want(t, test.wantConns, 4)
			})
		})
	}
}

// A lost packet may delay a connection on which a call was given up. It gets no
// other call before the server is heard from, and then it does.
func TestAConnectionOnWhichACallWasGivenUp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		limit time.Duration // of the call that is given up
		early bool          // the server was heard from after that call began
	}{{"nothing was heard since", time.Second, false}, {"nothing was heard for a second", 3 * time.Second, true}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, p := start(t, &fake{streams: 10, request: func(_ *fake, c *fakeConn, stream uint32) {
					if test.early {
						c.frame(6, 0, 0, make([]byte, 8)) // a PING
					}
					time.Sleep(time.Minute)
					c.answer(stream)
				}})
				var patient sync.WaitGroup
				patient.Go(func() { calls(t, p, 1) })
				synctest.Wait()
				first := f.all()[0]
				time.AfterFunc(test.limit/2, func() { first.server.losePacket(sentAgain(3)) })
				if err := callFor(t, test.limit, p); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("RoundTrip = %v, want the deadline", err)
				}
				for _, step := range []struct {
					after        time.Duration
					calls, conns int
				}{{0, 1, 2}, {20 * time.Second, 18, 2}, {time.Second, 1, 3}} {
					time.Sleep(step.after)
					patient.Go(func() { calls(t, p, step.calls) })
					time.Sleep(time.Second)
					if got := len(f.all()); got != step.conns {
						t.Errorf("%d connections with %d calls more, want %d", got, step.calls, step.conns)
					}
				}
				patient.Wait()
			})
		})
	}
}

// Until the server is heard from, the next calls wait for a connection on which a
// call was given up; but not for long, then they get another.
func TestCallsWaitBrieflyForAConnectionOnWhichACallWasGivenUp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ answer, want time.Duration }{
		{100 * time.Millisecond, 1100 * time.Millisecond}, {7 * time.Second, 1500 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			f, p := start(t, &fake{streams: 10, request: after(time.Second)})
			prepare(t, p, 1)
			f.all()[0].server.losePacket(test.answer) // to the ping
			if err := callFor(t, time.Second/2, p); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("RoundTrip = %v, want the deadline", err)
			}
			wantTook(t, calls(t, p, 9), test.want)
			if conns := len(f.all()); (conns == 1) != (test.answer < time.Second) {
				t.Errorf("%d connections when the answer takes %v", conns, test.answer)
			}
		})
	}
}

// Streams that the server allows in the middle of a connection are not given out
// before net/http has applied the new limit: a call would wait for another to end.
func TestStreamsThatAreAllowedLaterAreGivenOutWhenTheyMayBegin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, p := start(t, &fake{streams: 1, maxConns: 1, request: func(_ *fake, c *fakeConn, stream uint32) {
			if stream > 1 {
				c.answer(stream)
				return
			}
			early := "\x00\x00\x05\x01\x04\x00\x00\x00\x01\x08\x03103"
			settings := "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x32"
			_, _ = c.Write([]byte(early + settings))
			time.Sleep(time.Hour)
			c.answer(stream)
		}})
		busy := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(int, textproto.MIMEHeader) error { // as slow as a busy machine
				time.Sleep(time.Second)
				return nil
			},
		})
		var first sync.WaitGroup
		first.Go(func() {
			if err := callAt(busy, t, p, lambdaTest); err != nil {
				t.Errorf("RoundTrip = %v, want success", err)
			}
		})
		synctest.Wait()
		wantTook(t, calls(t, p, 10), time.Second)
		first.Wait()
	})
}

// A connection that ends before its first call costs no call: each gets another one.
func TestAConnectionThatEndsUnused(t *testing.T) {
	t.Parallel()
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			f, p := start(t, &fake{streams: 100})
			prepare(t, p, 1)
			_ = f.all()[0].server.Close()
			var done sync.WaitGroup
			for range 50 {
				done.Go(func() {
					if lost, ok := errors.AsType[*wire.LostError](call(t, p)); ok && !lost.Sent {
						t.Errorf("RoundTrip = %v, want success on another connection", lost)
					}
				})
			}
			done.Wait()
		})
	}
}

// Calls wait half a second for a connection on which calls are given up, however many are
// and whenever.
func TestCallsThatAreGivenUpOneAfterTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{streams: 100, request: func(f *fake, c *fakeConn, stream uint32) {
			if c != f.all()[0] {
				c.answer(stream)
			}
		}})
		prepare(t, p, 1)
		f.all()[0].server.lose()
		f.all()[0].client.lose()
		var done sync.WaitGroup
		for i := range 60 {
			done.Go(func() { _ = callFor(t, time.Second+time.Duration(i)*300*time.Millisecond, p) })
		}
		time.Sleep(1100 * time.Millisecond)
		wantTook(t, calls(t, p, 1), 400*time.Millisecond)
		done.Wait()
	})
}

// A call that is given up before any of it is sent says nothing of its connection.
func TestACallThatIsGivenUpBeforeItIsSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{streams: 100})
		prepare(t, p, 1)
		time.Sleep(time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, lambdaTest, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		response, err := p.Send(t.Context(), r, func(*http.Request) error { cancel(); return nil })
		if err == nil {
			_ = response.Body.Close()
			t.Fatal("Send of a request that was cancelled succeeded")
		}
		wantTook(t, calls(t, p, 1), 0)
		f.want(t, 1, 1)
	})
}
