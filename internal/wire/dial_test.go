package wire_test

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/wire"
)

// A tunnel is a connection to a proxy next door, which has opened one to the server
// when it has answered.
type tunnel struct {
	net.Conn
	roundTrip time.Duration // to the server
	asked     bool
	answer    strings.Reader
}

func (c *tunnel) Write(p []byte) (int, error) {
	if !c.asked {
		c.asked = true
		c.answer.Reset("HTTP/1.1 200 Connection established\r\n\r\n")
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *tunnel) Read(p []byte) (int, error) {
	if c.answer.Len() > 0 {
		time.Sleep(c.roundTrip)
		return c.answer.Read(p)
	}
	return c.Conn.Read(p)
}

// A server that is far behind a proxy has as long to answer as one that is far: a
// connection that is there is not replaced because the proxy is near.
func TestAConnectionThroughAProxyIsAskedForAsLongAsTheServerIsFar(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const roundTrip = 300 * time.Millisecond
		server := newFake(t, 100)
		cfg := server.config(t)
		cfg.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.test:3128"})
		cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			nc, err := server.dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &tunnel{Conn: nc, roundTrip: roundTrip}, nil
		}
		p := wire.New(cfg)
		defer p.Close()
		mustAll(t, calls(t, p, 1))
		time.Sleep(2 * time.Second)
		first := server.all()[0]
		first.server.losePacket(roundTrip) // the answer to the question, and what comes behind it
		if took := lengths(t, p, 1)[0]; took != roundTrip {
			t.Errorf("the call took %v, want %v", took, roundTrip)
		}
		if got := len(server.all()); got != 1 || first.seen().pings != 1 {
			t.Errorf("%d connections and %d pings, want 1 of each", got, first.seen().pings)
		}
	})
}
