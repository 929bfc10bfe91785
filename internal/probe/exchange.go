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

// The most that is read of an answer, in bytes.
const (
	maxHeader = 64 << 10
	maxBody   = 64 << 10
)

// conning is the key of the connection that a context carries.
type conning struct{}

// newTransport returns a transport that makes HTTP/1.1 or HTTP/2 of the connection
// that the context carries. It never opens one, and has neither proxy nor pool.
func newTransport() *http.Transport {
	take := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return ctx.Value(conning{}).(net.Conn), nil
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	return &http.Transport{
		DialContext:            take,
		DialTLSContext:         take,
		Protocols:              protocols,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // nothing is done with the body
	}
}

// exchange asks and reads the answer.
func (t *trip) exchange(ctx context.Context) error {
	begin := time.Now()
	first := begin
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotFirstResponseByte: func() { first = time.Now() },
	})
	request, err := http.NewRequestWithContext(traced, t.request.Method, t.at.String(), http.NoBody)
	if err != nil {
		return errors.New("the URL cannot be asked for")
	}
	request.Header.Set("User-Agent", "meridian-probe")
	conn, err := t.transport.NewClientConn(context.WithValue(ctx, conning{}, t.conn), t.at.Scheme, net.JoinHostPort(t.at.Hostname(), portOf(t.at)))
	if err != nil {
		return t.answerError(err)
	}
	defer func() { _ = conn.Close() }() // it has done what it was for
	answer, err := conn.RoundTrip(request)
	if err != nil {
		return t.answerError(err)
	}
	defer func() { _ = answer.Body.Close() }() // nothing was written
	t.sample.Phases.FirstByte += first.Sub(begin)
	t.sample.Status, t.sample.Protocol = answer.StatusCode, answer.Proto
	t.location = answer.Header.Get("Location")
	if _, err := io.CopyN(io.Discard, answer.Body, maxBody); err != nil && !errors.Is(err, io.EOF) {
		return t.answerError(err)
	}
	return nil
}

var (
	errCut     = errors.New("the connection was closed before the answer was complete")
	errNotHTTP = errors.New("the answer is not HTTP, is cut off, or has headers larger than 64 KiB")
)

// answerError says why there is no answer. The errors of net/http are not passed
// on: they quote the answer.
func (t *trip) answerError(err error) error {
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" {
		// By TLS 1.3 the client has finished before the server says that it does not
		// like it, for want of a certificate of the client's say.
		return &Error{ErrorTLS, t.handshaking(), alert.Err}
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut
	}
	return errNotHTTP
}
