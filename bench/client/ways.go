package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"net/http"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"golang.org/x/sync/errgroup"

	"meridian/internal/fanout"
	"meridian/internal/invoke"
	"meridian/pkg/protocol"
)

// region is where the functions are said to be.
const region = "us-east-1"

// config is what the SDK is told, beside its own defaults.
func (s settings) config(tlsConfig *tls.Config) aws.Config {
	return aws.Config{
		Region:       region,
		BaseEndpoint: &s.url,
		Credentials: aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return credentials(), nil
		})),
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.TLSClientConfig = tlsConfig.Clone()
		}),
	}
}

// credentials are good for nothing but the benchmark's server.
func credentials() aws.Credentials {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example"}
}

// payload is what a call sends: JSON of a length.
func (s settings) payload() []byte { return bytes.Repeat([]byte{'1'}, s.request) }

// meridian calls as the coordinator does.
func meridian(s settings, tlsConfig *tls.Config) (way, error) {
	workers, err := invoke.NewLambda(s.config(tlsConfig), invoke.Settings{Function: "worker"})
	if err != nil {
		return nil, err
	}
	payload := s.payload()
	return func(ctx context.Context, calls int) (int, error) {
		workers.Prepare(ctx, map[string]int{region: calls})
		return s.fanOut(ctx, calls, func(ctx context.Context) error {
			_, _, err := workers.Invoke(ctx, region, payload)
			return err
		})
	}, nil
}

// fanOut makes calls with the engine, under the benchmark's retriers.
func (s settings) fanOut(ctx context.Context, calls int, call func(context.Context) error) (lost int, cause error) {
	policy := fanout.Policy{MaxConcurrency: calls}
	if s.retry {
		policy.Retry = []fanout.Retrier{{
			ErrorEquals:     []string{protocol.ErrorLambdaThrottled},
			IntervalSeconds: 0.05, MaxAttempts: new(8), BackoffRate: 2, // and no jitter: the ways are compared, not the dice
		}}
	}
	outcomes, _ := fanout.Each(ctx, policy, make([]struct{}, calls),
		func(ctx context.Context, _ struct{}, _ []fanout.Attempt) (struct{}, error) {
			return struct{}{}, call(ctx)
		})
	for _, o := range outcomes {
		if o.Status != fanout.Succeeded {
			lost, cause = lost+1, o.Err
		}
	}
	return lost, cause
}

// sdk calls as people write it: one client, one goroutine a call, the SDK's own
// retries.
func sdk(s settings, tlsConfig *tls.Config) (way, error) {
	client := lambda.NewFromConfig(s.config(tlsConfig))
	payload := s.payload()
	return func(ctx context.Context, calls int) (int, error) {
		return together(calls, func() error {
			_, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: new("worker"), Payload: payload})
			return err
		})
	}, nil
}

// together makes calls at once.
func together(calls int, call func() error) (lost int, cause error) {
	errs := make([]error, calls)
	var group errgroup.Group
	for i := range errs {
		group.Go(func() error {
			errs[i] = call()
			return nil // so that the others go on
		})
	}
	_ = group.Wait()
	for _, err := range errs {
		if err != nil {
			lost, cause = lost+1, err
		}
	}
	return lost, cause
}

// connections opens HTTP/2 connections for a number of calls, all at once.
func (s settings) connections(ctx context.Context, t *http.Transport, host string, calls int) ([]*http.ClientConn, error) {
	conns := make([]*http.ClientConn, (calls+s.streams-1)/s.streams)
	errs := make([]error, len(conns))
	var opening sync.WaitGroup
	for i := range conns {
		opening.Go(func() { conns[i], errs[i] = t.NewClientConn(ctx, "https", host) })
	}
	opening.Wait()
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return nil, errs[i]
	}
	return conns, nil
}
