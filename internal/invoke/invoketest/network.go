package invoketest

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

// A network is where a Server listens.
type network interface {
	listen(region string) net.Listener
	dial(ctx context.Context, address string) (net.Conn, error)
}

// loopback is the machine's loopback interface.
type loopback struct{}

func (loopback) listen(string) net.Listener {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0") //nolint:forbidigo // nothing is looked up
	if err != nil {
		panic("invoketest: " + err.Error())
	}
	return l
}

func (loopback) dial(ctx context.Context, address string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", address)
}

// memory is a network of pipes. Its addresses are names.
type memory struct{ listeners sync.Map }

func (m *memory) listen(region string) net.Listener {
	host := region
	if host == "" {
		host = "lambda"
	}
	l := &memoryListener{address: memoryAddress(host + ".test:80"), dialed: make(chan net.Conn), closed: make(chan struct{})}
	m.listeners.Store(l.address.String(), l)
	return l
}

func (m *memory) dial(ctx context.Context, address string) (net.Conn, error) {
	found, ok := m.listeners.Load(address)
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: address, IsNotFound: true}
	}
	l := found.(*memoryListener)
	ours, theirs := net.Pipe()
	wasReset := new(atomic.Bool)
	select {
	case l.dialed <- &memoryConn{theirs, wasReset}:
		return &memoryConn{ours, wasReset}, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: "memory", Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type memoryAddress string

// Network implements [net.Addr].
func (memoryAddress) Network() string { return "memory" }

// String implements [net.Addr].
func (a memoryAddress) String() string { return string(a) }

type memoryListener struct {
	address memoryAddress
	dialed  chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// Accept implements [net.Listener].
func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.dialed:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (l *memoryListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements [net.Listener].
func (l *memoryListener) Addr() net.Addr { return l.address }

// A memoryConn is one end of a pipe. It tells a reset from a close.
type memoryConn struct {
	net.Conn
	wasReset *atomic.Bool
}

// Read returns syscall.ECONNRESET when the other side has reset.
func (c *memoryConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if errors.Is(err, io.EOF) && c.wasReset.Load() {
		err = &net.OpError{Op: "read", Net: "memory", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	}
	return n, err
}

// Reset closes the connection as a reset.
func (c *memoryConn) Reset() {
	c.wasReset.Store(true)
	_ = c.Close()
}
