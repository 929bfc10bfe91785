package coordinator_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/pkg/protocol"
)

// limited lets ten invocations run at once in eu-west-1, and any number elsewhere.
func limited(workers coordinator.Invoker) invokerFunc {
	var running atomic.Int32
	return func(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
		defer running.Add(-1)
		if n := running.Add(1); region == "eu-west-1" && n > 10 {
			time.Sleep(2 * time.Millisecond)
			return nil, protocol.Attempt{}, &invoke.Error{Name: protocol.ErrorLambdaThrottled, Message: "as the test wants it"}
		}
		time.Sleep(100 * time.Millisecond)
		return workers.Invoke(ctx, region, payload)
	}
}

func TestAWarmProcessStartsWithTheWindowThatEachRegionHasShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := world{}
		c := &coordinator.Coordinator{Invoker: limited(w.invoker(t)), Tasks: w.tasks(), Regional: true, Windows: new(coordinator.Windows)}
		throttled := func(regions ...string) int {
			got, err := c.Run(t.Context(), protocol.Request{
				Task: "act", Regions: regions, Targets: protocol.Targets(numbered(36)...), MaxTargetsPerInvocation: 1, TimeoutSeconds: 600,
			})
			if err != nil || got.Status != protocol.StatusSucceeded {
				t.Fatalf("Run = %s, %v", got.Status, err)
			}
			return got.Summary.Throttled
		}
		runs := []int{throttled("eu-west-1"), throttled("us-east-1", "eu-west-1")}
		if runs[0] < 26 || runs[1] >= runs[0] {
			t.Errorf("two runs were throttled %v times; want 26 or more, then fewer", runs)
		}
		c.Windows = nil
		if forgets := throttled("us-east-1", "eu-west-1"); forgets < slices.Max(runs) {
			t.Errorf("a run that remembers nothing was throttled %d times, want no fewer than %v", forgets, runs)
		}
	})
}
