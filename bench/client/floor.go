package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"meridian/internal/wire"
	"meridian/pkg/protocol"
)

// floor calls with as little as there can be: one signed request each, over
// HTTP/2 connections that are opened first, in turn. Over plain HTTP it has a
// Transport of HTTP/1.1, as wide as file descriptors allow.
func floor(s settings, tlsConfig *tls.Config) (way, error) {
	u, err := url.Parse(s.url)
	if err != nil {
		return nil, err
	}
	t := &http.Transport{
		TLSClientConfig: tlsConfig.Clone(), ForceAttemptHTTP2: true,
		MaxConnsPerHost: wire.DefaultMaxConns, MaxIdleConnsPerHost: wire.DefaultMaxConns,
	}
	var conns []*http.ClientConn
	var turn atomic.Uint64
	send := t.RoundTrip
	if u.Scheme == "https" {
		send = func(r *http.Request) (*http.Response, error) {
			return conns[turn.Add(1)%uint64(len(conns))].RoundTrip(r)
		}
	}
	signer := v4.NewSigner()
	payloads := s.payloads(s.calls)
	call := func(ctx context.Context, payload []byte) error { return callOnce(ctx, s.url, payload, signer, send) }
	return func(ctx context.Context, calls int) (int, error) {
		if u.Scheme == "https" && conns == nil {
			if conns, err = s.connections(ctx, t, u.Host, calls); err != nil {
				return calls, err
			}
		}
		if s.retry {
			return s.fanOut(ctx, payloads, call)
		}
		return together(payloads, func(_ int, payload []byte) error { return call(ctx, payload) })
	}, nil
}

// callOnce signs and sends one invocation.
func callOnce(
	ctx context.Context, server string, payload []byte, signer *v4.Signer, send func(*http.Request) (*http.Response, error),
) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost,
		server+"/2015-03-31/functions/worker/invocations", bytes.NewReader(payload))
	if err != nil {
		return err
	}
	r.Header.Set("X-Amz-Invocation-Type", "RequestResponse")
	r.Header.Set("X-Amz-Log-Type", "Tail")
	hash := sha256.Sum256(payload)
	if err := signer.SignHTTP(ctx, credentials(), r, hex.EncodeToString(hash[:]), "lambda", region, time.Now()); err != nil {
		return err
	}
	response, err := send(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	var answer bytes.Buffer
	answer.Grow(int(max(response.ContentLength, 0)) + bytes.MinRead) // so that it is not copied as it grows
	if _, err := answer.ReadFrom(response.Body); err != nil {
		return err
	}
	switch response.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusTooManyRequests:
		return throttledError{}
	}
	return errors.New(response.Status)
}

// A throttledError is Lambda's 429, with the name that retriers know it by.
type throttledError struct{}

// Error says so.
func (throttledError) Error() string { return "throttled" }

// ErrorName returns Lambda's name for it.
func (throttledError) ErrorName() string { return protocol.ErrorLambdaThrottled }
