package wire_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"meridian/internal/wire"
)

// A fake is an HTTP/2 server that speaks in frames, over pipes, so that a test
// in a bubble can make it say anything at any moment.
type fake struct {
	// streams is what it allows; 0 means that it does not say.
	streams uint32

	// connecting is how long a connection takes.
	connecting time.Duration

	// request is called with each request; nil answers.
	request func(c *fakeConn, stream uint32)

	certificate tls.Certificate

	mu    sync.Mutex
	conns []*fakeConn
}

// A fakeConn is the server's end of a connection.
type fakeConn struct {
	*tls.Conn
	client, server *end

	mu sync.Mutex
	counts
}

// What a connection has seen.
type counts struct {
	began, running, peak int // requests
	pings                int
	closed               time.Time
}

// seen returns what the connection has seen so far.
func (c *fakeConn) seen() counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts
}

// newFake returns a server that allows so many streams.
func newFake(t *testing.T, streams uint32) *fake {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"lambda.test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &fake{streams: streams, certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}}
}

// config returns what leads a Pool to the server.
func (f *fake) config(t *testing.T) wire.Config {
	t.Helper()
	roots := x509.NewCertPool()
	leaf, err := x509.ParseCertificate(f.certificate.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(leaf)
	return wire.Config{Dial: f.dial, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
}

// pool returns a Pool that leads to the server.
func (f *fake) pool(t *testing.T) *wire.Pool {
	t.Helper()
	p := wire.New(f.config(t))
	t.Cleanup(p.Close)
	return p
}

func (f *fake) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	select {
	case <-time.After(f.connecting):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	client, theirs := newPipe()
	c := &fakeConn{client: client, server: theirs, Conn: tls.Server(theirs, &tls.Config{
		Certificates: []tls.Certificate{f.certificate}, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12,
	})}
	f.mu.Lock()
	f.conns = append(f.conns, c)
	f.mu.Unlock()
	go f.serve(c)
	return client, nil
}

// all returns the connections so far.
func (f *fake) all() []*fakeConn {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*fakeConn(nil), f.conns...)
}

// serve reads frames.
func (f *fake) serve(c *fakeConn) {
	defer func() {
		c.mu.Lock()
		c.closed = time.Now()
		c.mu.Unlock()
		_ = c.Close()
	}()
	if _, err := io.CopyN(io.Discard, c, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
		return
	}
	var settings []byte
	if f.streams > 0 {
		settings = binary.BigEndian.AppendUint32([]byte{0, 3}, f.streams)
	}
	c.frame(4, 0, 0, settings)
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(c, payload); err != nil {
			return
		}
		stream := binary.BigEndian.Uint32(head[5:])
		switch kind, flags := head[3], head[4]; {
		case kind == 6 && flags == 0:
			c.mu.Lock()
			c.pings++
			c.mu.Unlock()
			c.frame(6, 1, 0, payload)
		case kind == 1:
			c.mu.Lock()
			c.began++
			c.running++
			c.peak = max(c.peak, c.running)
			c.mu.Unlock()
			if f.request == nil {
				go c.answer(stream)
			} else {
				go f.request(c, stream)
			}
		}
	}
}

// frame writes a frame.
func (c *fakeConn) frame(kind, flags byte, stream uint32, payload []byte) {
	head := []byte{0, byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	head = binary.BigEndian.AppendUint32(head, stream)
	_, _ = c.Write(append(head, payload...))
}

// answer answers a request with 200 and nothing.
func (c *fakeConn) answer(stream uint32) {
	c.end()
	c.frame(1, 4|1, stream, []byte{0x88}) // :status 200, in the static table
}

// after returns what answers a request after a while.
func after(d time.Duration) func(c *fakeConn, stream uint32) {
	return func(c *fakeConn, stream uint32) {
		time.Sleep(d)
		c.answer(stream)
	}
}

// refuse ends a request with a code.
func (c *fakeConn) refuse(stream, code uint32) {
	c.end()
	c.frame(3, 0, stream, binary.BigEndian.AppendUint32(nil, code))
}

func (c *fakeConn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
}

// goAway says that no stream after last is looked at.
func (c *fakeConn) goAway(last uint32) {
	c.frame(7, 0, 0, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), 0))
}

// call makes a call and returns its error.
func call(t *testing.T, p *wire.Pool) error {
	t.Helper()
	return callAt(t, p, "https://lambda.test/")
}

func callAt(t *testing.T, p *wire.Pool, url string) error {
	t.Helper()
	return callWith(t.Context(), t, p, url)
}

func callWith(ctx context.Context, t *testing.T, p *wire.Pool, url string) error {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := p.RoundTrip(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return errors.Join(err, response.Body.Close())
}

// calls makes calls at once and returns their errors.
func calls(t *testing.T, p *wire.Pool, n int) []error {
	t.Helper()
	errs := make([]error, n)
	var done sync.WaitGroup
	for i := range errs {
		done.Go(func() { errs[i] = call(t, p) })
	}
	done.Wait()
	return errs
}

// mustAll checks that no call failed.
func mustAll(t *testing.T, errs []error) {
	t.Helper()
	for i, err := range errs {
		if err != nil {
			t.Errorf("call %d of %d = %v, want success", i, len(errs), err)
		}
	}
}
