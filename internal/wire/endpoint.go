package wire

import (
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

	conns   []*conn // that take calls, now or when they have been asked
	opening int     // connections being opened
	width   int     // calls that one connection is expected to take
	allowed int     // calls that HTTP/2 connections were allowed last; at first 1
	pausing bool    // one has just not come about
	waiting []*waiter
}

// A waiter is a call that waits for a connection. It gets one grant.
type waiter struct{ granted chan grant }

// A grant is a connection with a place taken on it, or why there is none.
type grant struct {
	conn *conn
	err  error
}

// acquire returns a connection with a place taken on it, which the caller gives
// back with release.
func (e *endpoint) acquire(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, &LostError{Err: err}
	}
	p := e.pool
	p.mu.Lock()
	if len(e.waiting) == 0 {
		if c := e.pick(); c != nil {
			c.take()
			p.mu.Unlock()
			return c, nil
		}
	}
	w := &waiter{granted: make(chan grant, 1)}
	e.waiting = append(e.waiting, w)
	e.grow(0) //nolint:contextcheck // connecting belongs to no call
	p.mu.Unlock()

	select {
	case g := <-w.granted:
		return g.conn, g.err
	case <-ctx.Done():
	}
	p.mu.Lock()
	if i := slices.Index(e.waiting, w); i >= 0 {
		e.waiting = slices.Delete(e.waiting, i, i+1)
	}
	p.mu.Unlock()
	select {
	case g := <-w.granted: // at the same moment
		if g.conn != nil {
			g.conn.release() //nolint:contextcheck // connecting belongs to no call
		}
	default:
	}
	return nil, &LostError{Err: ctx.Err()}
}

// pick returns the connection with the fewest calls, or nil when none has room.
func (e *endpoint) pick() *conn {
	var best *conn
	for _, c := range slices.Backward(e.conns) { // because mind may take it out
		if c.room() == 0 || best != nil && c.calls >= best.calls || !c.mind() {
			continue
		}
		if best = c; c.calls == 0 {
			break
		}
	}
	return best
}

// serve gives waiting calls what room there is, in order of arrival, and opens
// connections for the rest.
func (e *endpoint) serve() {
	for len(e.waiting) > 0 {
		c := e.pick()
		if c == nil {
			break
		}
		c.take()
		e.waiting[0].granted <- grant{conn: c}
		e.waiting[0] = nil
		e.waiting = e.waiting[1:]
	}
	e.grow(0)
}

// grow opens the connections that are missing for the calls that wait and for
// so many more.
func (e *endpoint) grow(more int) {
	if e.pausing && len(e.conns) > 0 {
		return
	}
	missing := len(e.waiting) + more
	if missing == 0 {
		return // at the end of every call; it looks at no connection's clock
	}
	for _, c := range e.conns {
		missing -= c.promise()
	}
	wanted := (missing+e.width-1)/e.width - e.opening
	for ; wanted > 0; wanted-- {
		if e.pool.open >= e.pool.cfg.MaxConns && !e.pool.evict(e) {
			e.pool.starved = e.pool.starved || len(e.waiting) > 0
			return
		}
		e.pool.open++
		e.opening++
		go e.add()
	}
}

// add opens a connection.
func (e *endpoint) add() {
	c, err := e.connect()
	p := e.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	e.opening--
	switch {
	case err == nil && p.context.Err() != nil: // closed in between
		err = &ConnectError{Address: c.tap.address, Err: errClosed}
		go c.close()
	case err == nil && c.state == ready:
		c.counted = true
		e.conns = append(e.conns, c)
		if !c.http2 {
			e.width = 1
		}
		c.rest()
		e.serve()
		p.feed() // if nobody waits for it here any more
		return
	case err == nil:
		err = &ConnectError{Address: c.tap.address, Err: c.tap.met(errHungUp)}
		go c.close()
	}
	p.open--
	// While there is a connection, or may be, there is something to wait for. It may
	// be busy for long, so another is tried for, but not at once.
	if len(e.conns) == 0 && e.opening == 0 {
		for _, w := range e.waiting {
			w.granted <- grant{err: err}
		}
		e.waiting = nil
	} else if !e.pausing {
		e.pausing = true
		time.AfterFunc(pause, e.resume)
	}
	p.feed()
}

// pause is how long after a connection has not come about another is tried for,
// while there is one: as long as TCP waits before it sends a SYN again.
//
// Source: https://www.rfc-editor.org/rfc/rfc6298#section-2
const pause = time.Second

// resume ends the pause.
func (e *endpoint) resume() {
	e.pool.mu.Lock()
	defer e.pool.mu.Unlock()
	e.pausing = false
	e.serve()
}

// errHungUp is a server that ends a connection before it has been used.
var errHungUp = errors.New("the server hung up at once")

// remove takes a connection out of use. It may still have calls.
func (e *endpoint) remove(c *conn) {
	if i := slices.Index(e.conns, c); i >= 0 {
		e.conns = slices.Delete(e.conns, i, i+1)
	}
	if c.idle != nil {
		c.idle.Stop()
	}
}

// feed looks again after the calls that MaxConns has kept waiting.
func (p *Pool) feed() {
	if !p.starved {
		return
	}
	p.starved = false
	for _, e := range p.endpoints {
		e.serve()
	}
}

// evict closes an idle connection to another endpoint, the one that was heard
// from least recently, and reports whether there was one.
func (p *Pool) evict(but *endpoint) bool {
	var oldest *conn
	for _, e := range p.endpoints {
		if e == but || len(e.waiting) > 0 {
			continue
		}
		for _, c := range e.conns {
			if c.calls == 0 && (oldest == nil || c.tap.silence() > oldest.tap.silence()) {
				oldest = c
			}
		}
	}
	if oldest == nil {
		return false
	}
	oldest.retire()
	return true
}

// wallClock is a time without a monotonic reading, which need not go on while a
// process is frozen.
func wallClock() time.Time { return time.Now().Round(0) }
