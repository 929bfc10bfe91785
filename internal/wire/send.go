package wire

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

// maxMoves is how often a request may move to another connection, not counting
// moves from a connection that did serve requests: a server that ends each
// connection after a few requests moves a call often, and makes progress. One that
// refuses the request itself, as an overloaded one does, makes none.
const maxMoves = 4

// RoundTrip sends a request and returns the answer, as [http.RoundTripper]
// does; it follows no redirects. A request with a body needs GetBody, as
// http.NewRequest provides, to move to another connection.
//
// The error is a [ConnectError] if no connection could be opened, else a
// [LostError]; when the context has ended, a LostError wraps its error.
func (p *Pool) RoundTrip(r *http.Request) (*http.Response, error) {
	return p.Send(r.Context(), r, nil)
}

// Send is RoundTrip with two contexts. Until the request is sent, the end of ctx ends the
// call; after that, the end of the request's own context does, which must not be earlier.
//
// Send calls ready with the request, or with a copy, each time a connection is about to
// send it. ready may change its header and its body. An error of ready ends the call; a
// LostError, not Sent, wraps it.
func (p *Pool) Send(ctx context.Context, r *http.Request, ready func(*http.Request) error) (*http.Response, error) {
	e := p.endpoint(r.URL)
	for moves := 0; ; {
		c, err := e.acquire(ctx)
		if err == nil {
			if ready != nil {
				err = ready(r)
			}
			if err = cmp.Or(err, ctx.Err()); err != nil {
				c.release() //nolint:contextcheck // connecting belongs to no call
				err = &LostError{Err: err}
			}
		}
		if err != nil {
			if r.Body != nil {
				_ = r.Body.Close()
			}
			return nil, err
		}
		if c.http2 && c.http.Available() == 0 && !c.over() {
			// The server has lowered its limit. net/http would have the call wait for the end
			// of another one, even when the server raises it again.
			c.release() //nolint:contextcheck // connecting belongs to no call
			continue
		}
		response, sent, err := c.roundTrip(r)
		if err == nil {
			response.Body = &body{ReadCloser: response.Body, conn: c}
			return response, nil
		}
		c.release() //nolint:contextcheck // connecting belongs to no call
		if end := r.Context().Err(); end != nil {
			return nil, &LostError{Sent: sent, Err: end}
		}
		if !c.tap.served.Load() || refused(err) {
			moves++
		}
		next := again(r)
		if sent || next == nil || moves > maxMoves {
			if errors.Is(err, io.EOF) {
				err = io.EOF // without net/http's words around it
			}
			return nil, &LostError{Sent: sent, Err: err}
		}
		r = next
	}
}

// A body is an answer's. Closing it ends the call.
type body struct {
	io.ReadCloser
	conn *conn
	once sync.Once
}

// Read reads the answer. An error other than io.EOF is a [LostError].
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF { // as io.Reader says
		err = &LostError{Sent: true, Err: err}
	}
	return n, err
}

// Close closes the body and releases the connection.
func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(b.conn.release)
	return err
}

// roundTrip sends a request on a connection that take has returned. Beside an error
// it says whether the server may have looked at the request.
func (c *conn) roundTrip(r *http.Request) (response *http.Response, sent bool, err error) {
	written, heard := c.tap.written.Load(), c.tap.heard.Load()
	traced := r
	var stream atomic.Uint32
	if c.http2 {
		// net/http holds the connection's write lock while it writes a request's
		// headers and calls WroteHeaders, so the stream begun last is this request's. If
		// the connection had failed, net/http skipped the headers and no stream has begun.
		traced = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
			WroteHeaders: func() { stream.Store(c.tap.begun.Swap(0)) },
		}))
	}
	response, err = c.http.RoundTrip(traced)
	switch {
	case err == nil:
		if !c.http2 { // which says nothing else of what it served
			c.tap.served.Store(true)
		}
		return response, true, nil
	case r.Context().Err() != nil:
		if !c.http2 || stream.Load() != 0 { // else net/http pings nothing
			c.doubt(heard)
		}
		return nil, true, err // another goroutine of net/http may be writing it now
	case c.http2:
		id := stream.Load()
		return nil, id != 0 && id <= c.tap.last.Load() && !refused(err), err
	}
	return nil, c.tap.written.Load() != written, err
}

// doubt is called after a call was given up. If the server was not heard from
// since the call began, or for a second, a lost packet may be delaying the
// connection, and calls avoid it until it is heard from. net/http pings it.
func (c *conn) doubt(before int64) {
	heard, now := c.tap.heard.Load(), time.Now().UnixNano()
	if heard >= c.doubted.Load() && (heard == before || now-heard > int64(time.Second)) {
		c.doubted.Store(now)
		time.AfterFunc(patience, c.endpoint.pool.wake)
	}
}

// refused reports whether err says that the server has not looked at the request.
//
// Source: https://www.rfc-editor.org/rfc/rfc9113#section-8.7
func refused(err error) bool {
	// net/http's own error type is internal. Its As method fills any struct with the
	// same fields.
	var e streamError
	return errors.As(err, &e) && e.Code == refusedStream
}

// A streamError has the fields of net/http's error for a reset stream.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

// Error makes streamError an error, as errors.As requires.
func (e streamError) Error() string { return "" }

// again returns a copy of r to be sent again, or nil if its body is used up. The
// connection that failed may still be reading r's header.
func again(r *http.Request) *http.Request {
	next := r.Clone(r.Context())
	if r.Body == nil || r.Body == http.NoBody {
		return next
	}
	if r.GetBody == nil {
		return nil
	}
	body, err := r.GetBody()
	if err != nil {
		return nil
	}
	next.Body = body
	return next
}
