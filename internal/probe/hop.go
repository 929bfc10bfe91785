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

// A hop is the request to one URL, phase by phase.
type hop struct {
	*Prober
	request Request
	at      *url.URL
	sample  *Sample

	addresses []netip.Addr
	conn      net.Conn // closed by close
	location  string   // of a redirect
}

// phases returns the phases, in order.
func (h *hop) phases() []phase {
	host := h.at.Hostname()
	phases := []phase{
		{ErrorDNS, "resolve " + host, maxResolve, timed(&h.sample.Phases.Resolve, h.resolve)},
		{ErrorConnect, "connect to " + host, maxConnect, timed(&h.sample.Phases.Connect, h.connect)},
		{ErrorTLS, h.handshaking(), maxHandshake, timed(&h.sample.Phases.TLS, h.handshake)},
		{ErrorHTTP, h.request.Method + " to " + host, maxExchange, h.exchange},
	}
	h.sample.Host, h.sample.TLS = host, nil
	if h.at.Scheme == "http" {
		phases = append(phases[:2], phases[3])
	}
	return phases
}

// handshaking returns what the phase of TLS does.
func (h *hop) handshaking() string { return "TLS handshake with " + h.at.Hostname() }

// timed returns do with its time added to spent.
func timed(spent *time.Duration, do func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		begin := time.Now()
		defer func() { *spent += time.Since(begin) }()
		return do(ctx)
	}
}

// close ends the connection.
func (h *hop) close() {
	if h.conn != nil {
		_ = h.conn.Close() // it is not used again
	}
}

// handshake starts TLS on the connection. It resumes no session, so that it measures a
// full handshake.
func (h *hop) handshake(ctx context.Context) error {
	conn := tls.Client(h.conn, &tls.Config{
		RootCAs:    h.settings.Roots,
		ServerName: h.at.Hostname(),
		NextProtos: []string{"h2", "http/1.1"},
		MinVersion: tls.VersionTLS12,
	})
	h.conn = conn
	if err := conn.HandshakeContext(ctx); err != nil {
		return redact(err)
	}
	state := conn.ConnectionState()
	leaf := state.PeerCertificates[0]
	h.sample.TLS = &TLS{
		Version: tls.VersionName(state.Version),
		Cipher:  tls.CipherSuiteName(state.CipherSuite),
		Expires: leaf.NotAfter,
		Issuer:  issuer(leaf),
	}
	return nil
}

// maxIssuer is the maximum length of an issuer's name, in bytes.
const maxIssuer = 256

func issuer(c *x509.Certificate) string {
	name := c.Issuer.CommonName
	if name == "" {
		name = c.Issuer.String()
	}
	return name[:min(len(name), maxIssuer)]
}

// redact returns err without the worker's own addresses and without anything that the
// other side sent.
func redact(err error) error {
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

// next returns the URL of a redirect that is to be followed, or nil.
func (h *hop) next() (*url.URL, error) {
	if !h.request.FollowRedirects || h.location == "" || !redirects(h.sample.Status) {
		return nil, nil //nolint:nilnil // no URL and no error: this was the last one
	}
	next, err := h.at.Parse(h.location)
	problem := "the URL cannot be read"
	if err == nil {
		next.Fragment = ""
		problem = CheckURL(next)
	}
	if h.sample.Redirects == MaxRedirects {
		problem = fmt.Sprintf("more than %d redirects", MaxRedirects)
	}
	if problem != "" {
		return nil, &Error{ErrorHTTP, "follow redirect from " + h.at.Hostname(), errors.New(problem)}
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
