package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"meridian/bench/meridian"
)

// streams is how many calls the floor sends over one connection.
const streams = 100

// A pool sends requests over HTTP/2 connections that were opened first, in turn.
type pool struct {
	transport *http.Transport
	conns     map[string][]*http.ClientConn // by host
	turn      atomic.Uint64
}

func newPool(tlsConfig *tls.Config) *pool {
	return &pool{transport: &http.Transport{TLSClientConfig: tlsConfig.Clone(), ForceAttemptHTTP2: true}}
}

// open opens the connections for a number of calls to each host, all at once, if that
// has not been done.
func (p *pool) open(ctx context.Context, calls map[string]int) error {
	if p.conns != nil {
		return nil
	}
	p.conns = map[string][]*http.ClientConn{}
	var opening errgroup.Group
	for host, n := range calls {
		conns := make([]*http.ClientConn, (n+streams-1)/streams)
		p.conns[host] = conns
		for i := range conns {
			opening.Go(func() (err error) {
				conns[i], err = p.transport.NewClientConn(ctx, "https", host)
				return err
			})
		}
	}
	return opening.Wait()
}

// send sends a request and reads the answer.
func (p *pool) send(r *http.Request) error {
	conns := p.conns[r.URL.Host]
	response, err := conns[p.turn.Add(1)%uint64(len(conns))].RoundTrip(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	var answer bytes.Buffer
	answer.Grow(int(max(response.ContentLength, 0)) + bytes.MinRead) // ReadFrom then never copies
	if _, err := answer.ReadFrom(response.Body); err != nil {
		return err
	}
	switch response.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusTooManyRequests:
		return errThrottled
	}
	return errors.New(response.Status)
}

// endpoint returns the URL at which a Region's worker is called.
func (s Settings) endpoint(region string) string {
	if !s.regional() {
		return s.URLs[0]
	}
	return s.URLs[slices.Index(meridian.Regions(len(s.URLs)), region)]
}
