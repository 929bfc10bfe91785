package invoke

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"meridian/pkg/protocol"
)

const (
	// connectTimeout bounds connecting, from the look-up of the name to the end
	// of the TLS handshake: one bad Region costs seconds. Across the world
	// that takes four round trips of 0.3 s; the rest is for a lost SYN, which
	// is sent again after 1 s.
	connectTimeout = 3 * time.Second

	// idleTimeout is how long a connection is kept for the next call: the
	// batches and the retries of one run. Not for the next run, because
	// between two runs Lambda freezes the coordinator, the far end hangs up
	// unheard, and the first call on such a connection fails.
	idleTimeout = 15 * time.Second

	// A worker may be silent for 900 s, and a NAT gateway forgets a silent
	// connection after 350 s. These probes keep it known, and find the other
	// side gone within 30 s.
	// Source: https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
	probeAfter, probeEvery, probeCount = 15 * time.Second, 5 * time.Second, 3

	// DefaultMaxConcurrency is how many calls are under way at once when
	// Settings do not say. Each has a connection: a Lambda environment has
	// 1,024 file descriptors, and over 100 are left for the runtime, the
	// resolver and idle connections.
	// Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	DefaultMaxConcurrency = 900

	// maxIdleRegional bounds the idle connections of placement Regional. There
	// they come on top of those in use, being to another Region's host.
	maxIdleRegional = 64
)

// newHTTPClient returns a client with a pool of connections as wide as s asks
// for. It follows no redirects and speaks HTTP/1.1: a connection for each call
// under way, so that one that breaks spoils one call. What base brings of
// certificates and proxies is kept; a base that is not the SDK's own is used as
// it is.
//
// net/http sends a request a second time on its own when a connection that it
// had used before breaks and the request may be replayed. Ours may not: it is a
// POST without GetBody and without an Idempotency-Key, and no redirect is
// followed.
func newHTTPClient(base aws.HTTPClient, s Settings) aws.HTTPClient {
	if base == nil {
		base = awshttp.NewBuildableClient()
	}
	buildable, ok := base.(*awshttp.BuildableClient)
	if !ok {
		return poster{base}
	}
	limit := cmp.Or(s.MaxConcurrency, DefaultMaxConcurrency)
	t := buildable.GetTransport()
	t.MaxConnsPerHost = limit
	t.MaxIdleConnsPerHost = limit
	t.MaxIdleConns = limit
	if s.Placement == Regional {
		t.MaxIdleConns = min(limit, maxIdleRegional)
	}
	t.IdleConnTimeout = idleTimeout
	t.ForceAttemptHTTP2 = false
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)

	d := dialer{open: s.Dial, tls: cmp.Or(t.TLSClientConfig.Clone(), &tls.Config{MinVersion: tls.VersionTLS12})}
	if d.open == nil {
		d.open = (&net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: probeAfter, Interval: probeEvery, Count: probeCount,
		}}).DialContext
	}
	d.tls.NextProtos = []string{"http/1.1"}
	t.DialContext = d.plain
	t.DialTLSContext = d.secure
	t.TLSHandshakeTimeout = connectTimeout // through a proxy, which is connected to with plain
	return poster{&http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// A poster sends requests whose bodies can only be read, and reads no more of an
// answer than tells that it is longer than a function's can be: what it talks to
// may not be Lambda, and then nothing else bounds the memory it takes.
//
// The SDK's bodies also have a WriteTo. The SDK closes a body as soon as the
// answer begins, and from then on WriteTo returns io.EOF, where a Read may and a
// WriteTo may not. When net/http, done with sending, then looks whether there is
// more of the body, it takes that for a failure and closes the connection under
// the answer: a call that had succeeded fails. Seen with smithy-go 1.28.9.
type poster struct{ client aws.HTTPClient }

// Do sends r.
func (p poster) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	answer, err := p.client.Do(r)
	if err == nil {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, protocol.MaxPayloadBytes+1), answer.Body}
	}
	return answer, err
}

// A dialer connects within connectTimeout.
type dialer struct {
	open func(ctx context.Context, network, address string) (net.Conn, error)
	tls  *tls.Config
}

// plain connects without TLS.
func (d dialer) plain(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := d.open(ctx, network, address)
	if err != nil {
		return nil, unconnected(ctx, address, err)
	}
	return conn, nil
}

// secure connects and shakes hands, both in one budget.
func (d dialer) secure(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := d.open(ctx, network, address)
	if err != nil {
		return nil, unconnected(ctx, address, err)
	}
	cfg := d.tls.Clone()
	if host, _, err := net.SplitHostPort(address); err == nil && cfg.ServerName == "" {
		cfg.ServerName = host
	}
	secured := tls.Client(conn, cfg)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, unconnected(ctx, address, err)
	}
	return secured, nil
}

// A connectError is a connection that did not come about, so nothing was sent.
type connectError struct {
	address string
	err     error
}

// unconnected returns the connectError of a dial under ctx that ended with err.
func unconnected(ctx context.Context, address string, err error) error {
	if ctx.Err() != nil {
		err = fmt.Errorf("no connection within %v", connectTimeout)
	}
	return &connectError{address: address, err: err}
}

// Error says where to and why not.
func (e *connectError) Error() string { return fmt.Sprintf("connect to %s: %v", e.address, e.err) }

// Unwrap returns why not.
func (e *connectError) Unwrap() error { return e.err }
