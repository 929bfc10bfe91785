package probe

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// A hop is one step over one connection, phase by phase.
type hop struct {
	*Prober
	*step
	request   Request
	sample    *Sample
	protocols []string // to offer in the TLS handshake

	addresses []netip.Addr
	conn      net.Conn // closed by close
	location  string   // of a redirect
}

// visit runs the phases and returns the next step, if any.
func (h *hop) visit(ctx context.Context) (*step, error) {
	defer h.close()
	for _, phase := range h.phases() {
		if err := phase.run(ctx); err != nil {
			return nil, err
		}
	}
	return h.next()
}

// phases returns the phases, in order.
func (h *hop) phases() []phase {
	host := h.url.Hostname()
	phases := []phase{
		{ErrorDNS, "resolve " + host, maxResolve, timed(&h.sample.Phases.Resolve, h.resolve)},
		{ErrorConnect, "connect to " + host, maxConnect, timed(&h.sample.Phases.Connect, h.connect)},
		{ErrorTLS, h.handshaking(), maxHandshake, timed(&h.sample.Phases.TLS, h.handshake)},
		{ErrorHTTP, h.doing(), maxExchange, h.exchange},
	}
	h.sample.Host, h.sample.TLS = host, nil
	if h.url.Scheme == "http" {
		phases = append(phases[:2], phases[3])
	}
	return phases
}

// handshaking returns what the phase of TLS does.
func (h *hop) handshaking() string { return "TLS handshake with " + h.url.Hostname() }

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
	conn := tls.Client(drainedConn{h.conn}, &tls.Config{
		RootCAs:    h.settings.Roots,
		ServerName: h.url.Hostname(),
		NextProtos: h.protocols,
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
		Expires: expiry(state.VerifiedChains),
		Issuer:  issuer(leaf),
	}
	return nil
}

// expiry returns when the last of the verified chains ends. A chain ends with the first
// of its certificates to expire.
func expiry(chains [][]*x509.Certificate) (last time.Time) {
	for _, chain := range chains {
		end := chain[0].NotAfter
		for _, c := range chain[1:] {
			if c.NotAfter.Before(end) {
				end = c.NotAfter
			}
		}
		if end.After(last) {
			last = end
		}
	}
	return last
}

// maxIssuer is the maximum length of an issuer's name, in bytes.
const maxIssuer = 256

func issuer(c *x509.Certificate) string {
	name := cmp.Or(c.Issuer.CommonName, c.Issuer.String())
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
