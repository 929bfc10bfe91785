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
	written atomic.Int64  // bytes, of HTTP/1.1
	begun   atomic.Uint32 // the last stream that was begun
	claimed atomic.Uint32 // the last one that a call has found to be its own
	last    atomic.Uint32 // the last one that the server will have looked at
	going   atomic.Bool   // it is told: a GOAWAY has come
	took    atomic.Bool   // the server has taken a request
	in      scanner
	final   error                         // of Conn's last Read, which brought bytes too
	greeted bool                          // the server's first settings have come
	settled bool                          // the server has just said how many streams it allows
	allowed int                           // and that is so many
	replied bool                          // a PING was answered
	ours    bool                          // and it was the question
	pong    atomic.Pointer[chan struct{}] // to be closed when the question is answered

	writing sync.Mutex // guards the next three
	out     scanner
	header  bool // it is not over: no other frame may come in between
	due     bool // the question is to be asked when it may
	outbox  outbox

	once  sync.Once
	ended chan struct{} // closed when the connection is
	err   error         // that ended it, if it was not ended from here; set before ended is closed
}

// newTap returns a tap on a connection, for the use of c.
func newTap(nc net.Conn, address string, c *conn, http2 bool) *tap {
	t := &tap{Conn: nc, address: address, conn: c, http2: http2, ended: make(chan struct{})}
	t.outbox.open(nc, &c.endpoint.pool.batches, t.fail)
	t.last.Store(everyStream)
	t.out.skip = len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	t.heard.Store(wallClock().UnixNano())
	return t
}

// everyStream is the last stream of a GOAWAY that refuses none, as a server sends it
// that will send another when it knows.
const everyStream = 1<<31 - 1

// silence is how long nothing has been heard of the other side.
func (t *tap) silence() time.Duration {
	return time.Duration(wallClock().UnixNano() - t.heard.Load())
}

// Read reads, and notes what the server says.
func (t *tap) Read(p []byte) (int, error) {
	t.tell() // net/http, which reads on, has taken note of it
	n, err := 0, t.final
	if err == nil {
		n, err = t.Conn.Read(p)
	}
	if n > 0 {
		t.heard.Store(wallClock().UnixNano())
		if t.http2 {
			t.in.scan(p[:n], t.hear)
		} else {
			t.took.Store(true)
		}
		// TLS hands out the last bytes and the end at once. The calls that these bytes
		// answer have not ended before net/http has read them.
		t.final, err = err, nil
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
		for s := f.payload; len(s) >= 6; s = s[6:] {
			if binary.BigEndian.Uint16(s) == maxConcurrentStreams {
				t.settled, t.allowed = true, int(min(binary.BigEndian.Uint32(s[2:]), Spread))
			}
		}
		if !t.settled && !t.greeted {
			t.settled, t.allowed = true, Spread // there is no limit
		}
		t.greeted = true
	case f.kind == goAwayFrame && len(f.payload) >= 4:
		last := binary.BigEndian.Uint32(f.payload) & (1<<31 - 1)
		t.last.Store(last)
		t.going.Store(true)
		if last > 0 && last < everyStream {
			t.took.Store(true)
		}
		t.conn.leave()
	case f.kind == headersFrame:
		t.took.Store(true)
	case f.kind == resetFrame && len(f.payload) >= 4 && binary.BigEndian.Uint32(f.payload) == protocolError:
		t.conn.leave() // net/http begins no other stream on it
	case f.kind == pingFrame && f.flags&ack != 0:
		t.replied, t.ours = true, t.ours || string(f.payload) == question
	}
}

// tell tells of what was read before: to those who wait for an answer, and how many
// streams are allowed. Not earlier, because net/http, which lets a call that is over
// its limit wait for another stream to end, would not look at a new limit.
func (t *tap) tell() {
	if t.settled {
		t.settled = false
		t.conn.allow(t.allowed)
	}
	if !t.replied {
		return
	}
	t.replied = false
	if t.ours {
		t.ours = false
		if answered := t.pong.Swap(nil); answered != nil {
			close(*answered)
		}
	}
	t.conn.answered()
}

// Write writes, and notes which streams it begins.
func (t *tap) Write(p []byte) (int, error) {
	if !t.http2 {
		t.written.Add(int64(len(p))) // before it is: some of it may be, when it fails
		n, err := t.Conn.Write(p)
		if err != nil {
			t.end(err)
		}
		return n, err //nolint:wrapcheck // as the connection has it
	}
	t.writing.Lock()
	defer t.writing.Unlock()
	begun := t.begun.Load()
	t.out.scan(p, func(f frame) {
		switch f.kind {
		case headersFrame:
			begun = f.stream
			t.header = f.flags&endHeaders == 0
		case continuationFrame:
			t.header = f.flags&endHeaders == 0
		}
	})
	t.begun.Store(begun)
	if err := t.outbox.put(p, begun); err != nil {
		return 0, err
	}
	if t.due && t.mayAsk() {
		t.due = false
		t.askNow()
	}
	return len(p), nil
}

// claim returns the stream that was begun last, or 0 when it is another call's.
func (t *tap) claim() uint32 {
	begun := t.begun.Load()
	if t.claimed.Swap(begun) == begun {
		return 0
	}
	return begun
}

// sent reports whether the server may have had some of a stream.
func (t *tap) sent(stream uint32) bool {
	return stream <= t.last.Load() && t.outbox.mayHave(stream)
}

// Close closes the connection.
func (t *tap) Close() error {
	t.end(nil)
	return t.Conn.Close() //nolint:wrapcheck // as the connection has it
}

// fail ends a connection that cannot be written to; net/http reads of it.
func (t *tap) fail(err error) {
	t.end(err)
	_ = t.Conn.Close()
}

// end notes that the connection has ended, and with which error, or nil when it
// was closed from here.
func (t *tap) end(err error) {
	t.once.Do(func() {
		t.err = err
		close(t.ended)
		t.outbox.close()
		t.conn.drop()
	})
}

// met returns what ended the connection, if it was not ended from here, else
// err. After a GOAWAY err it is: net/http puts its code and its reason there.
func (t *tap) met(err error) error {
	select {
	case <-t.ended:
		if t.err != nil && !t.going.Load() {
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
	if t.due = !t.mayAsk(); !t.due {
		t.askNow()
	}
}

// mayAsk reports whether a frame may be written now.
func (t *tap) mayAsk() bool { return t.out.between() && !t.header }

// askNow has the question written.
func (t *tap) askNow() {
	_ = t.outbox.put([]byte("\x00\x00\x08\x06\x00\x00\x00\x00\x00"+question), t.begun.Load())
}
