// Package probe opens one fresh connection to an endpoint, sends one request, and
// returns how long each phase took, or which phase failed.
//
// The task "probe" calls it, once for each sample.
//
// # What Probe promises
//
// No connection, TLS session or name is reused from an earlier sample, and no proxy is
// used. The phases follow each other without a gap, so the total is their sum, plus the
// time to read the body when it is matched. An error is an [Error] with the name of the
// phase or the expectation that failed; when ctx has ended it wraps the cause of ctx
// instead. Probe returns within the phases' times, and soon after ctx has ended, whatever
// the other side does. At most [MaxOpen] samples run at once.
//
// # What it protects
//
// A connection to an address that is not on the public Internet, or to a port other than
// 80 and 443, is refused when it is about to be opened: after the name has been resolved,
// for every address of the name and for every redirect. So is a method that may change
// something. The worker's operator can allow more in [Settings]; a [Request] cannot.
// Certificates are always verified. The headers and the body of a request go to the
// origin of its URL only. A body is read only to match it, and only a bounded part. No
// text of an answer or of a request's headers gets into a sample, an error or a log, and
// no address of a name unless it is public or allowed.
package probe

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"
)

// MaxOpen is the number of samples that one Prober runs at once; the others wait, see
// Sample.Waited. A Lambda environment has 1,024 file descriptors, and a network
// interface in a VPC can send the resolver 1,024 packets a second. Go's resolver needs
// two of each for a name (A and AAAA).
//
// Sources: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html,
// https://docs.aws.amazon.com/whitepapers/latest/hybrid-cloud-dns-options-for-vpc/constraints.html
const MaxOpen = 400

// MaxRedirects is the number of redirects that Request.FollowRedirects follows.
const MaxRedirects = 5

// The timeouts of the phases. They are independent of the deadline of ctx, which is for
// the whole sample, so that a target that does not answer costs seconds. Judgements:
// Go's resolver sends a second query after 5 s, the default of resolv.conf; a connection
// that needs more than 3 s has lost two packets; 10 s are enough for a health check.
const (
	maxResolve   = 6 * time.Second
	maxConnect   = 3 * time.Second
	maxHandshake = 5 * time.Second
	maxExchange  = 10 * time.Second
)

// Settings are decided by the worker's operator. The zero Settings allow GET, HEAD and
// OPTIONS on the ports 80 and 443 of the public Internet, and trust the system's
// certificate authorities.
type Settings struct {
	// Allow lists networks that can be probed although they are not on the public
	// Internet. An IPv4 network must not be mapped into IPv6; see [ParseNetworks]. The
	// machine itself and the metadata services are at loopback, unspecified, link-local
	// and metadata addresses. A network allows those only if it lies inside the block
	// that is reserved for them: 127.0.0.0/8 does, 0.0.0.0/0 does not.
	Allow []netip.Prefix

	// Deny lists networks that cannot be probed, even if they are public or in Allow.
	Deny []netip.Prefix

	// Ports lists ports that can be probed besides 80 and 443.
	Ports []Ports

	// Methods lists methods that can be used besides GET, HEAD and OPTIONS, which
	// change nothing.
	Methods []string

	// Roots are the certificate authorities to trust. Nil means the system's.
	Roots *x509.CertPool

	// Resolver looks up names. Nil means net.DefaultResolver.
	Resolver Resolver

	// Dial connects to any address, for tests. Nil means a dialer that refuses
	// addresses that are neither public nor allowed.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// A Resolver looks up names, as [net.Resolver] does.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// A Prober takes samples. Several goroutines can use it at once.
type Prober struct {
	settings  Settings
	transport *http.Transport
	slots     chan struct{}
}

// New returns a Prober.
func New(s Settings) *Prober {
	if s.Resolver == nil {
		s.Resolver = net.DefaultResolver
	}
	if s.Dial == nil {
		s.Dial = (&net.Dialer{ControlContext: guard{s.Allow, s.Deny}.control, KeepAlive: -1}).DialContext
	}
	return &Prober{settings: s, transport: newTransport(), slots: make(chan struct{}, MaxOpen)}
}

// A Request says what to probe.
type Request struct {
	// Method is one of [Methods].
	Method string

	// URL is a URL without a problem by [CheckURL].
	URL *url.URL

	// Header has headers without a problem by [CheckHeader]. Host replaces the URL's.
	Header http.Header

	// Body is sent with the request. Empty means none.
	Body string

	// Family is the family of addresses to use. Zero means any.
	Family Family

	// FollowRedirects says whether to follow redirects, at most MaxRedirects, each over
	// a fresh connection. False means that the redirect is the answer.
	FollowRedirects bool

	// Expect is what the answer must be like. The zero Expect accepts any.
	Expect Expect
}

// Probe takes one sample.
func (p *Prober) Probe(ctx context.Context, r Request) (Sample, error) {
	waited, err := p.acquire(ctx)
	if err != nil {
		return Sample{}, err
	}
	defer func() { <-p.slots }()
	s, begin := Sample{Waited: waited}, time.Now()
	for at := (&step{url: r.URL, method: r.Method, header: r.Header, body: r.Body}); at != nil; {
		next, err := p.visit(ctx, r, at, &s)
		if err != nil {
			return Sample{}, err
		}
		at = next
	}
	s.Phases.Total = time.Since(begin)
	return s, nil
}

// acquire waits for a slot.
func (p *Prober) acquire(ctx context.Context) (waited time.Duration, err error) {
	select {
	case p.slots <- struct{}{}:
		return 0, nil
	default:
	}
	begin := time.Now()
	select {
	case p.slots <- struct{}{}:
		return time.Since(begin), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("wait for one of %d slots: %w", MaxOpen, context.Cause(ctx))
	}
}

// visit makes one request, adds the result to s, and returns the next request, if any. A
// server that requires HTTP/1.1 is asked again, over another connection.
func (p *Prober) visit(ctx context.Context, r Request, at *step, s *Sample) (next *step, err error) {
	if err := p.allows(at); err != nil {
		return nil, err
	}
	next, err = (&hop{Prober: p, request: r, step: at, sample: s, protocols: []string{"h2", "http/1.1"}}).visit(ctx)
	if errors.Is(err, errRequiresHTTP1) {
		next, err = (&hop{Prober: p, request: r, step: at, sample: s, protocols: []string{"http/1.1"}}).visit(ctx)
	}
	return next, err
}

// allows returns an error if the settings do not allow the port or the method.
func (p *Prober) allows(at *step) error {
	if port := portOf(at.url); !allowsPort(p.settings.Ports, port) {
		return &Error{ErrorConnect, "connect to " + at.url.Hostname(), fmt.Errorf("port %s is refused; the worker's operator can allow it", port)}
	}
	if !slices.Contains(safeMethods(), at.method) && !slices.Contains(p.settings.Methods, at.method) {
		return &Error{ErrorHTTP, at.doing(), fmt.Errorf("method %s is refused; the worker's operator can allow it", at.method)}
	}
	return nil
}
