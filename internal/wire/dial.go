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
)

// connect opens a connection to the endpoint.
func (e *endpoint) connect() (*conn, error) {
	address := hostPort(e.url)
	ctx, cancel := context.WithTimeoutCause(e.pool.context, ConnectTimeout,
		fmt.Errorf("no connection within %v", ConnectTimeout))
	defer cancel()
	c, err := e.open(ctx, address)
	if err != nil {
		return nil, &ConnectError{Address: address, Err: cmp.Or(context.Cause(ctx), err)}
	}
	return c, nil
}

// open opens a connection and agrees on a protocol.
func (e *endpoint) open(ctx context.Context, address string) (*conn, error) {
	p := e.pool
	proxy, err := p.proxy(e.url)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	nc, err := p.cfg.Dial(ctx, "tcp", hostPort(proxyOr(proxy, e.url)))
	if err != nil {
		return nil, err //nolint:wrapcheck // connect says where to
	}
	c := &conn{endpoint: e, limit: 1, roundTime: time.Since(begin)}
	if proxy != nil && proxy.Scheme == "https" {
		secured, err := p.secure(ctx, nc, proxy.Hostname(), "http/1.1")
		if err != nil {
			return nil, fmt.Errorf("proxy %s: %w", proxy.Host, err)
		}
		nc = secured
	}
	if e.url.Scheme == "https" {
		if proxy != nil {
			if nc, err = p.tunnel(ctx, nc, proxy, address); err != nil {
				return nil, err
			}
			c.roundTime, proxy = time.Since(begin), nil // the proxy's way to the server is in it
		}
		secured, err := p.secure(ctx, nc, e.url.Hostname(), "h2", "http/1.1")
		if err != nil {
			return nil, err
		}
		nc, c.http2 = secured, secured.ConnectionState().NegotiatedProtocol == "h2"
	}
	c.told = !c.http2
	if c.http2 {
		p.mu.Lock()
		c.limit = e.allowed
		p.mu.Unlock()
	}
	c.tap = newTap(nc, address, c, c.http2)
	if c.http, err = speak(ctx, c, address, proxy); err != nil {
		_ = nc.Close()
		return nil, err
	}
	return c, nil
}

// speak begins to speak HTTP on a connection that is there.
func speak(ctx context.Context, c *conn, address string, proxy *url.URL) (*http.ClientConn, error) {
	// A Transport whose only connection this is. For it there is no TLS: if there
	// is any, it is below, and what it negotiated is in http2.
	if proxy != nil {
		proxy = &url.URL{Scheme: "http", Host: proxy.Host, User: proxy.User}
	}
	t := &http.Transport{
		DialContext:        func(context.Context, string, string) (net.Conn, error) { return c.tap, nil },
		Proxy:              http.ProxyURL(proxy), // of plain HTTP, which only changes the request
		DisableCompression: true,
		Protocols:          new(http.Protocols),
		HTTP2:              &http.HTTP2Config{SendPingTimeout: probeAfter, PingTimeout: probeEvery * probeCount},
	}
	t.Protocols.SetHTTP1(!c.http2)
	t.Protocols.SetUnencryptedHTTP2(c.http2)
	return t.NewClientConn(ctx, "http", address) //nolint:wrapcheck // connect says where to
}

// secure shakes hands over nc, which it closes if that comes to nothing.
func (p *Pool) secure(ctx context.Context, nc net.Conn, host string, protocols ...string) (*tls.Conn, error) {
	cfg := p.cfg.TLS.Clone()
	cfg.ServerName, cfg.NextProtos = host, protocols
	p.trust.apply(cfg, host)
	secured := tls.Client(nc, cfg)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, err //nolint:wrapcheck // connect says where to
	}
	return secured, nil
}

// proxy returns the proxy to u, or nil.
func (p *Pool) proxy(u *url.URL) (*url.URL, error) {
	if p.cfg.Proxy == nil {
		return nil, nil //nolint:nilnil // as http.Transport.Proxy has it
	}
	proxy, err := p.cfg.Proxy(&http.Request{Method: http.MethodPost, URL: u, Header: http.Header{}})
	if err != nil || proxy == nil {
		return nil, err
	}
	if proxy.Scheme != "http" && proxy.Scheme != "https" {
		return nil, fmt.Errorf("proxy %s: want an http or https URL", proxy.Redacted())
	}
	return proxy, nil
}

// tunnel asks a proxy, to which nc leads, for a connection to address.
func (p *Pool) tunnel(ctx context.Context, nc net.Conn, proxy *url.URL, address string) (_ net.Conn, err error) {
	defer func() {
		if err != nil {
			_ = nc.Close()
			err = fmt.Errorf("proxy %s: %w", proxy.Host, err)
		}
	}()
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	r := &http.Request{
		Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{},
	}
	if u := proxy.User; u != nil {
		password, _ := u.Password()
		r.Header.Set("Proxy-Authorization",
			"Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	if err := r.Write(nc); err != nil {
		return nil, err
	}
	// Nothing but the answer is in the buffer: a TLS server waits to be spoken to.
	response, err := http.ReadResponse(bufio.NewReader(io.LimitReader(nc, 64<<10)), r)
	if err != nil {
		return nil, err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, errors.New(response.Status)
	}
	return nc, nil
}

// proxyOr returns proxy if there is one, else u.
func proxyOr(proxy, u *url.URL) *url.URL {
	if proxy != nil {
		return proxy
	}
	return u
}

// hostPort returns what to dial for a URL.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
