package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/coordinator"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// What a preview counts is what the run then does, and its longest payload is no
// shorter than any that is sent.
func TestPreviewSaysWhatRunDoes(t *testing.T) {
	t.Parallel()
	targets := make([]string, 50)
	for i := range targets {
		targets[i] = fmt.Sprintf("%d%s", i, strings.Repeat("x", i))
	}
	request := protocol.Request{
		Task: "act", Regions: []string{"us-east-1", "ap-southeast-2"}, Targets: protocol.Targets(targets...),
		MaxTargetsPerInvocation: 20, MaxConcurrency: 4, TimeoutSeconds: 100, RegionTimeoutSeconds: 10,
	}
	w := world{}
	var mu sync.Mutex
	calls, longest := 0, 0
	inner := w.invoker(t)
	counting := invokerFunc(func(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
		mu.Lock()
		calls, longest = calls+1, max(longest, len(payload))
		mu.Unlock()
		return inner(ctx, region, payload)
	})
	synctest.Test(t, func(t *testing.T) {
		c := &coordinator.Coordinator{Invoker: counting, Tasks: w.tasks()}
		plan, err := c.Preview(request, protocol.MaxPayloadBytes)
		if err != nil || calls > 0 {
			t.Fatalf("Preview = %v, and %d invocations; want none", err, calls)
		}
		if _, err := c.Run(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		if plan.Invocations != calls || plan.PayloadBytes < longest || plan.PayloadBytes > longest+20 {
			t.Errorf("Preview = %d invocations of up to %d bytes; the run made %d of up to %d",
				plan.Invocations, plan.PayloadBytes, calls, longest)
		}
		plan.PayloadBytes, plan.AnswerBytes = 0, 0
		batches := []int{20, 20, 10}
		want := coordinator.Preview{
			Task: "act", Targets: 100, Invocations: 6, MaxConcurrency: 4, TimeoutSeconds: 100, RegionTimeoutSeconds: 10,
			MaxPayloadBytes: protocol.MaxInvocationBytes, MaxAnswerBytes: protocol.MaxPayloadBytes,
			Regions: []coordinator.RegionPreview{
				{Region: "us-east-1", Targets: 50, Batches: batches},
				{Region: "ap-southeast-2", Targets: 50, Batches: batches},
			},
		}
		if diff := cmp.Diff(want, plan); diff != "" {
			t.Errorf("Preview (-want +got):\n%s", diff)
		}
	})
}

// What a preview says is skipped is what the run then skips.
func TestPreviewKnowsWhatIsSkipped(t *testing.T) {
	t.Parallel()
	c := &coordinator.Coordinator{Tasks: task.Builtin()}
	plan, err := c.Preview(protocol.Request{
		Regions: []string{"eu-west-1", "cn-north-1"}, Targets: protocol.Targets("dynamodb", "apprunner"),
	}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := plan.Regions[0].Skips; got != nil {
		t.Errorf("skips in eu-west-1 = %v, want none", got)
	}
	if got := plan.Regions[1].Skips; len(got) != 1 || got[0].Target != "apprunner" || got[0].Cause == "" {
		t.Errorf("skips in cn-north-1 = %v, want apprunner and why", got)
	}
}

func TestPreviewRefusesWhatRunRefuses(t *testing.T) {
	t.Parallel()
	request := protocol.Request{Task: "slep", Regions: []string{"moon"}}
	c := &coordinator.Coordinator{Tasks: task.Builtin()}
	_, planned := c.Preview(request, 0)
	_, run := c.Run(t.Context(), request)
	refused, ok := errors.AsType[*protocol.InvalidRequestError](planned)
	if !ok || refused.Error() != run.Error() || len(refused.Faults) != 2 {
		t.Errorf("Preview = %v, want %v", planned, run)
	}
}
