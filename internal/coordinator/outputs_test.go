package coordinator_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/internal/coordinator"
	"meridian/internal/race"
	"meridian/pkg/protocol"
)

// brings is a worker whose targets' outputs are of that many bytes, by Region and
// batch, and which takes a millisecond longer for each batch.
type brings map[string][]int

func (w brings) Invoke(_ context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
	request, err := protocol.DecodeRegionRequest(payload)
	if err != nil {
		return nil, protocol.Attempt{}, err
	}
	time.Sleep(time.Duration(request.Batch) * time.Millisecond)
	answer := protocol.RegionResult{
		Version: request.Version, RunID: request.RunID, Region: region, Batch: request.Batch, Status: protocol.StatusSucceeded,
	}
	for _, target := range request.Targets {
		o := protocol.TargetOutcome{Target: target, Status: protocol.StatusSucceeded}
		if n := w[region][request.Batch]; n > 0 {
			o.Output = json.RawMessage(`"` + strings.Repeat("x", n-2) + `"`)
		}
		answer.Targets = append(answer.Targets, o)
	}
	b, err := json.Marshal(answer)
	return b, protocol.Attempt{}, err
}

// answered runs a request in virtual time, and returns its answer of at most limit
// bytes without what differs from run to run.
func (w brings) answered(t *testing.T, r protocol.Request, limit int) (result protocol.Result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &coordinator.Coordinator{Invoker: w, Tasks: world{}.tasks()}
		answer, err := c.Answer(t.Context(), r, nil, limit)
		if err != nil {
			t.Fatalf("Answer = %v", err)
		}
		if result, err = protocol.DecodeResult(answer); err != nil {
			t.Fatal(err)
		}
	})
	assertAccounted(t, r, result)
	result.RunID = ""
	return result
}

// kept returns which targets have their outputs, Region by Region, and "!" for a
// Region that says that it has lost some.
func kept(r protocol.Result) (all []string) {
	for _, region := range r.Regions {
		var is strings.Builder
		for _, target := range region.Targets {
			if target.Output != nil {
				is.WriteString(target.Target)
			}
		}
		if region.Truncated {
			is.WriteString("!")
		}
		all = append(all, is.String())
	}
	return all
}

// What is dropped while answers come is what the answer would not have had room for.
func TestARunDropsOnlyOutputsThatTheAnswerHasNoRoomFor(t *testing.T) {
	t.Parallel()
	regions := []string{"us-east-1", "us-east-2", "us-west-1", "eu-west-1"}
	rapid.Check(t, func(rt *rapid.T) {
		w := brings{}
		r := protocol.Request{
			Task: "act", Regions: regions[:rapid.IntRange(1, len(regions)).Draw(rt, "regions")], Targets: protocol.Targets("a", "b"),
			MaxConcurrency: rapid.IntRange(1, 4).Draw(rt, "maxConcurrency"),
		}
		for i, region := range r.Regions { // no two of the same length: of those, the latest goes
			w[region] = []int{10*i + rapid.SampledFrom([]int{2, 100, 20_000, 20_001, 50_000, 120_000}).Draw(rt, region)}
		}
		limit := rapid.IntRange(50_000, 200_000).Draw(rt, "limit")
		whole := w.answered(t, r, 0)
		if whole.Truncated {
			rt.Fatalf("Answer without a limit is truncated: %q", kept(whole))
		}
		whole.RunID = strings.Repeat("0", 26) // which answered has taken off
		if _, err := protocol.Fit(&whole, limit); err != nil {
			rt.Fatal(err)
		}
		if got := w.answered(t, r, limit); cmp.Diff(kept(whole), kept(got)) != "" || whole.Truncated != got.Truncated {
			rt.Errorf("Answer of %d bytes keeps %q, want %q", limit, kept(got), kept(whole))
		}
	})
}

func TestTheLargestOutputsAreDroppedInWhicheverRegion(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		brings     brings // an answer holds 50,000 bytes
		east, west string
	}{
		{
			"one is longer than the answer",
			brings{"us-east-1": {10, 10, 150_000, 10, 10}, "eu-west-1": {20_000, 10, 10, 10, 10}},
			"abde!", "abcde",
		},
		{
			"many of equal length in one Region",
			brings{"us-east-1": {13_000, 13_000, 13_000, 13_000, 13_000}, "eu-west-1": {10, 10, 10, 10, 10}},
			"abc!", "abcde",
		},
		{
			"some of either",
			brings{"us-east-1": {30_000, 1000, 90_000, 15_000, 10}, "eu-west-1": {40_000, 15_001, 1000, 10, 10}},
			"bde!", "bcde!",
		},
		{
			"more than the run keeps",
			brings{"us-east-1": {49_000, 48_000, 47_000, 46_000, 10}, "eu-west-1": {45_000, 44_000, 10, 10, 10}},
			"e!", "bcde!",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := tt.brings.answered(t, protocol.Request{
				Task: "act", Regions: []string{"us-east-1", "eu-west-1"}, Targets: protocol.Targets(strings.Split("abcde", "")...), MaxTargetsPerInvocation: 1,
			}, 50_000)
			if diff := cmp.Diff([]string{tt.east, tt.west}, kept(got)); diff != "" || !got.Truncated {
				t.Errorf("Answer is truncated: %v, keeps (-want +got):\n%s", got.Truncated, diff)
			}
			if want := (protocol.Counts{Total: 10, Succeeded: 10}); got.Summary.Targets != want {
				t.Errorf("targets %+v, want %+v", got.Summary.Targets, want)
			}
		})
	}
}

// It measures the memory of the whole process, so nothing runs beside it.
//
//nolint:paralleltest // see above
func TestARunKeepsTwoAnswersWorthOfOutputs(t *testing.T) {
	race.Skip(t, "takes much memory")
	const limit, each, regions = 256 << 10, 1 << 20, 30
	before, most := heap(), 0
	r := protocol.Request{Task: "act", Regions: []string{protocol.AllRegions}, Targets: protocol.Targets("a"), MaxConcurrency: 1}
	var calls atomic.Int32
	c := &coordinator.Coordinator{Tasks: world{}.tasks(), Invoker: invokerFunc(
		func(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
			if calls.Add(1) > regions {
				most = max(most, heap()-before)
			}
			return brings{region: {each}}.Invoke(ctx, region, payload)
		})}
	answer, err := c.Answer(t.Context(), r, nil, limit)
	if err != nil || len(answer) > limit || calls.Load() <= regions {
		t.Fatalf("Answer = %d bytes, %v after %d invocations; want at most %d after more than %d", len(answer), err, calls.Load(), limit, regions)
	}
	// The last answer, as bytes and read, is beside those that are kept.
	if limit := 2*limit + 3*each; most > limit {
		t.Errorf("after %d answers of %d bytes the run holds %d, want at most %d", regions, each, most, limit)
	}
}
