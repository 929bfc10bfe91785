// Package probe opens one fresh connection to an endpoint, asks it one question,
// and says how long each part of the way took, or which part of it is broken.
//
// The task "probe" calls it, once for each sample.
//
// # What Probe promises
//
// No connection, TLS session or name is taken over from an earlier sample, and
// no proxy is used. The phases follow each other without a gap, so the total is
// their sum and the time that the body took. An error is an [Error] with the
// name of the phase that failed; when ctx has ended it wraps what ended it
// instead. Whatever the other side does, Probe returns within the phases' times,
// and soon after ctx has ended. At most [MaxOpen] samples are under way at once.
//
// # What it is no way into
//
// An address that is not on the public Internet is refused when it is about to
// be connected to: after the name has been resolved, for every address of it and
// at every redirect. The worker's operator can allow networks by [Settings].
// Certificates are always verified. What the other side sends is bounded, and no
// text of an answer, nor an address that a name was resolved to before it was
// found to be public, gets into a sample or an error.
package probe

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// MaxOpen is how many samples are under way at once in one Prober; the others
// wait, see Sample.Waited. A Lambda environment has 1,024 file descriptors, and a
// network interface in a VPC may send the resolver 1,024 packets a second; Go's
// resolver needs two of either for a name (A and AAAA).
//
// Sources: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html,
// https://docs.aws.amazon.com/whitepapers/latest/hybrid-cloud-dns-options-for-vpc/constraints.html
const MaxOpen = 400

// MaxRedirects is how many redirects are followed when that is asked for.
const MaxRedirects = 5

// The most time that a phase takes; then it has failed. They are apart from the
// time of the whole sample, which is ctx's, so that a target that does not answer
// costs seconds. Judgements: Go's resolver asks a second time after 5 s, as is
// the default of resolv.conf; a connection that needs more than 3 s has lost two
// packets; an answer is not the endpoint's work but its first word.
const (
	maxResolve   = 6 * time.Second
	maxConnect   = 3 * time.Second
	maxHandshake = 5 * time.Second
	maxExchange  = 10 * time.Second
)

// Settings are the worker's operator's. The zero Settings allow the public
// Internet and trust the system's certificate authorities.
type Settings struct {
	// Allow lists networks that may be probed though they are not on the public
	// Internet. An IPv4 network is written as one; see [ParseNetworks].
	Allow []netip.Prefix

	// Roots are the certificate authorities to trust. Nil means the system's.
	Roots *x509.CertPool

	// Resolver looks up names. Nil means net.DefaultResolver.
	Resolver Resolver

	// Dial connects to an address, for tests: it is not guarded. Nil means a
	// dialer that refuses what is neither public nor allowed.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// A Resolver looks up names, as [net.Resolver] does.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// A Prober takes samples. It may be used by several goroutines at once.
type Prober struct {
	settings  Settings
	transport *http.Transport
	open      chan struct{}
}

// New returns a Prober.
func New(s Settings) *Prober {
	if s.Resolver == nil {
		s.Resolver = net.DefaultResolver
	}
	if s.Dial == nil {
		s.Dial = (&net.Dialer{ControlContext: guard{s.Allow}.control, KeepAlive: -1}).DialContext
	}
	return &Prober{settings: s, transport: newTransport(), open: make(chan struct{}, MaxOpen)}
}

// A Request says what to probe.
type Request struct {
	// Method is GET or HEAD.
	Method string

	// URL is one that [CheckURL] finds nothing wrong with.
	URL *url.URL

	// Family is the kind of address to use. Zero means any.
	Family Family

	// FollowRedirects says whether to go on to where a redirect leads, at most
	// MaxRedirects times, each time by a fresh connection. False means that the
	// redirect is the answer.
	FollowRedirects bool
}

// Probe takes one sample.
func (p *Prober) Probe(ctx context.Context, r Request) (Sample, error) {
	waited, err := p.enter(ctx)
	if err != nil {
		return Sample{}, err
	}
	defer func() { <-p.open }()
	s, begin := Sample{Waited: waited}, time.Now()
	for at := r.URL; at != nil; {
		next, err := p.visit(ctx, r, at, &s)
		if err != nil {
			return Sample{}, err
		}
		if next != nil {
			s.Redirects++
		}
		at = next
	}
	s.Phases.Total = time.Since(begin)
	return s, nil
}

// enter waits until fewer than MaxOpen samples are under way.
func (p *Prober) enter(ctx context.Context) (waited time.Duration, err error) {
	select {
	case p.open <- struct{}{}:
		return 0, nil
	default:
	}
	begin := time.Now()
	select {
	case p.open <- struct{}{}:
		return time.Since(begin), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("wait for one of %d places: %w", MaxOpen, context.Cause(ctx))
	}
}

// visit goes all the way to one URL, adds to s, and returns the next one to go
// to, if any.
func (p *Prober) visit(ctx context.Context, r Request, at *url.URL, s *Sample) (next *url.URL, err error) {
	t := &trip{Prober: p, request: r, at: at, sample: s}
	defer func() { t.close() }()
	for _, phase := range t.phases() {
		if err := phase.run(ctx); err != nil {
			return nil, err
		}
	}
	return t.next()
}
