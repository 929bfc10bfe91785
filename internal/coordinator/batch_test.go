package coordinator_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"meridian/internal/coordinator"
	"meridian/pkg/protocol"
)

// unchecked are tasks that accept every request: to read parameters of
// megabytes takes time.
type unchecked struct{}

func (unchecked) Idempotent(string, json.RawMessage, []string) bool { return false }

func (unchecked) TakesInput(string) bool { return true }

func (unchecked) Secret(string, json.RawMessage) func(string) bool { return nil }

func (unchecked) Omits(string, json.RawMessage) func(string, bool, string, []string) string {
	return nil
}

func (unchecked) Check(string, json.RawMessage, []string) protocol.Faults { return nil }

func (unchecked) DefaultTarget(string, json.RawMessage) string { return protocol.DefaultTarget }

func (unchecked) LeastTime(string, json.RawMessage) time.Duration { return 0 }

func (unchecked) Skips(string, json.RawMessage) func(string, string) string {
	return func(string, string) string { return "" }
}

// A scale is an Invoker that weighs what it is sent.
type scale struct {
	mu       sync.Mutex
	payloads []int
}

func (s *scale) Invoke(_ context.Context, _ string, payload []byte) ([]byte, protocol.Attempt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.payloads = append(s.payloads, len(payload))
	return nil, protocol.Attempt{}, errors.New("weighed")
}

// fill returns parameters of this many bytes.
func fill(n int) json.RawMessage {
	return json.RawMessage(`{"x":"` + strings.Repeat("x", n-len(`{"x":""}`)) + `"}`)
}

// filled returns parameters with which the invocation of a run of the task "any"
// has so many bytes, at its longest.
func filled(t *testing.T, bytes int, region string, targets []string) json.RawMessage {
	t.Helper()
	const least = 8
	e, err := protocol.EnvelopeOf(protocol.RegionRequest{
		Version: protocol.Version, RunID: strings.Repeat("0", 26), Task: "any", Parameters: fill(least),
	})
	if err != nil {
		t.Fatal(err)
	}
	return fill(least + bytes - e.Bytes(region, 0, targets))
}

// Exactly as many bytes as an invocation may have go as one, a byte more makes
// two; the plan, the notices and the run agree.
func TestTargetsAreSplitIntoMoreInvocationsRatherThanRefused(t *testing.T) {
	t.Parallel()
	targets := make([]string, 400)
	for i := range targets {
		targets[i] = fmt.Sprintf("%03d", i) + strings.Repeat("x", protocol.MaxTargetLength-3)
	}
	for _, tt := range []struct {
		name    string
		bytes   int
		batches []int
	}{
		{"exactly", 0, []int{400}},
		{"a byte more", 1, []int{399, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &scale{}
			c := &coordinator.Coordinator{Invoker: s, Tasks: unchecked{}}
			r := protocol.Request{
				Task: "any", Regions: []string{"us-east-1"}, Targets: protocol.Targets(targets...), Retry: []protocol.Retrier{},
				Parameters: filled(t, protocol.MaxInvocationBytes+tt.bytes, "us-east-1", targets),
			}
			plan, err := c.Preview(r, 0)
			if err != nil {
				t.Fatal(err)
			}
			got := runRequest(t, c, r)
			if !slices.Equal(plan.Regions[0].Batches, tt.batches) || plan.Invocations != len(tt.batches) || len(s.payloads) != len(tt.batches) {
				t.Errorf("planned batches of %v, made %d invocations; want %v", plan.Regions[0].Batches, len(s.payloads), tt.batches)
			}
			// The attempt is 1, not of ten digits, and there is no budget.
			sent := slices.Max(s.payloads) + len("2147483647") - len("1") + len(`,"budgetMs":99999998999.999`)
			if plan.PayloadBytes != sent || sent > protocol.MaxInvocationBytes {
				t.Errorf("planned %d bytes, sent %d; want the same, at most %d", plan.PayloadBytes, sent, protocol.MaxInvocationBytes)
			}
			var notices []string
			if len(tt.batches) > 1 {
				notices = []string{fmt.Sprintf("batches are cut to as few as %d targets: an invocation holds 6291456 bytes", tt.batches[0])}
			}
			if !slices.Equal(plan.Notices, notices) || !slices.Equal(got.Notices, notices) {
				t.Errorf("notices %q, planned %q; want %q", got.Notices, plan.Notices, notices)
			}
		})
	}
}

// A request whose parameters leave no room for one target is refused, and with a
// byte less it is not.
func TestParametersThatLeaveNoRoomForOneTargetAreRefused(t *testing.T) {
	t.Parallel()
	s := &scale{}
	c := &coordinator.Coordinator{Invoker: s, Tasks: unchecked{}}
	longest := []string{"the longest one"}
	r := protocol.Request{
		Task: "any", Regions: []string{"eu-central-1"}, Targets: protocol.Targets(longest[0], "a"), Retry: []protocol.Retrier{},
	}
	r.Parameters = filled(t, protocol.MaxInvocationBytes, "eu-central-1", longest)
	if _, err := c.Run(t.Context(), r); err != nil || len(s.payloads) != 2 {
		t.Errorf("Run with as many parameters as there is room for = %v, %d invocations; want 2", err, len(s.payloads))
	}
	s.payloads = nil
	r.Parameters = filled(t, protocol.MaxInvocationBytes+1, "eu-central-1", longest)
	_, err := c.Run(t.Context(), r)
	_, planned := c.Preview(r, 0)
	want := "parameters: an invocation of one target takes 6291457 bytes with it, at most 6291456 can be sent"
	if invalid, ok := errors.AsType[*protocol.InvalidRequestError](err); !ok || err.Error() != want || len(invalid.Faults) != 1 {
		t.Errorf("Run with a byte more = %.200v, want %s", err, want)
	}
	if len(s.payloads) > 0 || planned == nil || planned.Error() != want {
		t.Errorf("Plan with a byte more = %v, %d invocations; want %s, none", planned, len(s.payloads), want)
	}
}

// Retriers for targets with everything at its limit can be sent.
func TestTheLongestRetriersCanBeSent(t *testing.T) {
	t.Parallel()
	longest := protocol.Retrier{
		ErrorEquals:     slices.Repeat([]string{strings.Repeat(`"`, protocol.MaxErrorNameBytes)}, protocol.MaxErrorNames),
		IntervalSeconds: 0.12345678901234567, MaxAttempts: new(1000), BackoffRate: 1.2345678901234567e100,
		MaxDelaySeconds: 31_622_400.123456789, JitterStrategy: protocol.JitterFull,
	}
	c := &coordinator.Coordinator{Tasks: unchecked{}, Invoker: &scale{}}
	plan, err := c.Preview(protocol.Request{
		Task: "any", Regions: []string{"us-east-1"}, TargetRetry: slices.Repeat([]protocol.Retrier{longest}, protocol.MaxRetriers),
	}, 0)
	if err != nil || plan.PayloadBytes < protocol.MaxInvocationBytes*3/4 || plan.PayloadBytes > protocol.MaxInvocationBytes {
		t.Errorf("Preview = %d bytes, %v; want at most %d", plan.PayloadBytes, err, protocol.MaxInvocationBytes)
	}
}

// A number that JSON cannot write cannot be sent.
func TestANumberThatCannotBeSentIsRefused(t *testing.T) {
	t.Parallel()
	s := &scale{}
	c := &coordinator.Coordinator{Invoker: s, Tasks: unchecked{}}
	_, err := c.Run(t.Context(), protocol.Request{
		Task: "any", Regions: []string{"us-east-1"},
		TargetRetry: []protocol.Retrier{{ErrorEquals: []string{"E"}, BackoffRate: math.Inf(1)}},
	})
	const want = "json: unsupported value: +Inf"
	if _, ok := errors.AsType[*protocol.InvalidRequestError](err); !ok || err.Error() != want || len(s.payloads) > 0 {
		t.Errorf("Run = %.200v, %d invocations; want %s", err, len(s.payloads), want)
	}
}

// What counts is the invocations that the batches are cut into.
func TestBatchesCutToFitCountAsInvocations(t *testing.T) {
	t.Parallel()
	c := &coordinator.Coordinator{Tasks: unchecked{}, Invoker: &scale{}}
	r := protocol.Request{
		Task: "any", Targets: protocol.Targets(numbered(2000)...), MaxTargetsPerInvocation: 1000,
		Parameters: filled(t, protocol.MaxInvocationBytes, "ap-southeast-2", []string{"t00000", "t00001", "t00002"}),
	}
	_, err := c.Preview(r, 0)
	want := "maxTargetsPerInvocation: 34000 targets over 17 Regions, in batches of up to 1000, are "
	if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), "at most 10000 fit into one run") {
		t.Errorf("Plan = %v, want %s…", err, want)
	}
	r.Regions = []string{"eu-west-1"}
	plan, err := c.Preview(r, 0)
	if err != nil || plan.Invocations < 400 || plan.Invocations != len(plan.Regions[0].Batches) {
		t.Errorf("Plan of one Region = %d invocations, %v; want at least 400", plan.Invocations, err)
	}
}
