package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// A trip is the way to one URL, phase by phase.
type trip struct {
	*Prober
	request Request
	at      *url.URL
	sample  *Sample

	addresses []netip.Addr
	conn      net.Conn // closed by close
	location  string   // of a redirect
}

// phases returns the parts of the way, in order.
func (t *trip) phases() []phase {
	host := t.at.Hostname()
	phases := []phase{
		{ErrorDNS, "resolve " + host, maxResolve, timed(&t.sample.Phases.Resolve, t.resolve)},
		{ErrorConnect, "connect to " + host, maxConnect, timed(&t.sample.Phases.Connect, t.connect)},
		{ErrorTLS, t.handshaking(), maxHandshake, timed(&t.sample.Phases.TLS, t.handshake)},
		{ErrorHTTP, t.request.Method + " to " + host, maxExchange, t.exchange},
	}
	t.sample.Host, t.sample.TLS = host, nil
	if t.at.Scheme == "http" {
		phases = append(phases[:2], phases[3])
	}
	return phases
}

// handshaking says what the phase of TLS does.
func (t *trip) handshaking() string { return "TLS handshake with " + t.at.Hostname() }

// timed adds what do takes to spent.
func timed(spent *time.Duration, do func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		begin := time.Now()
		defer func() { *spent += time.Since(begin) }()
		return do(ctx)
	}
}

// close ends the connection.
func (t *trip) close() {
	if t.conn != nil {
		_ = t.conn.Close() // it has done what it was for
	}
}

// handshake secures the connection. It resumes no session: what is measured is
// the whole handshake.
func (t *trip) handshake(ctx context.Context) error {
	conn := tls.Client(t.conn, &tls.Config{
		RootCAs:    t.settings.Roots,
		ServerName: t.at.Hostname(),
		NextProtos: []string{"h2", "http/1.1"},
		MinVersion: tls.VersionTLS12,
	})
	t.conn = conn
	if err := conn.HandshakeContext(ctx); err != nil {
		return plainly(err)
	}
	state := conn.ConnectionState()
	leaf := state.PeerCertificates[0]
	t.sample.TLS = &TLS{
		Version: tls.VersionName(state.Version),
		Cipher:  tls.CipherSuiteName(state.CipherSuite),
		Expires: leaf.NotAfter,
		Issuer:  issuer(leaf),
	}
	return nil
}

// maxIssuer is how much of an issuer's name is kept, in bytes.
const maxIssuer = 256

func issuer(c *x509.Certificate) string {
	name := c.Issuer.CommonName
	if name == "" {
		name = c.Issuer.String()
	}
	return name[:min(len(name), maxIssuer)]
}

// plainly returns what err says without what does not concern the caller: the
// worker's own addresses, and what the other side sent.
func plainly(err error) error {
	if refused, ok := errors.AsType[*refusedError](err); ok {
		return refused
	}
	if plain, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		if string(plain.RecordHeader[:]) == "HTTP/" {
			return errPlainHTTP
		}
		return errNotTLS
	}
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return certificate.Err
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

var (
	errPlainHTTP = errors.New("the answer is plain HTTP; write http://")
	errNotTLS    = errors.New("the answer is not TLS")
)

// next returns where to go on to: nowhere, unless the answer is a redirect and
// redirects are followed.
func (t *trip) next() (*url.URL, error) {
	if !t.request.FollowRedirects || t.location == "" || !redirects(t.sample.Status) {
		return nil, nil //nolint:nilnil // no URL and no error: this was the last one
	}
	next, err := t.at.Parse(t.location)
	problem := "the URL cannot be read"
	if err == nil {
		next.Fragment = ""
		problem = CheckURL(next)
	}
	if t.sample.Redirects == MaxRedirects {
		problem = fmt.Sprintf("more than %d redirects", MaxRedirects)
	}
	if problem != "" {
		return nil, &Error{ErrorHTTP, "follow redirect from " + t.at.Hostname(), errors.New(problem)}
	}
	return next, nil
}

func redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}
