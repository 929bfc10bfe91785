package wire

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/proxy"
)

// connect opens a connection to the endpoint.
func (e *endpoint) connect() (*conn, error) {
	ctx, cancel := context.WithTimeoutCause(e.pool.context, ConnectTimeout, errTimeout)
	defer cancel()
	c, err := e.open(ctx)
	if err == nil {
		return c, nil
	}
	cause := context.Cause(ctx)
	if end, _ := ctx.Deadline(); cause == nil && !time.Now().Before(end) {
		cause = errTimeout // a dialer has a timer of its own, which may be the first
	}
	return nil, &ConnectError{Address: hostPort(e.url), Err: cmp.Or(cause, err)}
}

// errTimeout says that connecting took longer than ConnectTimeout.
var errTimeout = fmt.Errorf("no connection within %v", ConnectTimeout)

// open opens a connection. net/http dials an http endpoint itself. TLS to an https
// endpoint is ours, because the tap has to be between TLS and HTTP/2.
func (e *endpoint) open(ctx context.Context) (*conn, error) {
	p := e.pool
	c := &conn{endpoint: e}
	begin := time.Now()
	t := &http.Transport{
		Proxy:           func(*http.Request) (*url.URL, error) { return p.proxy(e.url) }, // net/http asks without the port
		TLSClientConfig: p.cfg.TLS.Clone(),                                               // for a proxy; net/http writes to it
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			nc, err := p.cfg.Dial(ctx, network, address)
			if err != nil {
				return nil, err //nolint:wrapcheck // connect adds the address
			}
			c.tap = newTap(nc, c)
			return c.tap, nil
		},
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		Protocols:              new(http.Protocols),
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}
	// A connection's window holds the windows of all its answers. In a smaller one, answers
	// that are not read could take the room of the answer that is read, and stop them all.
	window := p.window()
	t.HTTP2.MaxReceiveBufferPerStream, t.HTTP2.MaxReceiveBufferPerConnection = window, Spread*window
	if e.url.Scheme == "https" {
		nc, err := p.tunnel(ctx, e.url)
		begin = time.Now()
		if err == nil {
			nc, err = p.handshake(ctx, nc, e.url.Hostname(), "h2", "http/1.1")
		}
		if err != nil {
			return nil, err
		}
		secured := nc.(*tls.Conn)      //nolint:forcetypeassert // handshake made it
		c.distance = time.Since(begin) // of TLS 1.3; older versions take two
		c.http2 = secured.ConnectionState().NegotiatedProtocol == "h2"
		c.tap = newTap(secured, c)
		t.Proxy = nil
		t.DialContext = func(context.Context, string, string) (net.Conn, error) { return c.tap, nil }
	}
	t.Protocols.SetHTTP1(!c.http2)
	t.Protocols.SetUnencryptedHTTP2(c.http2)
	var err error
	if c.http, err = t.NewClientConn(ctx, "http", hostPort(e.url)); err != nil {
		if c.tap != nil {
			_ = c.tap.Close()
		}
		return nil, err //nolint:wrapcheck // connect adds the address
	}
	if c.distance == 0 {
		c.distance = max(time.Since(begin), 1)
	}
	c.http.SetStateHook(c.changed)
	return c, nil
}

// handshake begins TLS on nc, which it closes if that fails.
func (p *Pool) handshake(ctx context.Context, nc net.Conn, host string, protocols ...string) (net.Conn, error) {
	cfg := p.cfg.TLS.Clone()
	cfg.ServerName, cfg.NextProtos = host, protocols
	secured := tls.Client(nc, cfg)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, err //nolint:wrapcheck // connect adds the address
	}
	return secured, nil
}

// proxy returns the proxy for u, or nil for none.
func (p *Pool) proxy(u *url.URL) (*url.URL, error) {
	if p.cfg.Proxy == nil {
		return nil, nil //nolint:nilnil // as http.Transport.Proxy does
	}
	proxy, err := p.cfg.Proxy(&http.Request{Method: http.MethodPost, URL: u, Header: http.Header{}})
	if err != nil { // it has the URL, and a password that may be in there
		return nil, errors.New("the proxy's address is no URL; set HTTPS_PROXY or HTTP_PROXY right")
	}
	return proxy, nil
}

// tunnel dials u's address, or has the proxy for u connect to it.
func (p *Pool) tunnel(ctx context.Context, u *url.URL) (net.Conn, error) {
	var nc net.Conn
	proxy, err := p.proxy(u)
	switch {
	case err != nil:
		return nil, err
	case proxy == nil:
		return p.cfg.Dial(ctx, "tcp", hostPort(u))
	case proxy.Scheme == "socks5" || proxy.Scheme == "socks5h":
		return p.socks(ctx, proxy, hostPort(u))
	case proxy.Scheme != "http" && proxy.Scheme != "https":
		return nil, fmt.Errorf("proxy %s: want an http, https, socks5 or socks5h URL", proxy.Redacted())
	}
	if nc, err = p.cfg.Dial(ctx, "tcp", hostPort(proxy)); err == nil && proxy.Scheme == "https" {
		nc, err = p.handshake(ctx, nc, proxy.Hostname(), "http/1.1")
	}
	if err == nil {
		stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
		defer stop()
		if err = connectThrough(nc, proxy.User, hostPort(u)); err != nil {
			_ = nc.Close()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", proxy.Host, err)
	}
	return nc, nil
}

// A dialer is Config.Dial for package proxy, which calls DialContext and not Dial.
type dialer struct {
	proxy.Dialer
	dial func(ctx context.Context, network, address string) (net.Conn, error)
}

func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d.dial(ctx, network, address)
}

// socks has a SOCKS5 proxy connect to address. The proxy looks up the name, as with
// net/http, for either scheme.
func (p *Pool) socks(ctx context.Context, u *url.URL, address string) (net.Conn, error) {
	var auth *proxy.Auth
	if u.User != nil {
		password, _ := u.User.Password()
		auth = &proxy.Auth{User: u.User.Username(), Password: password}
	}
	d, err := proxy.SOCKS5("tcp", hostPort(u), auth, dialer{dial: p.cfg.Dial})
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", u.Host, err)
	}
	nc, err := d.(proxy.ContextDialer).DialContext(ctx, "tcp", address) //nolint:forcetypeassert // see above
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", u.Host, err)
	}
	return nc, nil
}

// connectThrough asks a proxy, to which nc leads, for a connection to address.
func connectThrough(nc net.Conn, user *url.Userinfo, address string) error {
	r := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}
	if user != nil {
		password, _ := user.Password()
		r.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	if err := r.Write(nc); err != nil {
		return err //nolint:wrapcheck // tunnel adds the proxy
	}
	// The buffer holds nothing but the answer: a TLS server waits for the client. There
	// is no body, whatever the answer says; closing it would wait for one.
	// Source: https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
	response, err := http.ReadResponse(bufio.NewReader(io.LimitReader(nc, 64<<10)), r) //nolint:bodyclose // see above
	if err != nil {
		return err //nolint:wrapcheck // tunnel adds the proxy
	}
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

// hostPort returns what to dial for a URL.
func hostPort(u *url.URL) string {
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme])
	return net.JoinHostPort(u.Hostname(), port)
}
