// Package wiretest has connections in memory, for tests in virtual time.
package wiretest

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// A Listener accepts the connections that are dialled with Dial. They are pipes: writing
// waits for a reader.
type Listener struct {
	address address
	dialled chan net.Conn
	closed  chan struct{}
	close   func()
}

// Listen returns a Listener. Its address is only a name.
func Listen(name string) *Listener {
	closed := make(chan struct{})
	return &Listener{address(name), make(chan net.Conn), closed, sync.OnceFunc(func() { close(closed) })}
}

// Dial returns a new connection when the Listener has accepted it. It is refused when
// the Listener is closed.
func (l *Listener) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	reset := new(atomic.Bool)
	select {
	case l.dialled <- &Conn{theirs, reset}:
		return &Conn{ours, reset}, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: network, Addr: l.address, Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements [net.Listener].
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.dialled:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (l *Listener) Close() error {
	l.close()
	return nil
}

// Addr implements [net.Listener].
func (l *Listener) Addr() net.Addr { return l.address }

// A Conn is one end of a pipe. It tells a reset from a close.
type Conn struct {
	net.Conn
	reset *atomic.Bool // shared with the other end
}

// Read returns [syscall.ECONNRESET] when the other end has been reset.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if errors.Is(err, io.EOF) && c.reset.Load() {
		err = &net.OpError{Op: "read", Net: network, Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	}
	return n, err
}

// Reset closes the connection as a reset.
func (c *Conn) Reset() {
	c.reset.Store(true)
	_ = c.Close()
}

// network is the name of this network.
const network = "memory"

// An address is a name.
type address string

// Network implements [net.Addr].
func (address) Network() string { return network }

// String implements [net.Addr].
func (a address) String() string { return string(a) }
