package wire

import (
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// net/http pings an HTTP/2 connection after pingAfter of silence, and closes it
	// if no answer comes within pingTimeout.
	pingAfter, pingTimeout = 10 * time.Second, 15 * time.Second

	// quiet is how long a connection may have been silent to get a call. A live
	// HTTP/2 connection has answered a ping by then. HTTP/1.1 has no ping, and most
	// servers keep an idle connection for longer.
	quiet = 15 * time.Second

	// watched is the time between two looks at a connection: just long enough for it to be
	// silent.
	watched = quiet + time.Millisecond

	// patience is how long calls wait for a connection on which a call was given up,
	// before another is opened for them: the ping takes a round trip, and Linux sends a
	// lost packet again after 200 ms.
	patience = 500 * time.Millisecond

	// keep is how long an HTTP/2 connection is kept without a call. It counts the time in
	// which the process was frozen. net/http's own limit would count it too, but keep the
	// connection, and refuse calls on it, until a timer that does not count it has ended.
	keep = 5 * time.Minute
)

// A conn is one connection. The pool's mutex guards settled and timer.
type conn struct {
	endpoint *endpoint
	tap      *tap
	http     *http.ClientConn
	http2    bool
	distance time.Duration // a round trip, or little more
	calls    atomic.Int32  // from take to release
	used     atomic.Int64  // when a call ended last, as in tap.heard
	doubted  atomic.Int64  // when a call was given up, as in tap.heard; see doubt
	settled  bool          // endpoint.streams is what the server allows
	timer    *time.Timer   // of watch; nil until the connection is in the pool
}

// idle reports whether no call is in flight.
func (c *conn) idle() bool { return c.calls.Load() == 0 && c.http.InFlight() == 0 }

// over reports whether the connection takes no more calls. net/http may not have read a
// GOAWAY yet, and may say of a connection that has ended that a call is available.
func (c *conn) over() bool { return c.tap.leaving.Load() || c.http.Err() != nil }

// needless reports whether the connection can be closed.
func (c *conn) needless(now time.Time) bool {
	return c.idle() && (c.over() || c.silent(now) || now.UnixNano()-c.used.Load() >= int64(keep))
}

// release ends a call, whose place may be taken again.
func (c *conn) release() {
	c.used.Store(time.Now().UnixNano())
	c.calls.Add(-1)
	c.endpoint.pool.wake()
}

// silent reports whether calls avoid the connection for now.
func (c *conn) silent(now time.Time) bool {
	heard := c.tap.heard.Load()
	return heard < c.doubted.Load() || now.UnixNano()-heard > int64(quiet)
}

// load returns how many calls are in flight and how many more it takes now. net/http
// counts a call from its stream on. Its own Reserve closes that gap, but when a server
// lowers its limit below the number of reserved places, it deadlocks: the first call waits
// for the places of the others, and the others wait for its turn to send.
func (c *conn) load() (calls, room int) {
	settled := c.tap.settled.Load() // first, because Available may change with it
	counted, available := c.http.InFlight(), c.http.Available()
	for again := c.http.InFlight(); again != counted; again = c.http.InFlight() {
		counted, available = again, c.http.Available() // a stream has begun or ended in between
	}
	if calls = int(c.calls.Load()); calls < counted {
		c.endpoint.pool.wakeSoon()
	}
	calls = max(calls, counted) // calls that were given up are counted until the server has answered a ping
	room = min(counted+available, Spread) - calls
	switch {
	case c.over():
		return calls, 0
	case c.settled:
	case settled:
		c.settled = true
		c.endpoint.streams = max(min(calls+room, Spread), 1)
	default:
		// net/http assumes 100 streams until the server has spoken. Requests beyond
		// what it then allows would wait for each other.
		room = min(room, max(c.endpoint.streams, 1)-calls)
	}
	return calls, min(room, Spread-calls)
}

// promise is how many more calls the connection may be expected to take.
func (c *conn) promise(now time.Time) int {
	calls, room := c.load()
	switch {
	case c.over() || c.silent(now) && now.UnixNano()-c.doubted.Load() >= int64(patience):
		return 0
	case !c.settled:
		return max(c.endpoint.width()-calls, 0)
	case calls == 0:
		// A server should allow no streams only for a short while.
		// Source: https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2
		return max(room, 1)
	}
	return room
}

// changed is net/http's state hook. It takes no lock, because net/http calls it under
// locks.
func (c *conn) changed(*http.ClientConn) {
	if c.http.Err() != nil {
		go c.watch()
		return
	}
	c.endpoint.pool.wake()
}

// watch takes the connection out of the pool if it has ended, or if no call is in
// flight and none is to come: it is silent, or the server has sent GOAWAY.
func (c *conn) watch() {
	p := c.endpoint.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case c.timer == nil: // add will find out
	case c.http.Err() != nil || c.needless(time.Now()):
		c.retire()
	default:
		c.timer.Reset(watched)
	}
	p.serve() // the calls that wait for a connection that was retired, or is silent
}

// retire takes the connection out of the pool and closes it.
func (c *conn) retire() {
	c.timer.Stop()
	e := c.endpoint
	if i := slices.Index(e.conns, c); i >= 0 {
		e.conns = slices.Delete(e.conns, i, i+1)
		e.pool.open--
		go func() { _ = c.http.Close() }()
	}
}
