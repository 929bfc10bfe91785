package wire_test

import (
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// An end is one end of a connection in memory that, unlike net.Pipe's, takes
// what is written without waiting for the reader, as a network does.
type end struct {
	net.Conn // for its address and its deadlines, which do nothing
	in, out  chan []byte
	rest     []byte
	closed   chan struct{} // this end
	gone     chan struct{} // the other end
	once     sync.Once
	deaf     atomic.Bool
}

// newPipe returns both ends of a connection.
func newPipe() (a, b *end) {
	x, _ := net.Pipe()
	there, back := make(chan []byte, 1<<12), make(chan []byte, 1<<12)
	left, right := make(chan struct{}), make(chan struct{})
	return &end{Conn: x, in: back, out: there, closed: left, gone: right},
		&end{Conn: x, in: there, out: back, closed: right, gone: left}
}

// lose makes the connection one whose route is lost: both ends find it open.
func (e *end) lose() { e.deaf.Store(true) }

// Read reads what has arrived, and after that notices that the other end is
// gone.
func (e *end) Read(p []byte) (int, error) {
	for len(e.rest) == 0 {
		select {
		case e.rest = <-e.in:
			continue
		default:
		}
		select {
		case e.rest = <-e.in:
		case <-e.closed:
			return 0, net.ErrClosed
		case <-e.gone:
			select {
			case e.rest = <-e.in:
			default:
				return 0, io.EOF
			}
		}
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// Write sends.
func (e *end) Write(p []byte) (int, error) {
	select {
	case <-e.closed:
		return 0, net.ErrClosed
	case <-e.gone:
		return 0, os.ErrClosed
	default:
	}
	if !e.deaf.Load() {
		e.out <- append([]byte(nil), p...)
	}
	return len(p), nil
}

// Close ends the connection, and is heard of at the other end unless the route
// is lost.
func (e *end) Close() error {
	e.once.Do(func() { close(e.closed) })
	return nil
}

func (*end) SetDeadline(time.Time) error      { return nil }
func (*end) SetReadDeadline(time.Time) error  { return nil }
func (*end) SetWriteDeadline(time.Time) error { return nil }
