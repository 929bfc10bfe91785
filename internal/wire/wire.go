// Package wire carries requests that must not be sent twice over few
// connections. It keeps a pool of connections for each endpoint: HTTP/2 where the
// server speaks it, else HTTP/1.1. internal/invoke calls Lambda's endpoints with
// it. It knows nothing of AWS.
//
// # What a Pool promises
//
// A request reaches a server at most once. It moves to another connection only
// if the server provably has not looked at it: nothing of it was written, or the
// server said so (REFUSED_STREAM, or a GOAWAY with a lower last stream). net/http's
// own Transport loses some of these requests, and repeats some that may have run.
//
// As many connections are opened as the calls in flight need, and at most
// [Config.MaxConns], counting those being opened and those that finish their last
// calls. A call goes to the connection with the fewest, and at most [Spread] go to
// one: a lost packet delays no more. A call without a connection waits for room.
//
// An answer's headers have at most 64 KiB. Over HTTP/2 what is not read of the answers
// takes at most [Config.ReceiveBytes], or 16 KiB for each call if that is more.
//
// Connecting has [ConnectTimeout], from the look-up of the name to the end of the
// TLS handshake. A connection belongs to no call: the next call takes it. If it fails
// while the endpoint has others, the next is dialled a second later. If handshakes
// time out, as with little CPU, fewer are begun at once.
//
// A connection that dies under its calls is found within 30 s: net/http pings HTTP/2,
// and TCP's keep-alive covers HTTP/1.1 once the request is acknowledged. A connection
// gets no calls while it has been silent for longer than a ping takes, as after the
// process was frozen, or since a call on it was given up; calls wait for it for half
// a second, or get another. A GOAWAY ends a connection with its last call.
package wire

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// ConnectTimeout bounds connecting: one bad Region costs seconds. Across the
	// world it takes four round trips of 0.3 s; the rest is for a lost SYN, which
	// is sent again after 1 s.
	ConnectTimeout = 3 * time.Second

	// Spread is the most calls on one connection. RFC 9113, section 6.5.2, asks
	// every server to allow as many, so connections can be planned before a server
	// has said what it allows.
	Spread = 100

	// DefaultReceiveBytes is an eighth of a Lambda function's 256 MB.
	DefaultReceiveBytes = 32 << 20

	// minWindow and maxWindow bound what one answer may send before it is read. An
	// answer over HTTP/2 takes at least a round trip for each window. net/http's own
	// window is 4 MiB: 64 answers at once would fill a coordinator of 256 MB.
	minWindow, maxWindow = 16 << 10, 1 << 20

	// maxHeader bounds the headers of an answer. Lambda's have some 6 KB: the end of the
	// log.
	maxHeader = 64 << 10

	// DefaultMaxConns is the most connections when Config does not say. A Lambda
	// environment has 1,024 file descriptors, and over 100 are left for the
	// runtime, the resolver and connections that are closing.
	// Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	DefaultMaxConns = 900
)

// A Config says how connections are made. The zero value connects over TCP with
// the system's certificates and no proxy.
type Config struct {
	// Dial opens a connection, in ConnectTimeout. Nil means TCP with keep-alive
	// probes.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// TLS has the certificates. Its ServerName and NextProtos are ignored. Nil
	// means the system's certificates.
	TLS *tls.Config

	// Proxy returns the proxy for a request, as http.Transport.Proxy does, or nil
	// for none. A proxy has an http, https, socks5 or socks5h URL. Nil means no proxy.
	Proxy func(*http.Request) (*url.URL, error)

	// MaxConns is the most connections open at once, to all endpoints together.
	// Zero means DefaultMaxConns.
	MaxConns int

	// ReceiveBytes is the memory for answers that have arrived over HTTP/2 and are not
	// read yet. It is divided among the calls that [Pool.Expect] announces, or [Spread]
	// calls if it announces fewer; each gets at least 16 KiB, a frame. Zero means
	// DefaultReceiveBytes.
	ReceiveBytes int
}

// A Pool sends requests, each at most once. Make one with [New]. It may be used
// from several goroutines.
type Pool struct {
	cfg     Config
	context context.Context // for connecting, which belongs to no call; Close ends it
	cancel  context.CancelCauseFunc

	waiting atomic.Int64 // calls that wait for a connection
	serving atomic.Bool  // serve is about to run
	waking  atomic.Bool  // wake is about to run

	mu        sync.Mutex
	endpoints map[string]*endpoint // by scheme and address
	open      int                  // connections open or being opened
	expected  int                  // calls at once, at most
}

// New returns a Pool without connections.
func New(cfg Config) *Pool {
	cfg.MaxConns = cmp.Or(cfg.MaxConns, DefaultMaxConns)
	cfg.ReceiveBytes = cmp.Or(cfg.ReceiveBytes, DefaultReceiveBytes)
	if cfg.Dial == nil {
		// A NAT gateway forgets a connection after 350 s of silence. These probes keep
		// it known, and find a dead peer within 30 s.
		// Source: https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
		cfg.Dial = (&net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3,
		}}).DialContext
	}
	if cfg.TLS == nil {
		cfg.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	cfg.TLS = cfg.TLS.Clone()
	if cfg.TLS.ClientSessionCache == nil {
		cfg.TLS.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	p := &Pool{cfg: cfg, endpoints: map[string]*endpoint{}}
	//nolint:forbidigo // connecting belongs to no call
	p.context, p.cancel = context.WithCancelCause(context.Background())
	return p
}

// Expect announces how many calls there may be at once, to all endpoints. Connections that
// are opened from now on divide the memory for answers among that many calls.
func (p *Pool) Expect(calls int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = max(p.expected, calls)
}

// window returns how many bytes an answer on a new connection may send before it is
// read.
func (p *Pool) window() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return min(max(p.cfg.ReceiveBytes/max(p.expected, Spread), minWindow), maxWindow)
}

// Prepare opens the connections that a number of calls to u are about to need, as
// far as they are missing. It does not wait for them. The calls find out about a
// connection that fails.
func (p *Pool) Prepare(u *url.URL, calls int) {
	e := p.endpoint(u)
	p.mu.Lock()
	defer p.mu.Unlock()
	e.grow(calls)
}

// RoundTripTime returns how long a round trip to u takes at least, as connecting has
// shown, and false before the first connection.
func (p *Pool) RoundTripTime(u *url.URL) (time.Duration, bool) {
	e := p.endpoint(u)
	p.mu.Lock()
	defer p.mu.Unlock()
	return e.distance, e.distance > 0
}

// Close ends all connections, with their calls. Later calls get no connection.
func (p *Pool) Close() {
	p.cancel(errClosed)
	var conns []*conn
	p.mu.Lock()
	for _, e := range p.endpoints {
		conns = append(conns, e.conns...)
	}
	p.mu.Unlock()
	for _, c := range conns {
		_ = c.http.Close()
	}
}

// errClosed is why a closed Pool has no connection.
var errClosed = errors.New("the pool is closed")

// endpoint returns the endpoint of a URL, made on first use.
func (p *Pool) endpoint(u *url.URL) *endpoint {
	key := u.Scheme + "://" + u.Host
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.endpoints[key]
	if e == nil {
		e = &endpoint{pool: p, url: &url.URL{Scheme: u.Scheme, Host: u.Host}, dials: firstDials}
		if u.Scheme == "http" {
			e.streams = 1 // HTTP/1.1: HTTP/2 is negotiated over TLS only
		}
		p.endpoints[key] = e
	}
	return e
}

// wake serves waiting calls soon: connections have more room, or there are fewer.
// It takes no lock, because net/http calls it under locks.
func (p *Pool) wake() {
	if p.waiting.Load() > 0 && p.serving.CompareAndSwap(false, true) {
		go func() {
			p.serving.Store(false)
			p.mu.Lock()
			defer p.mu.Unlock()
			p.serve()
		}()
	}
}

// wakeSoon wakes in a moment. When a call has ended, net/http still counts its stream for a
// moment, and its state hook does not tell of the end if another stream has begun since.
func (p *Pool) wakeSoon() {
	if p.waiting.Load() > 0 && p.waking.CompareAndSwap(false, true) {
		time.AfterFunc(10*time.Millisecond, func() {
			p.waking.Store(false)
			p.wake()
		})
	}
}

// serve serves the calls that wait, at every endpoint.
func (p *Pool) serve() {
	for _, e := range p.endpoints {
		e.serve()
	}
}

// evict closes the idle connection of another endpoint that was heard from least
// recently, and reports whether there was one.
func (p *Pool) evict(but *endpoint) bool {
	var oldest *conn
	for _, e := range p.endpoints {
		for _, c := range e.conns {
			if e != but && len(e.waiting) == 0 && c.idle() &&
				(oldest == nil || c.tap.heard.Load() < oldest.tap.heard.Load()) {
				oldest = c
			}
		}
	}
	if oldest != nil {
		oldest.retire()
	}
	return oldest != nil
}
