package probe

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"syscall"
	"time"
)

// How much of an answer is read at most, in bytes.
const (
	maxHeader = 64 << 10
	maxBody   = 64 << 10
)

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
		DisableCompression:     true, // the body is discarded
	}
}

// exchange sends the request and reads the answer.
func (h *hop) exchange(ctx context.Context) error {
	begin := time.Now()
	first := begin
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotFirstResponseByte: func() { first = time.Now() },
	})
	request, err := http.NewRequestWithContext(traced, h.request.Method, h.at.String(), http.NoBody)
	if err != nil {
		return errors.New("the URL cannot be requested")
	}
	request.Header.Set("User-Agent", "meridian-probe")
	conn, err := h.transport.NewClientConn(context.WithValue(ctx, connKey{}, h.conn), h.at.Scheme, net.JoinHostPort(h.at.Hostname(), portOf(h.at)))
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
	if _, err := io.CopyN(io.Discard, answer.Body, maxBody); err != nil && !errors.Is(err, io.EOF) {
		return h.answerError(err)
	}
	return nil
}

var (
	errCut     = errors.New("the connection was closed before the answer was complete")
	errNotHTTP = errors.New("the answer is not HTTP, is cut off, or has headers larger than 64 KiB")
)

// answerError returns why there is no answer. It hides the errors of net/http, which
// quote the answer.
func (h *hop) answerError(err error) error {
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" {
		// In TLS 1.3 the client's handshake ends before the server can refuse it, for
		// example because it wants a certificate of the client.
		return &Error{ErrorTLS, h.handshaking(), alert.Err}
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut
	}
	return errNotHTTP
}
