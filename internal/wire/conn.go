package wire

import (
	"net/http"
	"time"
)

const (
	// A server may be silent for 900 s over a call, and a NAT gateway forgets a
	// silent connection after 350 s. These probes keep it known, and find the
	// other side gone within 30 s.
	// Source: https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
	probeAfter, probeEvery, probeCount = 15 * time.Second, 5 * time.Second, 3

	// trusted is how long a connection may have been silent to be used unasked:
	// less than a server waits before it hangs up.
	trusted = time.Second

	// An HTTP/2 connection is asked before it is used again, so it may be kept
	// from run to run, as long as a NAT gateway remembers it. HTTP/1.1 has no way
	// to ask.
	idleHTTP2, idleHTTP1 = 5 * time.Minute, 15 * time.Second

	// An answer to the question takes a round trip; patience is for a busy
	// machine. Giving up too early costs a new connection, not a call.
	patienceRoundTrips, patience = 4, 200 * time.Millisecond
)

// A state is what a connection is good for.
type state int

const (
	ready   state = iota // takes calls
	asked                // takes calls as soon as it has answered; may have some
	leaving              // finishes its calls and takes no more
	gone                 // closed
)

// A conn is one connection. Its fields below are guarded by the pool's mutex.
type conn struct {
	endpoint  *endpoint
	tap       *tap
	http      *http.ClientConn
	http2     bool
	roundTime time.Duration // a round trip, or a little more

	state   state
	counted bool // among the pool's open ones
	calls   int
	limit   int  // calls that it takes; at first one, or what connections before it took
	told    bool // limit is the server's word
	mute    bool // it has not answered a question, though it has calls
	idle    *time.Timer
}

// room is how many more calls it takes, when it is ready.
func (c *conn) room() int { return max(c.limit-c.calls, 0) }

// promise is room, or what may be expected of it before the server has said.
func (c *conn) promise() int {
	if c.doubtful() {
		return 0
	}
	if !c.told {
		return max(c.endpoint.width-c.calls, 0)
	}
	// A server should allow none only for a short while.
	// Source: https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2
	return max(max(c.limit, 1)-c.calls, 0)
}

// take takes a place.
func (c *conn) take() {
	c.calls++
	if c.idle != nil {
		c.idle.Stop()
	}
}

// release gives a place back.
func (c *conn) release() {
	p := c.endpoint.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	c.calls--
	switch {
	case c.state == ready:
		c.rest()
		c.endpoint.serve()
		p.feed()
	case c.state == leaving && c.calls == 0:
		c.retire()
		p.feed()
	}
}

// giveUp is release for a call that was given up after it was sent. If nothing was
// heard of the other side since heard, or for a while, it is asked: a lost packet may
// hold the connection up, which would get the next calls just because those on it are
// given up. Nor does net/http take others in their place before there is an answer.
func (c *conn) giveUp(heard int64) {
	p := c.endpoint.pool
	p.mu.Lock()
	if c.http2 && c.state == ready && !c.mute && (c.tap.heard.Load() == heard || c.tap.silence() > trusted) {
		if c.mute = c.calls == 1; !c.mute { // else the next call asks
			c.state = asked
			go c.ask()
		}
	}
	p.mu.Unlock()
	c.release()
}

// answered notes that the other side has answered a question, be it net/http's.
func (c *conn) answered() {
	p := c.endpoint.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	c.mute = false
	if c.state == ready {
		c.endpoint.serve()
		p.feed()
	}
}

// rest starts the wait for the next call, if there is no other.
func (c *conn) rest() {
	if c.calls > 0 {
		return
	}
	if c.idle == nil {
		c.idle = time.AfterFunc(c.idleTime(), c.expire)
		return
	}
	c.idle.Reset(c.idleTime())
}

func (c *conn) idleTime() time.Duration {
	if c.http2 {
		return idleHTTP2
	}
	return idleHTTP1
}

// expire ends a connection that no call has come for.
func (c *conn) expire() {
	p := c.endpoint.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.calls == 0 && c.state == ready {
		c.retire()
		p.feed()
	}
}

// retire takes a connection out of use and closes it, elsewhere because closing
// ends in drop.
func (c *conn) retire() {
	c.endpoint.remove(c)
	c.state = leaving
	c.uncount()
	go c.close()
}

// uncount makes room for another connection.
func (c *conn) uncount() {
	if c.counted {
		c.counted = false
		c.endpoint.pool.open--
	}
}

func (c *conn) close() { _ = c.http.Close() }

// doubtful reports whether it has calls and should have been heard from, be it
// with the answer to a probe: it is dead or held up, or the process was frozen. Then
// it may have what calls it has, and no more.
func (c *conn) doubtful() bool {
	return c.http2 && c.calls > 0 && (c.mute || c.tap.silence() > probeAfter+probeEvery*probeCount)
}

// mind reports whether the connection may be used. One that has been silent for
// long is asked, or closed, and may not.
func (c *conn) mind() bool {
	if c.state != ready || c.calls > 0 {
		return c.state == ready && !c.doubtful()
	}
	switch silence := c.tap.silence(); {
	case silence <= trusted && !c.mute:
		return true
	case silence > c.idleTime():
		c.retire() // the timer has not rung: the process was frozen
		return false
	case !c.http2:
		return true
	}
	c.state, c.mute = asked, false
	c.idle.Stop()
	go c.ask()
	return false
}

// ask sees whether the other side is there.
func (c *conn) ask() {
	answered := make(chan struct{})
	go c.tap.ping(answered)
	timer := time.NewTimer(max(patienceRoundTrips*c.roundTime, patience))
	defer timer.Stop()
	there := false
	select {
	case <-answered:
		there = true
	case <-timer.C:
	case <-c.tap.ended:
	}
	p := c.endpoint.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.state != asked {
		return
	}
	switch {
	case there:
		c.state = ready
		c.rest()
	case c.calls > 0: // they wait on
		c.state, c.mute = ready, true
	default:
		c.retire()
	}
	c.endpoint.serve()
	p.feed()
}

// allow sets how many calls the server allows, which may be none. Until then there is
// one: calls beyond what it turns out to allow would wait behind each other.
func (c *conn) allow(calls int) {
	p := c.endpoint.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	c.limit, c.told = calls, true
	c.endpoint.width, c.endpoint.allowed = max(calls, 1), calls
	c.endpoint.serve()
}

// leave gives the connection no more calls.
func (c *conn) leave() {
	p := c.endpoint.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.state == gone {
		return
	}
	c.endpoint.remove(c)
	c.state = leaving
	switch {
	case !c.counted: // add closes it
	case c.calls == 0:
		c.retire()
	default:
		p.leaving[c] = struct{}{}
	}
	c.endpoint.serve()
	p.feed()
}

// spent reports whether the connection ends after the server has taken requests on
// it.
func (c *conn) spent() bool {
	p := c.endpoint.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	return (c.state == leaving || c.state == gone) && c.tap.took.Load()
}

// drop forgets the connection, which has ended.
func (c *conn) drop() {
	p := c.endpoint.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.state == gone {
		return
	}
	c.endpoint.remove(c)
	delete(p.leaving, c)
	c.state = gone
	c.uncount()
	c.endpoint.serve()
	p.feed()
}
