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
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/wire"
)

// lambdaTest is the fake's address.
const lambdaTest = "https://lambda.test/"

// A fake is an HTTP/2 server that speaks in frames, over pipes, so that a test
// in a bubble can make it say anything at any moment.
type fake struct {
	// streams is how many it allows; 0 means that it does not say.
	streams uint32

	// connecting is how long a connection takes.
	connecting time.Duration

	// request is called with each request; nil answers at once.
	request func(f *fake, c *fakeConn, stream uint32)

	// dials replaces the fake's dial where it returns something.
	dials func(ctx context.Context, n int) (net.Conn, error)

	// wrap changes the client's end of connection n, which counts from 1.
	wrap func(n int, nc net.Conn) net.Conn

	// maxConns and receiveBytes are the pool's.
	maxConns, receiveBytes int

	certificate tls.Certificate

	mu     sync.Mutex
	dialed int
	conns  []*fakeConn
}

// start makes a server ready, and returns it with a pool that leads to it. At the end
// of the test the pool is closed, and the server hears of it.
func start(t *testing.T, f *fake) (*fake, *wire.Pool) {
	t.Helper()
	p := f.pool(t)
	t.Cleanup(func() {
		p.Close()
		time.Sleep(time.Hour)
	})
	return f, p
}

// pool makes the server ready, and returns a pool that leads to it.
func (f *fake) pool(t *testing.T) *wire.Pool {
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
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	f.certificate = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return wire.New(wire.Config{
		Dial: f.dial, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, MaxConns: f.maxConns,
		ReceiveBytes: f.receiveBytes,
	})
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
	acknowledged         bool // the settings
	closed               time.Time
	window, room         int // that an answer, and all together, may send before they are read
}

// note changes what the connection has seen.
func (c *fakeConn) note(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// seen returns what the connection has seen so far.
func (c *fakeConn) seen() counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts
}

func (f *fake) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	f.mu.Lock()
	f.dialed++
	n := f.dialed
	f.mu.Unlock()
	if f.dials != nil {
		if nc, err := f.dials(ctx, n); nc != nil || err != nil {
			return nc, err
		}
	}
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
	if f.wrap != nil {
		return f.wrap(n, client), nil
	}
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
		c.note(func() { c.closed = time.Now() })
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
			c.note(func() { c.pings++ })
			c.frame(6, 1, 0, payload)
		case kind == 4 && flags == 0:
			c.settings(payload)
		case kind == 4:
			c.note(func() { c.acknowledged = true })
		case kind == 8 && stream == 0:
			c.note(func() { c.room += int(binary.BigEndian.Uint32(payload)) })
		case kind == 1:
			c.note(func() {
				c.began++
				c.running++
				c.peak = max(c.peak, c.running)
			})
			if f.request == nil {
				go c.answer(stream)
			} else {
				go f.request(f, c, stream)
			}
		}
	}
}

// settings reads what an answer may send.
func (c *fakeConn) settings(payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.room = 1<<16 - 1 // until it is raised
	for ; len(payload) >= 6; payload = payload[6:] {
		if binary.BigEndian.Uint16(payload) == 4 {
			c.window = int(binary.BigEndian.Uint32(payload[2:]))
		}
	}
}

// frame writes a frame.
func (c *fakeConn) frame(kind, flags byte, stream uint32, payload []byte) {
	head := []byte{0, byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	head = binary.BigEndian.AppendUint32(head, stream)
	_, _ = c.Write(append(head, payload...))
}

// allow changes how many streams the server allows.
func (c *fakeConn) allow(streams byte) { c.frame(4, 0, 0, []byte{0, 3, 0, 0, 0, streams}) }

// answer answers a request with 200 and two bytes.
func (c *fakeConn) answer(stream uint32) {
	c.end()
	c.frame(1, 4, stream, []byte{0x88}) // :status 200, in the static table
	c.frame(0, 1, stream, []byte("{}"))
}

// after returns what answers a request after a while.
func after(d time.Duration) func(f *fake, c *fakeConn, stream uint32) {
	return func(_ *fake, c *fakeConn, stream uint32) {
		time.Sleep(d)
		c.answer(stream)
	}
}

// refuse ends a request with a code.
func (c *fakeConn) refuse(stream, code uint32) {
	c.end()
	c.frame(3, 0, stream, binary.BigEndian.AppendUint32(nil, code))
}

func (c *fakeConn) end() { c.note(func() { c.running-- }) }

// goAway says that no stream after last is looked at.
func (c *fakeConn) goAway(last uint32) {
	c.frame(7, 0, 0, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), 0))
}

// began returns how many requests the server has seen, on all connections.
func (f *fake) began() (requests int) {
	for _, c := range f.all() {
		requests += c.seen().began
	}
	return requests
}

// want checks how many connections and requests the server has seen.
func (f *fake) want(t *testing.T, conns, requests int) {
	t.Helper()
	if got, began := len(f.all()), f.began(); got != conns || began != requests {
		t.Errorf("%d connections and %d requests, want %d and %d", got, began, conns, requests)
	}
}

// prepare opens the connections for a number of calls, and waits for them.
func prepare(t *testing.T, p *wire.Pool, calls int) {
	t.Helper()
	u, err := url.Parse(lambdaTest)
	if err != nil {
		t.Fatal(err)
	}
	p.Prepare(u, calls)
	synctest.Wait()
}

// call makes a call and returns its error.
func call(t *testing.T, p *wire.Pool) error {
	t.Helper()
	return callAt(t.Context(), t, p, lambdaTest)
}

// callFor makes a call that is given up after d.
func callFor(t *testing.T, d time.Duration, p *wire.Pool) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return callAt(ctx, t, p, lambdaTest)
}

// callAt makes a call to a URL.
func callAt(ctx context.Context, t *testing.T, p *wire.Pool, url string) error {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	return send(p, r)
}

// send sends a request and reads the answer.
func send(p *wire.Pool, r *http.Request) error {
	response, err := p.RoundTrip(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return errors.Join(err, response.Body.Close())
}

// calls makes calls at once and returns how long each took. None may fail.
func calls(t *testing.T, p *wire.Pool, n int) []time.Duration {
	t.Helper()
	return callsAt(t, p, lambdaTest, n)
}

// callsAt is calls to a URL.
func callsAt(t *testing.T, p *wire.Pool, url string, n int) []time.Duration {
	t.Helper()
	took := make([]time.Duration, n)
	begin := time.Now()
	var done sync.WaitGroup
	for i := range took {
		done.Go(func() {
			if err := callAt(t.Context(), t, p, url); err != nil {
				t.Errorf("call %d of %d = %v, want success", i, n, err)
			}
			took[i] = time.Since(begin)
		})
	}
	done.Wait()
	return took
}

// wantTook checks that each call took as long as wanted.
func wantTook(t *testing.T, took []time.Duration, want time.Duration) {
	t.Helper()
	for i, d := range took {
		if d != want {
			t.Errorf("call %d took %v, want %v", i, d, want)
		}
	}
}

// wantLost checks that a call was lost, and whether it may have been sent.
func wantLost(t *testing.T, err error, sent bool) {
	t.Helper()
	if lost, ok := errors.AsType[*wire.LostError](err); !ok || lost.Sent != sent {
		t.Errorf("RoundTrip = %v, want a LostError with Sent %t", err, sent)
	}
}
