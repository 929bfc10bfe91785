package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"syscall"
	"time"
)

// maxHeader is how much of an answer's headers is read at most, in bytes.
const maxHeader = 64 << 10

// connKey is the key of the connection in a context.
type connKey struct{}

// newTransport returns a transport that speaks HTTP/1.1 or HTTP/2 over the connection
// in the context. It opens no connection itself and has neither proxy nor pool.
func newTransport() *http.Transport {
	take := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return ctx.Value(connKey{}).(net.Conn), nil
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	return &http.Transport{
		DialContext:            take,
		DialTLSContext:         take,
		Protocols:              protocols,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // the body is matched as it is sent
	}
}

// exchange sends the request and reads the answer: its status and headers, and of its
// body what has to be matched.
func (h *hop) exchange(ctx context.Context) error {
	begin := time.Now()
	first := begin
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotFirstResponseByte: func() { first = time.Now() },
	})
	request, err := h.newRequest(traced)
	if err != nil {
		return errors.New("the URL cannot be requested")
	}
	through := h.conn
	if !h.http2() {
		through = newQuietConn(h.conn)
	}
	conn, err := h.transport.NewClientConn(context.WithValue(ctx, connKey{}, through), h.url.Scheme, net.JoinHostPort(h.url.Hostname(), portOf(h.url)))
	if err != nil {
		return h.answerError(err)
	}
	defer func() { _ = conn.Close() }() // it is not used again
	answer, err := conn.RoundTrip(request)
	if err != nil {
		return h.answerError(err)
	}
	defer func() { _ = answer.Body.Close() }() // only read
	h.sample.Phases.FirstByte += first.Sub(begin)
	h.sample.Status, h.sample.Protocol = answer.StatusCode, answer.Proto
	h.location = answer.Header.Get("Location")
	if h.follows() {
		return nil
	}
	return h.meet(ctx, answer.Body)
}

// newRequest returns the request of the step. The connection is not used for another.
func (h *hop) newRequest(ctx context.Context) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, h.method, h.url.String(), strings.NewReader(h.body))
	if err != nil {
		return nil, err
	}
	if h.header != nil {
		request.Header = h.header.Clone()
	}
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", "meridian-probe")
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
		request.Header.Del("Host")
	}
	request.Close = true
	return request, nil
}

// http2 reports whether the handshake has agreed on HTTP/2.
func (h *hop) http2() bool {
	conn, ok := h.conn.(*tls.Conn)
	return ok && conn.ConnectionState().NegotiatedProtocol == "h2"
}

// A quietConn delivers nothing before the request has been sent. The transport of
// HTTP/1.1 would print in its log what a server says unasked.
type quietConn struct {
	net.Conn
	wake  func()
	awake <-chan struct{}
}

func newQuietConn(conn net.Conn) *quietConn {
	awake := make(chan struct{})
	return &quietConn{conn, sync.OnceFunc(func() { close(awake) }), awake}
}

// Read implements net.Conn.
func (c *quietConn) Read(p []byte) (int, error) {
	<-c.awake
	return c.Conn.Read(p)
}

// Write implements net.Conn.
func (c *quietConn) Write(p []byte) (int, error) {
	defer c.wake()
	return c.Conn.Write(p)
}

// Close implements net.Conn.
func (c *quietConn) Close() error {
	defer c.wake()
	return c.Conn.Close()
}

var (
	errCut           = errors.New("the connection was closed before the answer was complete")
	errNotHTTP       = errors.New("the answer is not HTTP, is cut off, or has headers larger than 64 KiB")
	errNotHTTP2      = errors.New("the server ended HTTP/2, or its answer is not HTTP/2 or has headers larger than 64 KiB")
	errRequiresHTTP1 = errors.New("the server requires HTTP/1.1")
)

// A streamError is the error of net/http when a server resets a stream of HTTP/2, which
// errors.As converts to any struct with these fields.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

// Error implements error.
func (e streamError) Error() string { return fmt.Sprintf("HTTP/2 stream reset with code %d", e.Code) }

// codeHTTP1Required is HTTP_1_1_REQUIRED (RFC 9113, 7).
const codeHTTP1Required = 0xd

// answerError returns why there is no answer. It hides the errors of net/http, which
// quote the answer.
func (h *hop) answerError(err error) error {
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == remoteError {
		// In TLS 1.3 the client's handshake ends before the server can refuse it, for
		// example because it wants a certificate of the client.
		return &Error{ErrorTLS, h.handshaking(), alert.Err}
	}
	if reset, ok := errors.AsType[streamError](err); ok {
		if reset.Code == codeHTTP1Required {
			return errRequiresHTTP1
		}
		return fmt.Errorf("the server reset the request with HTTP/2 error code %d", reset.Code)
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut
	}
	if !h.http2() {
		return errNotHTTP
	}
	if alert := h.alert(); alert != nil {
		return &Error{ErrorTLS, h.handshaking(), alert}
	}
	return errNotHTTP2
}

// alert closes the connection, and returns the alert of TLS that it has received, if any. The
// transport of HTTP/2 does not return one that arrives before the request has begun.
func (h *hop) alert() error {
	_ = h.conn.Close() // ends a read, too
	_, err := h.conn.Read(make([]byte, 1))
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == remoteError {
		return op.Err
	}
	return nil
}

// A drainedConn reports no write that fails because the server has hung up. The transport would
// close the connection and lose what the server sent before, such as an alert of TLS. Reads
// return that, and then the end of the connection.
type drainedConn struct{ net.Conn }

// Write implements net.Conn.
func (c drainedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return len(p), nil
	}
	return n, err
}

// remoteError is the Op of an error with an alert of TLS.
const remoteError = "remote error"
