package wire_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/wire"
)

// A connection takes what its server allows, and not what net/http assumes before the server's
// settings have come, at whatever moment of their coming it is asked.
func TestASettingThatComesWhileTheConnectionIsAsked(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(lambdaTest)
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			f, p := start(t, &fake{streams: 1})
			for acknowledged := 0; acknowledged < 100; runtime.Gosched() {
				p.Prepare(u, 1)
				if conns := f.all(); len(conns) == 1 && conns[0].seen().acknowledged {
					acknowledged++
				}
			}
			synctest.Wait()
			prepare(t, p, 5)
			f.want(t, 5, 0)
		})
	}
}

// Calls that wait for the settings of a connection do so only until it is silent.
func TestAConnectionWhoseSettingsNeverCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := new(fake)
		f.streams, f.dials = 100, func(_ context.Context, n int) (net.Conn, error) {
			if n > 1 {
				return nil, nil //nolint:nilnil // the fake's own dial
			}
			client, theirs := newPipe()
			s := tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{f.certificate}, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12})
			go func() { //nolint:contextcheck // the dial has ended
				_ = s.HandshakeContext(context.WithoutCancel(t.Context()))
				theirs.lose()
			}()
			return client, nil
		}
		_, p := start(t, f)
		begin := time.Now()
		var done sync.WaitGroup
		for range 5 {
			done.Go(func() {
				err := call(t, p)
				if lost, ok := errors.AsType[*wire.LostError](err); ok && lost.Sent {
					return // the one on the dead connection
				}
				if took := time.Since(begin); err != nil || took > 16*time.Second {
					t.Errorf("RoundTrip = %v after %v, want success within 16 s", err, took)
				}
			})
		}
		done.Wait()
	})
}

// A connection that has ended does not say what its server allows.
func TestAnEndedConnectionHasNoLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{streams: 100, connecting: 100 * time.Millisecond, wrap: func(n int, nc net.Conn) net.Conn {
			if n == 1 {
				return slowClose{nc}
			}
			return nc
		}})
		calls(t, p, 1)
		_ = f.all()[0].server.Close()
		synctest.Wait()
		calls(t, p, 50)
		time.Sleep(time.Second)
		f.want(t, 2, 51)
	})
}

// A slowClose takes a while to close.
type slowClose struct{ net.Conn }

func (c slowClose) Close() error {
	time.Sleep(time.Millisecond)
	return c.Conn.Close() //nolint:wrapcheck // of the fake
}

// A limit that is raised lets waiting calls begin.
func TestALimitThatIsRaised(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, p := start(t, &fake{streams: 10, maxConns: 1, request: after(15 * time.Minute)})
		prepare(t, p, 1)
		var done sync.WaitGroup
		done.Go(func() { calls(t, p, 15) })
		synctest.Wait()
		f.all()[0].allow(15)
		synctest.Wait()
		f.want(t, 1, 15)
		done.Wait()
	})
}

// A limit that is lowered while a call is about to be sent, and raised again, holds no call
// up.
func TestALimitThatIsLoweredAndRaised(t *testing.T) {
	t.Parallel()
	for _, running := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			f, p := start(t, &fake{streams: 100, request: func(_ *fake, c *fakeConn, stream uint32) {
				if running > 0 && stream == 1 {
					time.Sleep(15 * time.Minute)
				}
				c.answer(stream)
			}})
			prepare(t, p, 1)
			var done sync.WaitGroup
			done.Go(func() { calls(t, p, running) })
			synctest.Wait()
			changed := make(chan struct{})
			sent := make(chan error)
			go func() { sent <- sendWhen(t, p, changed) }()
			synctest.Wait()
			f.all()[0].allow(byte(running))
			synctest.Wait()
			close(changed)
			synctest.Wait()
			f.all()[0].allow(100)
			synctest.Wait()
			for range 5 {
				if err := callFor(t, time.Minute, p); err != nil {
					t.Errorf("RoundTrip = %v, want success", err)
				}
			}
			if err := <-sent; err != nil {
				t.Errorf("Send = %v, want success", err)
			}
			done.Wait()
		})
	}
}

// A place that net/http frees only after the end of its call is given to a call that waits,
// also when another call has begun in between.
func TestAPlaceThatIsFreedAfterItsCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answer, begin, end, freed := make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{})
		f, p := start(t, &fake{streams: 2, maxConns: 1, request: func(_ *fake, c *fakeConn, stream uint32) {
			if stream > 1 {
				time.Sleep(15 * time.Minute)
				c.answer(stream)
				return
			}
			<-answer
			c.end()
			c.frame(1, 4|1, stream, []byte{0x88}) // headers, and the end
		}})
		prepare(t, p, 1)
		var done sync.WaitGroup
		done.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, lambdaTest, slowBody{strings.NewReader("{}"), freed})
			if err != nil {
				t.Error(err)
				return
			}
			r.ContentLength = 2
			response, err := p.RoundTrip(r)
			if err != nil {
				t.Error(err)
				return
			}
			<-end
			_ = response.Body.Close()
		})
		synctest.Wait()
		done.Go(func() {
			if err := sendWhen(t, p, begin); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		done.Go(func() { calls(t, p, 1) })
		for _, next := range []chan struct{}{answer, begin, end, freed} {
			synctest.Wait()
			close(next)
		}
		time.Sleep(time.Second)
		f.want(t, 1, 3)
		done.Wait()
	})
}

// A slowBody is a request's, and net/http ends the stream only when it is closed.
type slowBody struct {
	io.Reader
	closed <-chan struct{}
}

func (b slowBody) Close() error { <-b.closed; return nil }

// sendWhen sends a request that is ready when a channel is closed, and reads the answer.
func sendWhen(t *testing.T, p *wire.Pool, ready <-chan struct{}) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, lambdaTest, strings.NewReader("{}"))
	if err != nil {
		return err //nolint:wrapcheck // a test's
	}
	response, err := p.Send(ctx, r, func(*http.Request) error { <-ready; return nil })
	if err != nil {
		return err //nolint:wrapcheck // a test's
	}
	_, err = io.Copy(io.Discard, response.Body)
	return errors.Join(err, response.Body.Close())
}
