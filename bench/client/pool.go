package client

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"meridian/bench/meridian"
)

// streams is how many calls the floor sends over one connection.
const streams = 100

// A pool sends requests over HTTP/2 connections that were opened first, in turn. Over
// plain HTTP it is a Transport of HTTP/1.1, with as many connections as Meridian's.
type pool struct {
	transport *http.Transport
	conns     map[string][]*http.ClientConn // by host
	turn      atomic.Uint64
}

func (s settings) newPool(tlsConfig *tls.Config) *pool {
	return &pool{transport: &http.Transport{
		TLSClientConfig: tlsConfig.Clone(), ForceAttemptHTTP2: true, DialContext: s.dial(),
		MaxConnsPerHost: meridian.MaxConnections, MaxIdleConnsPerHost: meridian.MaxConnections,
	}}
}

// open opens the connections for a number of calls to each host, all at once, if that
// has not been done.
func (p *pool) open(ctx context.Context, calls map[string]int) error {
	if p.conns != nil {
		return nil
	}
	p.conns = map[string][]*http.ClientConn{}
	var opening sync.WaitGroup
	var failed atomic.Pointer[error]
	for host, n := range calls {
		conns := make([]*http.ClientConn, (n+streams-1)/streams)
		p.conns[host] = conns
		for i := range conns {
			opening.Go(func() {
				var err error
				if conns[i], err = p.transport.NewClientConn(ctx, "https", withPort(host)); err != nil {
					failed.Store(&err)
				}
			})
		}
	}
	opening.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// Do sends a request.
func (p *pool) Do(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		return p.transport.RoundTrip(r)
	}
	conns := p.conns[r.URL.Host]
	return conns[p.turn.Add(1)%uint64(len(conns))].RoundTrip(r)
}

// endpoint returns the URL at which a Region's worker is called.
func (s settings) endpoint(region string) string {
	if s.regional() {
		return "https://lambda." + region + ".amazonaws.com"
	}
	return s.urls[0]
}

// dial returns a function that connects to the server's port for a Region's host name.
// It returns nil, which means the network, if there is one endpoint for all.
func (s settings) dial() func(ctx context.Context, network, address string) (net.Conn, error) {
	if !s.regional() {
		return nil
	}
	ports := map[string]string{}
	for i, region := range meridian.Regions(len(s.urls)) {
		ports[withPort(strings.TrimPrefix(s.endpoint(region), "https://"))] = strings.TrimPrefix(s.urls[i], "https://")
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, ports[address])
	}
}

func withPort(host string) string {
	if strings.Contains(host, ":") {
		return host
	}
	return host + ":443"
}
