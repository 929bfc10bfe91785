package coordinator_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

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
			r := protocol.Request{Task: "act", Regions: []string{"us-east-1", "eu-west-1"}, Targets: protocol.Targets("s3", "sqs")}
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

// The same of an answer in which anything at all stands in the place of something.
func TestNoAnswerOfAWorkerCostsTheRunItsAnswer(t *testing.T) {
	t.Parallel()
	junk := []string{
		`null`, `true`, `-1`, `0`, `1e308`, `-1e308`, `4294967296`, `0.5`, `""`, `"FAILED"`, `"SKIPPED"`, `"TIMED_OUT"`, `"ABORTED"`, `"s3"`,
		`"\u0000\u2028<"`, `"` + strings.Repeat("<", 1<<10) + `"`, `[]`, `[1]`, `{}`, strings.Repeat("[", 999) + strings.Repeat("]", 999),
	}
	w := world{"us-east-1": {target: slowly(0)}, "eu-west-1": {target: slowly(0)}, "eu-central-1": {target: fails("Test.Broken")}}
	worker := w.invoker(t)
	r := protocol.Request{
		Task: "act", Regions: []string{"us-east-1", "eu-west-1", "eu-central-1"}, Targets: protocol.Targets("s3", "sqs"),
		Retry: []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorAll}, MaxAttempts: new(1), IntervalSeconds: 1e-9}},
	}
	rapid.Check(t, func(rt *rapid.T) {
		where := rapid.SliceOfN(rapid.IntRange(0, 60), 1, 3).Draw(rt, "where")
		what := json.RawMessage(rapid.SampledFrom(junk).Draw(rt, "what"))
		liar := invokerFunc(func(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
			answer, report, err := worker(ctx, region, payload)
			if err != nil || region == "us-east-1" {
				return answer, report, err
			}
			var tree any
			if err := json.Unmarshal(answer, &tree); err != nil {
				return nil, report, err
			}
			for _, at := range where {
				tree = replaced(tree, &at, what)
			}
			answer, err = json.Marshal(tree)
			return answer, report, err
		})
		answer, err := (&coordinator.Coordinator{Invoker: liar, Tasks: w.tasks()}).Answer(t.Context(), r, nil, protocol.MaxPayloadBytes)
		if err != nil {
			rt.Fatalf("Answer = %v", err)
		}
		got, err := protocol.DecodeResult(answer)
		if err != nil {
			rt.Fatal(err)
		}
		assertAccounted(t, r, got)
		if got.Regions[0].Status != protocol.StatusSucceeded {
			rt.Errorf("us-east-1 is %s, want SUCCEEDED", got.Regions[0].Status)
		}
	})
}

// replaced returns a tree of JSON with its node number at, counted down, replaced.
func replaced(tree any, at *int, by any) any {
	*at--
	if *at == -1 {
		return by
	}
	switch node := tree.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(node)) {
			node[name] = replaced(node[name], at, by)
		}
	case []any:
		for i := range node {
			node[i] = replaced(node[i], at, by)
		}
	}
	return tree
}

// A function's own error is matched by its own name, also when a proxy lost the header
// that marks it.
func TestAFunctionsOwnErrorIsMatchedByItsNameWithoutTheHeader(t *testing.T) {
	t.Parallel()
	w := world{"us-east-1": {way: func(_ context.Context, attempt int, work func() ([]byte, error)) ([]byte, error) {
		if attempt == 1 {
			return []byte(`{"errorType":"Mine.Busy","errorMessage":"try again"}`), nil
		}
		return work()
	}}}
	got, _ := run(t, w, protocol.Request{
		Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets("s3"),
		Retry: []protocol.Retrier{{ErrorEquals: []string{"Mine.Busy"}}},
	}, 0)
	if first := got.Regions[0].Attempts[0]; statuses(got) != "SUCCEEDED: SUCCEEDED" || first.Error != "Mine.Busy" {
		t.Errorf("Run = %s after %s, want SUCCEEDED after Mine.Busy", statuses(got), first.Error)
	}
}
