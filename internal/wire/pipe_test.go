package wire_test

import (
	"bytes"
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
	in, out  chan packet
	rest     []byte
	closed   chan struct{} // this end
	gone     chan struct{} // the other end
	once     sync.Once
	deaf     atomic.Bool
	late     atomic.Int64 // by how much the next packet is, a time.Duration
	last     time.Time    // when what was sent last arrives
}

// A packet is what one Write sends.
type packet struct {
	bytes   []byte
	arrives time.Time
}

// newPipe returns both ends of a connection.
func newPipe() (a, b *end) {
	x, _ := net.Pipe()
	there, back := make(chan packet, 1<<12), make(chan packet, 1<<12)
	left, right := make(chan struct{}), make(chan struct{})
	return &end{Conn: x, in: back, out: there, closed: left, gone: right},
		&end{Conn: x, in: there, out: back, closed: right, gone: left}
}

// lose makes the connection one whose route is lost: both ends find it open.
func (e *end) lose() { e.deaf.Store(true) }

// losePacket loses the next packet that this end sends. It arrives when it has been
// sent again, after a delay, and what is sent behind it does not arrive before.
func (e *end) losePacket(delay time.Duration) { e.late.Store(int64(delay)) }

// sentAgain returns how long TCP takes to bring a packet that is lost so many
// times: it waits a second, and twice as long each time after that. Linux begins
// with 200 ms where the way is short, so this is the worst.
//
// Source: https://www.rfc-editor.org/rfc/rfc6298#section-5
func sentAgain(losses int) time.Duration { return (1<<losses - 1) * time.Second }

// Read reads what has arrived, and after that notices that the other end is
// gone.
func (e *end) Read(p []byte) (int, error) {
	for len(e.rest) == 0 {
		var next packet
		select {
		case next = <-e.in:
		default:
			select {
			case next = <-e.in:
			case <-e.closed:
				return 0, net.ErrClosed
			case <-e.gone:
				select {
				case next = <-e.in:
				default:
					return 0, io.EOF
				}
			}
		}
		if wait := time.Until(next.arrives); wait > 0 {
			select {
			case <-time.After(wait):
			case <-e.closed:
				return 0, net.ErrClosed
			}
		}
		e.rest = next.bytes
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// Write sends. One goroutine writes at a time.
func (e *end) Write(p []byte) (int, error) {
	select {
	case <-e.closed:
		return 0, net.ErrClosed
	case <-e.gone:
		return 0, os.ErrClosed
	default:
	}
	if !e.deaf.Load() {
		arrives := time.Now().Add(time.Duration(e.late.Swap(0)))
		if arrives.Before(e.last) {
			arrives = e.last
		}
		e.last = arrives
		e.out <- packet{bytes.Clone(p), arrives}
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
