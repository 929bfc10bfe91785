package invoke

import (
	"net/http"
	"net/url"

	"meridian/internal/wire"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// A sender sends requests to Lambda's endpoints, each at most once, and follows
// no redirects.
type sender interface {
	// send sends a request; ready is called with it when there is a connection.
	send(r *http.Request, ready func(*http.Request) error) (*http.Response, error)

	// prepare makes ready for calls to u. It does not wait.
	prepare(u *url.URL, calls int)
}

// newSender returns a sender over a pool of connections, with what base brings
// of certificates and proxies. A base that is not the SDK's own is used as it
// is.
func newSender(base aws.HTTPClient, s Settings) sender {
	if base == nil {
		base = awshttp.NewBuildableClient()
	}
	buildable, ok := base.(*awshttp.BuildableClient)
	if !ok {
		return borrowed{base}
	}
	t := buildable.GetTransport()
	return pooled{wire.New(wire.Config{
		Dial: s.Dial, TLS: t.TLSClientConfig, Proxy: t.Proxy, MaxConns: s.MaxConnections,
	})}
}

// A pooled sends over a pool.
type pooled struct{ pool *wire.Pool }

func (p pooled) send(r *http.Request, ready func(*http.Request) error) (*http.Response, error) {
	return p.pool.Send(r, ready) //nolint:wrapcheck // failure looks at it
}

func (p pooled) prepare(u *url.URL, calls int) { p.pool.Prepare(u, calls) }

// A borrowed sends with somebody else's client.
type borrowed struct{ client aws.HTTPClient }

func (b borrowed) send(r *http.Request, ready func(*http.Request) error) (*http.Response, error) {
	if err := ready(r); err != nil {
		return nil, &wire.LostError{Err: err}
	}
	// net/http sends a request a second time on its own when a connection breaks
	// and the request may be replayed. This may not.
	r.GetBody = nil
	return b.client.Do(r) //nolint:wrapcheck // failure looks at it
}

func (borrowed) prepare(*url.URL, int) {}
