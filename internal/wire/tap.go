package wire

import (
	"encoding/binary"
	"net"
	"sync/atomic"
	"time"
)

// A tap is a connection that is listened to. net/http speaks the protocol. The tap
// finds out what net/http does not tell: which stream a request has, the last stream
// that the server looked at before its GOAWAY, whether the server's settings have
// come, and when the server was last heard from.
type tap struct {
	net.Conn
	conn  *conn
	http2 bool // Conn carries frames in the clear

	heard   atomic.Int64  // when the server was heard from, in Unix nanoseconds of the wall clock
	written atomic.Int64  // bytes
	begun   atomic.Uint32 // the stream that was begun last, until its call asks
	last    atomic.Uint32 // the last stream that the server may look at
	leaving atomic.Bool   // a GOAWAY has come
	served  atomic.Bool   // the server has looked at requests, as far as it says
	settled atomic.Bool   // net/http knows what the server allows
	closed  atomic.Bool

	unapplied bool // settings have come, and net/http has not read on since
	in, out   scanner
}

// everyStream is the last stream of a GOAWAY that a better one will follow.
const everyStream = 1<<31 - 1

// newTap returns a tap on a connection, which is c's.
func newTap(nc net.Conn, c *conn) *tap {
	t := &tap{Conn: nc, conn: c, http2: c.http2}
	t.last.Store(everyStream)
	t.out.skip = len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	t.heard.Store(time.Now().UnixNano())
	t.settled.Store(!c.http2)
	return t
}

// Read reads, and notes what the server says.
func (t *tap) Read(p []byte) (int, error) {
	if t.unapplied && t.in.skip == 0 { // net/http has applied the settings, and reads on
		t.unapplied = false
		t.settled.Store(true)
		t.conn.endpoint.pool.wake()
	}
	n, err := t.Conn.Read(p)
	if n == 0 {
		return n, err //nolint:wrapcheck // a tap is transparent
	}
	now := time.Now().UnixNano()
	before := t.heard.Swap(now)
	if !t.http2 {
		return n, err //nolint:wrapcheck // a tap is transparent
	}
	t.in.scan(p[:n], t.hear)
	if before < t.conn.doubted.Load() || now-before > int64(quiet) {
		t.conn.endpoint.pool.wake() // calls may use it again
	}
	return n, err //nolint:wrapcheck // a tap is transparent
}

// hear notes a frame that the server has sent.
func (t *tap) hear(kind byte, stream uint32) {
	switch kind {
	case settingsFrame:
		t.unapplied = true
	case goAwayFrame:
		t.last.Store(stream)
		t.leaving.Store(true)
		if stream > 0 && stream < everyStream {
			t.served.Store(true)
		}
		go t.conn.watch()
	}
}

// Write writes, and notes which streams it begins. net/http's write lock is held.
func (t *tap) Write(p []byte) (int, error) {
	if t.closed.Load() {
		return 0, net.ErrClosed // and no stream has begun
	}
	t.written.Add(int64(len(p))) // before the write, which may fail half-way
	if t.http2 {
		t.out.scan(p, func(kind byte, stream uint32) {
			if kind == headersFrame {
				t.begun.Store(stream)
			}
		})
	}
	return t.Conn.Write(p) //nolint:wrapcheck // a tap is transparent
}

// Close closes the connection.
func (t *tap) Close() error {
	t.closed.Store(true)
	return t.Conn.Close() //nolint:wrapcheck // a tap is transparent
}

// What a tap needs of HTTP/2's frames.
//
// Source: https://www.rfc-editor.org/rfc/rfc9113#section-6
const (
	frameHead = 9

	headersFrame, settingsFrame, goAwayFrame = 0x1, 0x4, 0x7

	refusedStream = 7
)

// A scanner finds the frames in a stream of bytes that comes in any pieces. Its
// zero value is at the beginning of a frame.
type scanner struct {
	skip int    // bytes before the next frame
	head []byte // the frame's header; of a GOAWAY, also its last stream
}

// scan reads on, and calls see with the kind of each frame and its stream, which
// for a GOAWAY is the last stream.
func (s *scanner) scan(p []byte, see func(kind byte, stream uint32)) {
	for len(p) > 0 {
		if n := min(s.skip, len(p)); n > 0 {
			s.skip, p = s.skip-n, p[n:]
			continue
		}
		want := frameHead
		if len(s.head) >= frameHead {
			want += 4
		}
		n := min(want-len(s.head), len(p))
		s.head, p = append(s.head, p[:n]...), p[n:]
		if len(s.head) < want || want == frameHead && s.head[3] == goAwayFrame {
			continue
		}
		length := int(s.head[0])<<16 | int(s.head[1])<<8 | int(s.head[2])
		s.skip = max(length-(want-frameHead), 0)
		see(s.head[3], binary.BigEndian.Uint32(s.head[want-4:])&everyStream)
		s.head = s.head[:0]
	}
}
