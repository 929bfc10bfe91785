package coordinator_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"meridian/internal/coordinator"
	"meridian/pkg/protocol"
)

// lies is a way on which a worker's answer is changed.
func lies(edit func(*protocol.RegionResult)) func(context.Context, int, func() ([]byte, error)) ([]byte, error) {
	return func(_ context.Context, _ int, invoke func() ([]byte, error)) ([]byte, error) {
		answer, err := invoke()
		if err != nil {
			return nil, err
		}
		result, err := protocol.DecodeRegionResult(answer)
		if err != nil {
			return nil, err
		}
		edit(&result)
		return json.Marshal(result)
	}
}

// Whatever a worker says, the run is answered, and the other Regions are as they
// would have been.
func TestAWorkersLieDoesNotCostTheRunItsAnswer(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("Long.", 1<<20)
	tests := []struct {
		name string
		way  func(context.Context, int, func() ([]byte, error)) ([]byte, error)
		want string // error name
	}{
		{
			"times that add up to infinity", lies(func(r *protocol.RegionResult) {
				r.Targets[0].ElapsedMs, r.Targets[1].ElapsedMs = 1.7e308, 1.7e308
				r.Targets[0].Attempts, r.Targets[1].Attempts = nil, nil
			}), protocol.ErrorBadAnswer,
		},
		{
			"an attempt of a time that is none", lies(func(r *protocol.RegionResult) { r.Targets[0].Attempts[0].ElapsedMs = -1e308 }),
			protocol.ErrorBadAnswer,
		},
		{
			"an error name of 5 MiB", lies(func(r *protocol.RegionResult) {
				r.Status, r.Error = protocol.StatusFailed, long
				r.Targets[0].Status, r.Targets[0].Error = protocol.StatusFailed, "E"
			}), long,
		},
		{
			"a function error of 5 MiB", func(context.Context, int, func() ([]byte, error)) ([]byte, error) {
				return nil, named(long)
			}, long,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := world{"eu-west-1": {way: tt.way}}
			c := &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}
			r := protocol.Request{Task: "act", Regions: []string{"us-east-1", "eu-west-1"}, Targets: []string{"s3", "sqs"}}
			answer, err := c.Answer(t.Context(), r, nil, protocol.MaxPayloadBytes)
			if err != nil {
				t.Fatalf("Answer = %v", err)
			}
			got, err := protocol.DecodeResult(answer)
			if err != nil {
				t.Fatal(err)
			}
			assertAccounted(t, r, got)
			if want := "FAILED: SUCCEEDED FAILED"; statuses(got) != want || got.Regions[1].Error != protocol.CutErrorName(tt.want) {
				t.Errorf("Answer = %s, error %q; want %s, %.20q", statuses(got), got.Regions[1].Error, want, tt.want)
			}
			if got.Truncated {
				t.Error("the other Regions have lost something")
			}
		})
	}
}
