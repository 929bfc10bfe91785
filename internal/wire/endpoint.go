package wire

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"time"
)

// An endpoint has the connections to one address, and the calls that wait for
// one. Its fields are guarded by the pool's mutex.
type endpoint struct {
	pool *Pool
	url  *url.URL // scheme and host

	conns   []*conn // those that got a call longest ago come first
	opening int     // connections being opened
	dials   int     // the most that are opened at once
	streams int     // calls that the last connection was allowed, at most Spread; 0 before the first
	pausing bool    // a connection has just failed
	waiting []chan grant

	distance time.Duration // the shortest round trip that connecting has shown; 0 before the first connection
}

// A grant is a connection with a place on it, or why there is none.
type grant struct {
	conn *conn
	err  error
}

// width is how many calls a new connection is expected to take.
func (e *endpoint) width() int { return cmp.Or(e.streams, Spread) }

// acquire returns a connection with a place on it, which the caller releases.
func (e *endpoint) acquire(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, &LostError{Err: err}
	}
	p := e.pool
	p.mu.Lock()
	if len(e.waiting) == 0 {
		if c := e.take(); c != nil {
			p.mu.Unlock()
			return c, nil
		}
	}
	w := make(chan grant, 1)
	e.waiting = append(e.waiting, w)
	p.waiting.Add(1)
	e.serve() //nolint:contextcheck // again, now that wake sees the call; connecting belongs to no call
	p.mu.Unlock()

	select {
	case g := <-w:
		if g.conn == nil || ctx.Err() == nil {
			return g.conn, g.err
		}
		w <- g // the call was given up at the same moment
	case <-ctx.Done():
	}
	p.mu.Lock()
	if i := slices.Index(e.waiting, w); i >= 0 {
		e.waiting = slices.Delete(e.waiting, i, i+1)
		p.waiting.Add(-1)
		p.wake() //nolint:contextcheck // evict spares an endpoint where calls wait; connecting belongs to no call
	}
	p.mu.Unlock()
	select {
	case g := <-w:
		if g.conn != nil {
			g.conn.release() //nolint:contextcheck // connecting belongs to no call
		}
	default:
	}
	return nil, &LostError{Err: ctx.Err()}
}

// take takes a place on the connection with the fewest calls, and returns nil if none
// has room.
func (e *endpoint) take() *conn {
	best, fewest := -1, 0
	now := time.Now()
	for i, c := range e.conns {
		if best >= 0 && int(c.calls.Load()) >= fewest { // it has no fewer, and load takes locks of net/http
			continue
		}
		if calls, room := c.load(); room > 0 && (best < 0 || calls < fewest) && !c.silent(now) {
			if best, fewest = i, calls; calls == 0 {
				break
			}
		}
	}
	if best < 0 {
		return nil
	}
	c := e.conns[best]
	c.calls.Add(1)
	e.conns = append(slices.Delete(e.conns, best, best+1), c)
	return c
}

// serve gives waiting calls a place, in order of arrival, and opens connections
// for the rest.
func (e *endpoint) serve() {
	for len(e.waiting) > 0 {
		c := e.take()
		if c == nil {
			break
		}
		e.answer(grant{conn: c})
	}
	e.grow(0)
}

// answer ends the wait of the first waiting call.
func (e *endpoint) answer(g grant) {
	e.waiting[0] <- g
	e.waiting[0] = nil
	e.waiting = e.waiting[1:]
	e.pool.waiting.Add(-1)
}

// firstDials is how many connections to an endpoint are opened at once before it is
// known how fast that goes: enough for 6,400 calls over HTTP/2. Their handshakes
// take some 40 ms of CPU, which a function of 128 MB gets within a second.
const firstDials = 64

// grow opens the connections that are missing for the calls that wait and for a
// number of calls to come.
func (e *endpoint) grow(more int) {
	missing := len(e.waiting) + more
	if missing == 0 || e.pausing && e.alive() {
		return
	}
	now := time.Now()
	for _, c := range slices.Backward(e.conns) { // because retire takes c out
		if c.silent(now) && c.idle() {
			c.retire() // the process was frozen, or nothing answers
			continue
		}
		missing -= c.promise(now)
	}
	p := e.pool
	wanted := (missing+e.width()-1)/e.width() - e.opening
	for ; wanted > 0 && e.opening < e.dials; wanted-- {
		if p.open >= p.cfg.MaxConns && !p.evict(e) {
			return
		}
		p.open++
		e.opening++
		go e.add()
	}
}

// alive reports whether a connection may take calls, now or later.
func (e *endpoint) alive() bool {
	return e.opening > 0 || slices.ContainsFunc(e.conns, func(c *conn) bool { return !c.tap.leaving.Load() })
}

// add opens a connection.
func (e *endpoint) add() {
	c, err := e.connect()
	p := e.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	e.opening--
	if err == nil && (p.context.Err() != nil || c.http.Err() != nil || c.tap.leaving.Load()) {
		err = &ConnectError{Address: hostPort(e.url), Err: cmp.Or(context.Cause(p.context), errHungUp)}
		go func() { _ = c.http.Close() }()
	}
	if err != nil {
		p.open--
		e.failed(err)
	} else {
		e.dials++
		if e.distance == 0 || c.distance < e.distance {
			e.distance = c.distance
		}
		e.conns = slices.Insert(e.conns, 0, c)
		c.used.Store(time.Now().UnixNano())
		c.timer = time.AfterFunc(watched, c.watch)
		if !c.http2 {
			e.streams = 1
		}
	}
	p.serve() // at other endpoints too, where calls may wait for MaxConns
}

// failed is called when a connection has failed. While there is another connection, or
// one is being opened, the calls wait for that one. It may be busy for long, so the next
// connection is dialled after a second, which is as long as TCP waits before it sends a
// SYN again.
//
// Source: https://www.rfc-editor.org/rfc/rfc6298#section-2
func (e *endpoint) failed(err error) {
	if errors.Is(err, errTimeout) {
		// Perhaps too many handshakes share the CPU. Together they would time out again
		// and again.
		e.dials = max(e.dials/2, 1)
	}
	switch {
	case !e.alive():
		for len(e.waiting) > 0 {
			e.answer(grant{err: err})
		}
	case !e.pausing:
		e.pausing = true
		time.AfterFunc(time.Second, func() {
			e.pool.mu.Lock()
			defer e.pool.mu.Unlock()
			e.pausing = false
			e.serve()
		})
	}
}

// errHungUp is a server that ends a connection before it has been used.
var errHungUp = errors.New("the server hung up at once")
