package faults_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/fanout"
	"meridian/internal/invoke/invoketest"
	"meridian/pkg/protocol"
)

// An account with a concurrency limit of 10, and 200 invocations of 100 ms: ideally
// the run takes 2 s. It takes at most 1.15 times that, with at most 1.2 calls for each
// invocation. With -v the test also prints what the retrier takes that AWS recommends,
// which does not adapt to the limit.
func TestAnAccountOfTen(t *testing.T) {
	t.Parallel()
	const limit, invocations, latency = 10, 200, 100 * time.Millisecond
	const ideal = invocations / limit * latency
	synctest.Test(t, func(t *testing.T) {
		server := accountOfTen(t, limit, latency)
		r := protocol.Request{Task: "tell", Regions: []string{"us-east-1"}, MaxTargetsPerInvocation: 1}
		for i := range invocations {
			r.Targets = append(r.Targets, protocol.Target{Name: fmt.Sprintf("target-%d", i)})
		}
		begin := time.Now()
		got := carryOut(t.Context(), t, newFleet(t, server, r.Regions, true), r, time.Minute, false)
		took, calls := time.Since(begin), server.Counts().Calls
		for _, problem := range accountOf(r, got.result).check(got) {
			t.Error(problem)
		}
		s := got.result.Summary
		t.Logf("adapting to the limit: %v (%.2f of the ideal %v), %d calls (%.2f each), throttled %d times, settled at %d",
			took, took.Seconds()/ideal.Seconds(), ideal, calls, float64(calls)/invocations, s.Throttled, s.Concurrency)
		if got.result.Status != protocol.StatusSucceeded || took > ideal*115/100 || calls > invocations*120/100 {
			t.Errorf("%s after %v with %d calls; want SUCCEEDED, at most %v, %d",
				got.result.Status, took, calls, ideal*115/100, invocations*120/100)
		}
		if s.Throttled != calls-invocations {
			t.Errorf("the result says throttled %d times, the server %d", s.Throttled, calls-invocations)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		server := accountOfTen(t, limit, latency)
		way := newFleet(t, server, []string{"us-east-1"}, true)
		begin := time.Now()
		// Source: https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html
		recommended := fanout.Policy{Retry: []fanout.Retrier{{
			ErrorEquals:     []string{protocol.ErrorLambdaThrottled, protocol.ErrorLambdaService},
			IntervalSeconds: 2, MaxAttempts: new(6), BackoffRate: 2,
		}}}
		outcomes, _ := fanout.Map(t.Context(), recommended, make([]int, invocations),
			func(ctx context.Context, _ int, prior []fanout.Attempt) (struct{}, error) {
				payload, err := protocol.RegionRequest{
					Version: protocol.Version, RunID: "plain", Region: "us-east-1", Attempt: len(prior) + 1,
					Task: "tell", Targets: []string{"target"},
				}.Encode()
				if err == nil {
					_, _, err = way.Invoke(ctx, "us-east-1", payload)
				}
				return struct{}{}, err
			})
		lost := 0
		for _, o := range outcomes {
			if o.Status != fanout.Succeeded {
				lost++
			}
		}
		calls := server.Counts().Calls
		t.Logf("plain retries as AWS recommends: %v, %d calls (%.2f each), %d of %d lost",
			time.Since(begin), calls, float64(calls)/invocations, lost, invocations)
	})
}

// accountOfTen returns the server of an account with a concurrency limit. Its
// functions take as long as latency says.
func accountOfTen(t *testing.T, limit int, latency time.Duration) *invoketest.Server {
	t.Helper()
	server := invoketest.NewMemoryServer(t, handler())
	server.Limit(limit)
	fault := invoketest.After(invoketest.Fixed(latency), nil)
	server.Decide(func(invoketest.Call) invoketest.Fault { return fault })
	return server
}
