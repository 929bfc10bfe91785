package wire

import (
	"io"
	"net"
	"runtime"
	"sync"
)

const (
	// packet is how many bytes need not wait for more: what a packet of Ethernet
	// carries beside the headers of IP and TCP.
	packet = 1460

	// outboxSize is how many bytes may wait in an outbox: as many as one record of
	// TLS holds.
	//
	// Source: https://www.rfc-editor.org/rfc/rfc8446#section-5.1
	outboxSize = 16 << 10
)

// An outbox writes to an HTTP/2 connection in few pieces. What net/http writes of a
// call is two frames of a few hundred bytes, each at once: for a burst of 5,000
// calls that is 10,000 records of TLS, as many system calls and, on a network, as
// many packets. In an outbox they wait until there is a packet's worth of them, or
// until the goroutines that were about to write more have done so, and leave
// together.
//
// Whoever puts more than outboxSize in it waits until the connection takes some.
type outbox struct {
	writer  io.Writer
	batches *sync.Pool  // of *[]byte
	fail    func(error) // is told, once, that the writer has failed

	mu      sync.Mutex
	room    sync.Cond // waited for by put
	batch   *[]byte   // what waits; nil means nothing
	begun   uint32    // the last stream that begins in it, or before
	passed  uint32    // the last stream that begins in what was passed on
	coming  bool      // flush is about to run
	writing bool      // write runs, and takes what is put meanwhile
	closed  bool
}

// newBatch returns a new batch, for the pool of them.
func newBatch() any { return new([]byte) }

// open makes it ready. The batches of several may be shared.
func (o *outbox) open(w io.Writer, batches *sync.Pool, fail func(error)) {
	o.writer, o.batches, o.fail = w, batches, fail
	o.room.L = &o.mu
}

// put has bytes written soon, in which the streams up to begun begin.
func (o *outbox) put(p []byte, begun uint32) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.batch != nil && len(*o.batch) >= outboxSize && !o.closed {
		o.room.Wait()
	}
	if o.closed {
		return net.ErrClosed
	}
	if o.batch == nil {
		o.batch = o.batches.Get().(*[]byte) //nolint:forcetypeassert // nothing else is in there
	}
	*o.batch, o.begun = append(*o.batch, p...), begun
	switch {
	case o.writing:
	case len(*o.batch) >= packet:
		o.write()
	case !o.coming:
		o.coming = true
		go o.flush()
	}
	return nil
}

// flush writes what waits when those that are about to put more have done so.
func (o *outbox) flush() {
	runtime.Gosched() // to them
	o.mu.Lock()
	defer o.mu.Unlock()
	o.coming = false
	if !o.writing {
		o.write()
	}
}

// write writes what waits, until nothing does.
func (o *outbox) write() {
	o.writing = true
	for o.batch != nil && !o.closed {
		batch := o.batch
		o.batch, o.passed = nil, o.begun
		o.room.Broadcast()
		o.mu.Unlock()
		if _, err := o.writer.Write(*batch); err != nil {
			o.fail(err)
		}
		*batch = (*batch)[:0]
		o.batches.Put(batch)
		o.mu.Lock()
	}
	o.writing = false
}

// close has nothing more written.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.room.Broadcast()
}

// mayHave reports whether the other side may have, or may yet get, the beginning of
// a stream that was put.
func (o *outbox) mayHave(stream uint32) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.closed || stream <= o.passed
}
