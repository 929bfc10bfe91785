package invoketest

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"syscall"
)

// A ConnectionFault is how a dial ends.
type ConnectionFault int

// The ways a dial ends.
const (
	// Connects opens a connection.
	Connects ConnectionFault = iota

	// Refused is ECONNREFUSED, at once.
	Refused

	// Unanswered ends with the context: what a Region that is down looks like.
	Unanswered
)

// connections counts a Server's connections.
type connections struct {
	open        map[net.Conn]bool
	total, peak int
	hangUps     int // connections still to be reset

	decide              func(region string, number int) ConnectionFault
	regions             map[string]string // the Region of an address
	urls                map[string]string // the URL of a Region
	dials               map[string]int    // of a Region
	refused, unanswered int
}

// DecideConnections makes decide choose how each [Server.Dial] ends. It is given the
// endpoint's Region ("" for Config's) and the number of the dial, from 1. It is called
// by many goroutines, one at a time.
func (s *Server) DecideConnections(decide func(region string, number int) ConnectionFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns.decide = decide
}

// HangUp makes the server reset the next n connections when the first byte of a
// request arrives, before it has read any.
func (s *Server) HangUp(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns.hangUps += n
}

// Connections returns how many connections there were, and the most at once.
func (s *Server) Connections() (total, peak int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns.total, s.conns.peak
}

// Dial connects to one of the server's endpoints, unless DecideConnections says no.
func (s *Server) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	switch s.decideConnection(address) {
	case Refused:
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	case Unanswered:
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.closed:
			return nil, net.ErrClosed
		}
	case Connects:
	}
	return s.network.dial(ctx, address)
}

func (s *Server) decideConnection(address string) ConnectionFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.conns
	region := c.regions[address]
	c.dials[region]++
	if c.decide == nil {
		return Connects
	}
	fault := c.decide(region, c.dials[region])
	switch fault {
	case Refused:
		c.refused++
	case Unanswered:
		c.unanswered++
	case Connects:
	}
	return fault
}

// listen returns the URL of a Region's endpoint, which it opens on first use.
func (s *Server) listen(region string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.conns
	if url, ok := c.urls[region]; ok {
		return url
	}
	if c.urls == nil {
		c.urls, c.regions, c.dials = map[string]string{}, map[string]string{}, map[string]int{}
	}
	l := s.network.listen(region)
	address := l.Addr().String()
	c.regions[address], c.urls[region] = region, "http://"+address
	s.running.Go(func() { _ = s.http.Serve(hangingUp{l, s}) })
	return c.urls[region]
}

// countConnection counts the connections.
func (s *Server) countConnection(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		s.conns.open[c] = true
		s.conns.total++
		s.conns.peak = max(s.conns.peak, len(s.conns.open))
	case http.StateClosed, http.StateHijacked:
		delete(s.conns.open, c)
	case http.StateActive, http.StateIdle:
	}
}

// quiet returns a logger that discards: the errors are intended.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// A hangingUp is a listener that does what Server.HangUp says.
type hangingUp struct {
	net.Listener
	server *Server
}

// Accept returns the next connection, which resets itself while hang-ups are due.
func (l hangingUp) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	if err != nil || l.server.conns.hangUps == 0 {
		return c, err
	}
	l.server.conns.hangUps--
	return hungUp{c}, nil
}

// A hungUp is a connection that resets itself when there is something to read.
// Resetting it at once would race with the other side's connecting.
type hungUp struct{ net.Conn }

// Read waits for a byte and ends the connection.
func (c hungUp) Read(p []byte) (int, error) {
	_, _ = c.Conn.Read(p[:1])
	reset(c.Conn)
	return 0, io.EOF
}
