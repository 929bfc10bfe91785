package wire

import (
	"encoding/binary"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A tap is a connection that is listened to. net/http speaks the protocol; the
// tap sees what net/http keeps to itself and a pool must know: how many streams
// the server allows, which stream was begun last and which one the server saw
// last, when it was heard from, and whether it is still there.
type tap struct {
	net.Conn
	address string
	conn    *conn // hears of it
	http2   bool

	heard   atomic.Int64  // when the other side was heard from, in Unix nanoseconds
	written atomic.Int64  // bytes
	begun   atomic.Uint32 // the last stream that was begun
	last    atomic.Uint32 // the last one that the server will have looked at
	in      scanner
	greeted bool                          // the server's first settings have come
	pong    atomic.Pointer[chan struct{}] // to be closed when the question is answered

	writing sync.Mutex // guards the next two
	out     scanner
	due     bool // the question is to be asked when a frame ends

	once  sync.Once
	ended chan struct{} // closed when the connection is
	err   error         // that ended it, if it was not ended from here; set before ended is closed
}

// newTap returns a tap on a connection, for the use of c.
func newTap(nc net.Conn, address string, c *conn, http2 bool) *tap {
	t := &tap{Conn: nc, address: address, conn: c, http2: http2, ended: make(chan struct{})}
	t.last.Store(1<<31 - 1)
	t.out.skip = len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	t.heard.Store(wallClock().UnixNano())
	return t
}

// silence is how long nothing has been heard of the other side.
func (t *tap) silence() time.Duration {
	return time.Duration(wallClock().UnixNano() - t.heard.Load())
}

// Read reads, and notes what the server says.
func (t *tap) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	if n > 0 {
		t.heard.Store(wallClock().UnixNano())
		if t.http2 {
			t.in.scan(p[:n], t.hear)
		}
	}
	if err != nil {
		t.end(err)
	}
	return n, err //nolint:wrapcheck // as the connection has it
}

// hear notes a frame that the server has sent.
func (t *tap) hear(f frame) {
	switch {
	case f.kind == settingsFrame && f.flags&ack == 0:
		said := false
		for s := f.payload; len(s) >= 6; s = s[6:] {
			if binary.BigEndian.Uint16(s) == maxConcurrentStreams {
				said = true
				t.conn.allow(int(min(binary.BigEndian.Uint32(s[2:]), Spread)))
			}
		}
		if !said && !t.greeted {
			t.conn.allow(Spread) // there is no limit
		}
		t.greeted = true
	case f.kind == goAwayFrame && len(f.payload) >= 4:
		t.last.Store(binary.BigEndian.Uint32(f.payload) & (1<<31 - 1))
		t.conn.leave()
	case f.kind == pingFrame && f.flags&ack != 0 && string(f.payload) == question:
		if answered := t.pong.Swap(nil); answered != nil {
			close(*answered)
		}
	}
}

// Write writes, and notes which streams it begins.
func (t *tap) Write(p []byte) (int, error) {
	t.writing.Lock()
	defer t.writing.Unlock()
	if t.http2 {
		t.out.scan(p, func(f frame) {
			if f.kind == headersFrame {
				t.begun.Store(f.stream)
			}
		})
	}
	t.written.Add(int64(len(p))) // before it is: some of it may be, when it fails
	n, err := t.Conn.Write(p)
	if err != nil {
		t.end(err)
		return n, err //nolint:wrapcheck // as the connection has it
	}
	if t.due && t.out.between() {
		t.due = false
		return n, t.askNow()
	}
	return n, nil
}

// Close closes the connection.
func (t *tap) Close() error {
	t.end(nil)
	return t.Conn.Close() //nolint:wrapcheck // as the connection has it
}

// end notes that the connection has ended, and with which error, or nil when it
// was closed from here.
func (t *tap) end(err error) {
	t.once.Do(func() {
		t.err = err
		close(t.ended)
		t.conn.drop()
	})
}

// met returns what ended the connection, if it was not ended from here, else
// err.
func (t *tap) met(err error) error {
	select {
	case <-t.ended:
		if t.err != nil {
			return t.err
		}
	default:
	}
	return err
}

// question is the payload of our PING, to tell its answer from those to
// net/http's.
const question = "meridian"

// ping asks the other side whether it is there; answered is closed when it has
// said so.
func (t *tap) ping(answered chan struct{}) {
	t.pong.Store(&answered)
	t.writing.Lock()
	defer t.writing.Unlock()
	if t.due = !t.out.between(); !t.due {
		_ = t.askNow()
	}
}

// askNow writes the question.
func (t *tap) askNow() error {
	_, err := t.Conn.Write([]byte("\x00\x00\x08\x06\x00\x00\x00\x00\x00" + question))
	if err != nil {
		t.end(err)
	}
	return err //nolint:wrapcheck // as the connection has it
}

// What a pool needs of HTTP/2's frames.
//
// Source: https://www.rfc-editor.org/rfc/rfc9113#section-6
const (
	headersFrame, settingsFrame, pingFrame, goAwayFrame = 0x1, 0x4, 0x6, 0x7

	ack                  = 0x1
	maxConcurrentStreams = 0x3
)

// A frame is one frame of HTTP/2. Only frames about the connection have their
// payload, and of a long one only the beginning.
type frame struct {
	kind, flags byte
	stream      uint32
	payload     []byte
}

// A scanner finds the frames in a stream of bytes that comes in any pieces. Its
// zero value is at the beginning of one.
type scanner struct {
	skip    int // bytes to pass over
	head    []byte
	payload []byte
	want    int // of the payload, to be kept
	rest    int // of the payload, to be passed over
}

// frameHead is the length of a frame's header; longest is how much of a payload
// is kept.
const frameHead, longest = 9, 256

// between reports whether the bytes so far end where a frame does.
func (s *scanner) between() bool { return s.skip == 0 && len(s.head) == 0 }

// scan reads on, and calls see with each frame, at the end of its payload if
// that is kept, else of its header. What see gets is good until it returns.
func (s *scanner) scan(p []byte, see func(frame)) {
	for len(p) > 0 {
		switch {
		case s.skip > 0:
			n := min(s.skip, len(p))
			s.skip, p = s.skip-n, p[n:]
			continue
		case len(s.head) < frameHead:
			n := min(frameHead-len(s.head), len(p))
			s.head, p = append(s.head, p[:n]...), p[n:]
			if len(s.head) < frameHead {
				return
			}
			length := int(s.head[0])<<16 | int(s.head[1])<<8 | int(s.head[2])
			switch s.head[3] {
			case settingsFrame, pingFrame, goAwayFrame:
				s.want = min(length, longest)
			}
			s.rest = length - s.want
		}
		if n := min(s.want-len(s.payload), len(p)); n > 0 {
			s.payload, p = append(s.payload, p[:n]...), p[n:]
		}
		if len(s.payload) == s.want {
			see(frame{
				kind: s.head[3], flags: s.head[4],
				stream:  binary.BigEndian.Uint32(s.head[5:]) & (1<<31 - 1),
				payload: s.payload,
			})
			s.head, s.payload, s.want, s.skip = s.head[:0], s.payload[:0], 0, s.rest
		}
	}
}
