package wire

import (
	"errors"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// roundTrip sends a request, and says beside an error whether the server may
// have had it.
func (c *conn) roundTrip(r *http.Request) (response *http.Response, sent bool, err error) {
	if !c.http2 {
		before := c.tap.written.Load()
		response, err = c.http.RoundTrip(r)
		return response, c.tap.written.Load() != before, err
	}
	// The stream is the last one begun when its headers have been written:
	// net/http holds the connection's write lock around both. It says so too when
	// it has left them out, because the connection had failed.
	var stream atomic.Uint32
	ctx := httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		WroteHeaders: func() { stream.Store(c.tap.claim()) },
	})
	response, err = c.http.RoundTrip(r.WithContext(ctx))
	if err == nil {
		return response, true, nil
	}
	return nil, stream.Load() != 0 && !refused(err) && c.tap.sent(stream.Load()), err
}

// refused reports whether err is the server's word that it has not looked at
// the request.
//
// Source: https://www.rfc-editor.org/rfc/rfc9113#section-8.7
func refused(err error) bool {
	// net/http's error of that kind turns into any struct of the same shape.
	var e streamError
	return errors.As(err, &e) && e.Code == refusedStream
}

// A streamError is net/http's http2.StreamError.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

// Error makes it an error. Nobody reads it.
func (e streamError) Error() string { return "" }
