package wire

import (
	"crypto/x509"
	"io"
	"net"
	"sync"
	"time"
)

// A Frame is a frame.
type Frame struct {
	Kind, Flags byte
	Stream      uint32
	Payload     []byte
}

// Scan returns the methods of a scanner that calls see.
func Scan(see func(Frame)) (scan func([]byte), between func() bool) {
	var s scanner
	return func(p []byte) {
		s.scan(p, func(f frame) { see(Frame{f.kind, f.flags, f.stream, f.payload}) })
	}, s.between
}

// An Outbox is an outbox.
type Outbox struct{ outbox }

// NewOutbox returns an outbox over w.
func NewOutbox(w io.Writer, fail func(error)) *Outbox {
	o := &Outbox{}
	o.open(w, &sync.Pool{New: newBatch}, fail)
	return o
}

// OutboxSize is how much may wait in one, and Packet how much does not.
const OutboxSize, Packet = outboxSize, packet

// Put has bytes written soon, in which the streams up to begun begin.
func (o *Outbox) Put(p []byte, begun uint32) error { return o.put(p, begun) }

// Close has nothing more written.
func (o *Outbox) Close() { o.close() }

// MayHave reports whether the other side may have a stream.
func (o *Outbox) MayHave(stream uint32) bool { return o.mayHave(stream) }

// Listen returns a tap on a connection of HTTP/2.
func Listen(nc net.Conn) net.Conn {
	p := &Pool{}
	p.batches.New = newBatch
	return newTap(nc, "", &conn{endpoint: &endpoint{pool: p}}, true)
}

// Ask writes two pieces on a connection that a tap listens to, and asks in between.
func Ask(nc net.Conn, first, second []byte) {
	p := &Pool{}
	p.batches.New = newBatch
	t := newTap(nc, "", &conn{endpoint: &endpoint{pool: p}}, true)
	t.out.skip = 0
	_, _ = t.Write(first)
	t.ping(make(chan struct{}))
	_, _ = t.Write(second)
}

// A Trust is a trust of files.
type Trust struct {
	trust

	// Reads is how often it has looked for them.
	Reads int
}

// NewTrust returns the trust of the first of files that is there.
func NewTrust(files ...string) *Trust {
	t := &Trust{}
	t.files = func() []string {
		t.Reads++
		return files
	}
	return t
}

// Verify verifies what a server has shown for a host.
func (t *Trust) Verify(host string, shown []*x509.Certificate) error { return t.verify(host, shown) }

// Few returns how many of the certificates are asked for, or -1 when none is.
func (t *Trust) Few(shown []*x509.Certificate) int {
	few := t.roots(shown)
	if few == nil {
		return -1
	}
	return len(few.Subjects()) //nolint:staticcheck // it is no system pool
}

// Kept returns for how many issuers it keeps what it has read.
func (t *Trust) Kept() int { return len(t.few) }

// Distrust makes a pool forget which certificates it has read.
func (p *Pool) Distrust() {
	p.trust.mu.Lock()
	defer p.trust.mu.Unlock()
	p.trust.few = nil
}

// Freeze makes it as if the process had been frozen for so long.
func (p *Pool) Freeze(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.endpoints {
		for _, c := range e.conns {
			c.tap.heard.Add(-int64(d))
		}
	}
}
