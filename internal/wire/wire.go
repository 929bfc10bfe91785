// Package wire carries requests that must not be sent twice over few
// connections: it keeps a pool of them for each endpoint, HTTP/2 where the
// server speaks it and HTTP/1.1 where not. internal/invoke calls Lambda's
// endpoints with it. It knows nothing of AWS.
//
// # What a Pool promises
//
// A request reaches a server at most once. It moves to another connection only
// when the one it was given has provably not passed it on: nothing of it was
// written, or the server said that it did not look at it (REFUSED_STREAM, or a
// GOAWAY with a lower stream). net/http's own Transport also resends where that
// is only likely.
//
// As many connections are opened as the calls under way need, and no more, also
// by a burst that finds none: a call that finds no room waits for a stream or a
// connection, and waiting calls share the connections that are being opened. No
// more than [Config.MaxConns] are open at once. Calls go to the connection with
// the fewest, and at most [Spread] to one of them, so that a lost packet holds
// up no more than those. What they write leaves in few pieces: the frames of calls
// that begin together share records of TLS, system calls and packets.
//
// Opening a connection has [ConnectTimeout], from the look-up of the name to
// the end of the TLS handshake. It belongs to no call: the one that it was
// opened for may be over, and the next one takes it. One that does not come about
// while there is another is tried again after a second, while calls wait.
//
// A connection that nothing was heard on for a while, as after a process was
// frozen, is asked first: one round trip, and a new connection if no answer
// comes. One on which a call is given up while it is quiet gets no others until it
// has answered: it may be held up. A connection that dies under its calls is found
// within 30 s, one of HTTP/1.1 only if the server had the whole request by then; else
// its call ends with its context. One that the server wants to end (GOAWAY) gets no
// more calls, and ends with its last.
//
// # What it was tried with
//
// Beside net/http's own server, by hand: nginx 1.22, HAProxy 2.6, nghttpx 1.52, Apache
// 2.4, h2o 2.2, Caddy 2.6, Node 20, Hypercorn 0.18 and Jetty 12, with bursts of 35 and
// 1,000 calls, most with 5,000 too, and with 5 MiB of request and of answer. Of the
// settings: 1 and 8 streams, header tables of 0 and 64 KiB, windows of 1 KiB, padding,
// trailers, connections that end after 1 to 150 requests or a second of silence, and
// reloads within a burst. No call was sent twice. Those lost were ones that a server
// had broken off, and said to be so.
package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

const (
	// ConnectTimeout bounds connecting: one bad Region costs seconds. Across the
	// world that takes four round trips of 0.3 s; the rest is for a lost SYN,
	// which is sent again after 1 s.
	ConnectTimeout = 3 * time.Second

	// Spread is the most calls on one connection: as many as RFC 9113 6.5.2 asks
	// every server to allow, so that connections can be opened for that many
	// before one has said what it allows.
	Spread = 100

	// DefaultMaxConns is the most connections when Config does not say. A Lambda
	// environment has 1,024 file descriptors, and over 100 are left for the
	// runtime, the resolver and connections that are closing.
	// Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	DefaultMaxConns = 900

	// maxMoves is how often a request may move to another connection, not counting
	// the connections that ended after they had taken requests: a server that ends
	// each after a few, or all of them at once, moves a request from one to the
	// next, and gets on. The rest is bad luck, or a server that takes nothing.
	maxMoves = 4
)

// A Config says how connections are made. The zero value connects over TCP with
// the system's certificates and no proxy.
type Config struct {
	// Dial opens a connection, in ConnectTimeout. Nil means TCP with keep-alive
	// probes.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// TLS has the certificates. Its ServerName and NextProtos are not followed.
	// Nil means the system's.
	TLS *tls.Config

	// Proxy returns the proxy for a request, as http.Transport.Proxy does: an
	// http or https URL, or nil for none. Nil means none, ever.
	Proxy func(*http.Request) (*url.URL, error)

	// MaxConns is the most connections open at once, to all endpoints together.
	// Zero means DefaultMaxConns.
	MaxConns int
}

// A Pool sends requests, each at most once. Make one with [New]. It may be used
// from several goroutines.
type Pool struct {
	cfg     Config
	trust   *trust          // nil where cfg.TLS has rules of its own
	context context.Context // of connecting, which belongs to no call; Close ends it
	cancel  context.CancelCauseFunc
	batches sync.Pool // of the outboxes

	mu        sync.Mutex
	endpoints map[string]*endpoint // by scheme and address
	leaving   map[*conn]struct{}   // in no endpoint any more, but with calls
	open      int                  // connections there are, and being opened
	starved   bool                 // somebody waits for a connection that MaxConns forbids
}

// New returns a Pool without connections.
func New(cfg Config) *Pool {
	if cfg.MaxConns == 0 {
		cfg.MaxConns = DefaultMaxConns
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: probeAfter, Interval: probeEvery, Count: probeCount,
		}}).DialContext
	}
	if cfg.TLS == nil {
		cfg.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	cfg.TLS = cfg.TLS.Clone()
	if cfg.TLS.ClientSessionCache == nil {
		cfg.TLS.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	p := &Pool{cfg: cfg, trust: newTrust(cfg.TLS), endpoints: map[string]*endpoint{}, leaving: map[*conn]struct{}{}}
	p.batches.New = newBatch
	//nolint:forbidigo // no call's: a connection is for whoever comes next
	p.context, p.cancel = context.WithCancelCause(context.Background())
	return p
}

// RoundTrip sends a request and returns the answer, as [http.RoundTripper]
// does; it follows no redirects. A body needs GetBody, as http.NewRequest
// provides, to move to another connection.
//
// The error is a [ConnectError] when nothing was sent for want of a connection,
// else a [LostError]; one of those also wraps the context's when that has ended.
func (p *Pool) RoundTrip(r *http.Request) (*http.Response, error) { return p.Send(r, nil) }

// Send is RoundTrip for a request that says when it was sent: ready is called with
// it, or with a copy, once there is a connection for it, and may change its header
// and its body. An error of ready's ends the call; a LostError, not Sent, wraps it.
func (p *Pool) Send(r *http.Request, ready func(*http.Request) error) (*http.Response, error) {
	ctx := r.Context()
	e := p.endpoint(r.URL)
	for moves := 0; ; {
		c, err := e.acquire(ctx)
		if err != nil {
			closeBody(r)
			return nil, err
		}
		if ready != nil {
			if err := ready(r); err != nil {
				c.release() //nolint:contextcheck // connecting belongs to no call
				closeBody(r)
				return nil, &LostError{Err: err}
			}
		}
		heard := c.tap.heard.Load()
		response, sent, err := c.roundTrip(r)
		if err == nil {
			response.Body = &body{ReadCloser: response.Body, conn: c, call: ctx, heard: c.tap.heard.Load()}
			return response, nil
		}
		if end := ctx.Err(); end != nil {
			if sent {
				c.giveUp(heard) //nolint:contextcheck // connecting belongs to no call
			} else {
				c.release() //nolint:contextcheck // connecting belongs to no call
			}
			return nil, &LostError{Sent: sent, Err: end}
		}
		c.release() //nolint:contextcheck // connecting belongs to no call
		if !c.spent() {
			moves++
		}
		if !sent && moves <= maxMoves {
			if next := again(r); next != nil {
				r = next
				continue
			}
		}
		return nil, &LostError{Sent: sent, Err: c.tap.met(err)}
	}
}

// again returns a copy of r ready to be sent once more, or nil when its body is
// used up. A connection that failed may still read the header of r.
func again(r *http.Request) *http.Request {
	if r.Body == nil || r.Body == http.NoBody {
		return r.Clone(r.Context())
	}
	if r.GetBody == nil {
		return nil
	}
	fresh, err := r.GetBody()
	if err != nil {
		return nil
	}
	r = r.Clone(r.Context())
	r.Body = fresh
	return r
}

// closeBody closes the body of a request that nobody sends.
func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// A body is an answer's. Closing it gives the connection back.
type body struct {
	io.ReadCloser
	conn  *conn
	call  context.Context // the call's
	heard int64           // when its beginning was
	once  sync.Once
}

// Close ends the call.
func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(func() {
		if b.call.Err() != nil {
			b.conn.giveUp(b.heard)
		} else {
			b.conn.release()
		}
	})
	return err
}

// Prepare opens connections for a number of calls to u that are about to be
// made, as far as they are missing, and asks those that may be stale. It does
// not wait for any of it. Connections that do not come about are the calls' to
// find out.
func (p *Pool) Prepare(u *url.URL, calls int) {
	e := p.endpoint(u)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range slices.Backward(e.conns) { // because mind may take it out
		c.mind()
	}
	e.grow(calls)
}

// Close ends the connections, whatever is under way on them, and those that are
// being opened. Later calls find no connection.
func (p *Pool) Close() {
	p.cancel(errClosed)
	p.mu.Lock()
	conns := slices.Collect(maps.Keys(p.leaving))
	for _, e := range p.endpoints {
		conns = append(conns, e.conns...)
	}
	p.mu.Unlock()
	for _, c := range conns {
		c.close()
	}
}

// errClosed is why a Pool that was closed has no connection.
var errClosed = errors.New("the pool is closed")

// endpoint returns the endpoint of a URL, made on first use.
func (p *Pool) endpoint(u *url.URL) *endpoint {
	key := u.Scheme + "://" + u.Host
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.endpoints[key]
	if e == nil {
		e = &endpoint{pool: p, url: &url.URL{Scheme: u.Scheme, Host: u.Host}, width: Spread, allowed: 1}
		if u.Scheme == "http" {
			e.width = 1 // prior knowledge of HTTP/2 is not to be had
		}
		p.endpoints[key] = e
	}
	return e
}
