package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"golang.org/x/sync/errgroup"

	"meridian/internal/coordinator"
	"meridian/internal/fanout"
	"meridian/internal/invoke"
	"meridian/internal/task"
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

// requests are what is asked for, as a coordinator would.
func (s settings) requests(calls int) (all []protocol.RegionRequest) {
	asked := s.request(calls)
	for _, region := range asked.Regions {
		for batch, target := range asked.Targets {
			all = append(all, protocol.RegionRequest{
				Version: protocol.Version, RunID: "01KB0000000000000000000000", Region: region, Batch: batch, Attempt: 1,
				Task: asked.Task, Parameters: asked.Parameters, Targets: []string{target}, BudgetMs: 59_000,
			})
		}
	}
	return all
}

// payloads are the requests as they are sent.
func (s settings) payloads(calls int) (all [][]byte) {
	for _, r := range s.requests(calls) {
		b, err := r.Encode()
		if err != nil {
			panic("bench/client: " + err.Error())
		}
		all = append(all, b)
	}
	return all
}

// coordinate makes a run of as many invocations, from the request to the result as
// JSON that Lambda takes, as the coordinator's function does, with its log and its
// bill. What does not fit into that is left out, so that calls are counted as their
// Regions settle.
func coordinate(s settings, tlsConfig *tls.Config) (way, error) {
	workers, err := invoke.NewLambda(s.config(tlsConfig), invoke.Settings{Function: "worker"})
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	c := &coordinator.Coordinator{
		Invoker: workers, Tasks: task.Builtin(), Log: slog.New(slog.NewJSONHandler(log, nil)),
		Billing: coordinator.Billing{Region: region, Architecture: "arm64", MemoryMB: 256, WorkerRegion: region, WorkerMemoryMB: 256},
	}
	c.Warm()
	succeeded := 0
	c.Settled = func(_, _ int, r *protocol.RegionOutcome) {
		if r == nil {
			return
		}
		for _, t := range r.Targets {
			if t.Status == protocol.StatusSucceeded {
				succeeded++
			}
		}
	}
	return func(ctx context.Context, calls int) (int, error) {
		succeeded = 0
		answer, err := c.Answer(ctx, s.request(calls), nil, protocol.MaxPayloadBytes)
		if err != nil || succeeded == calls {
			return calls - succeeded, err
		}
		result, err := protocol.DecodeResult(answer)
		return calls - succeeded, cmp.Or(err, errors.New(result.Cause))
	}, nil
}

// request asks for a number of invocations, one target each.
func (s settings) request(calls int) protocol.Request {
	regions := []string{"us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1"}
	for calls%len(regions) != 0 {
		regions = regions[1:]
	}
	r := protocol.Request{
		Task: "sleep", Parameters: []byte(`{"seconds":0.1}`), Regions: regions, MaxTargetsPerInvocation: 1,
	}
	for i := range calls / len(regions) {
		r.Targets = append(r.Targets, "target-"+strconv.Itoa(i))
	}
	if s.retry {
		r.Retry = s.retriers()
	}
	return r
}

// path calls with the engine and the invoke path alone.
func path(s settings, tlsConfig *tls.Config) (way, error) {
	workers, err := invoke.NewLambda(s.config(tlsConfig), invoke.Settings{Function: "worker"})
	if err != nil {
		return nil, err
	}
	payloads := s.payloads(s.calls)
	return func(ctx context.Context, calls int) (int, error) {
		workers.Prepare(ctx, map[string]int{region: calls})
		return s.fanOut(ctx, payloads, func(ctx context.Context, payload []byte) error {
			_, _, err := workers.Invoke(ctx, region, payload)
			return err
		})
	}, nil
}

// fanOut makes calls with the engine, under the benchmark's retriers.
func (s settings) fanOut(
	ctx context.Context, payloads [][]byte, call func(context.Context, []byte) error,
) (lost int, cause error) {
	policy := fanout.Policy{MaxConcurrency: len(payloads)}
	if s.retry {
		for _, retrier := range s.retriers() {
			policy.Retry = append(policy.Retry, fanout.Retrier(retrier))
		}
	}
	outcomes, _ := fanout.Each(ctx, policy, payloads,
		func(ctx context.Context, payload []byte, _ []fanout.Attempt) (struct{}, error) {
			return struct{}{}, call(ctx, payload)
		})
	for _, o := range outcomes {
		if o.Status != fanout.Succeeded {
			lost, cause = lost+1, o.Err
		}
	}
	return lost, cause
}

// retriers are those of the ways that have any. They have no jitter: the ways are
// compared, not the dice.
func (settings) retriers() []protocol.Retrier {
	return []protocol.Retrier{{
		ErrorEquals: []string{protocol.ErrorLambdaThrottled}, IntervalSeconds: 0.05, MaxAttempts: new(8), BackoffRate: 2,
	}}
}

// sdk calls as people write it: one client, one goroutine a call, encoding/json, the
// SDK's own retries. Like a coordinator it asks for the log's end.
func sdk(s settings, tlsConfig *tls.Config) (way, error) {
	client := lambda.NewFromConfig(s.config(tlsConfig))
	requests := s.requests(s.calls)
	return func(ctx context.Context, calls int) (int, error) {
		results := make([]protocol.RegionResult, calls)
		return together(requests, func(i int, request protocol.RegionRequest) error {
			payload, err := json.Marshal(request)
			if err != nil {
				return err
			}
			out, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: new("worker"), Payload: payload, LogType: types.LogTypeTail})
			if err != nil {
				return err
			}
			if out.FunctionError != nil {
				return errors.New(*out.FunctionError)
			}
			return json.Unmarshal(out.Payload, &results[i])
		})
	}, nil
}

// together makes calls at once.
func together[T any](all []T, call func(i int, one T) error) (lost int, cause error) {
	errs := make([]error, len(all))
	var group errgroup.Group
	for i, one := range all {
		group.Go(func() error {
			errs[i] = call(i, one)
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
