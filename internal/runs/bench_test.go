package runs_test

import (
	"context"
	"testing"
	"time"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/regionworker"
	"meridian/internal/runs"
	"meridian/internal/store"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// A run of 35 calls that take 100 ms each, kept in a directory and not kept, in turn. kept/plain is
// how much longer the kept one takes.
func BenchmarkKeepingARunOf35Calls(b *testing.B) {
	tasks := task.NewRegistry(task.New("act", "wait", func(ctx context.Context, _ task.Input[struct{}]) (work, error) {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
		return work{Message: "done"}, nil
	}, task.Idempotent))
	c := &coordinator.Coordinator{Invoker: invoke.InProcess{Handle: (&regionworker.Worker{Tasks: tasks}).Handle}, Tasks: tasks}
	ways := [2]*runs.Keeper{{Coordinator: c}, {Coordinator: c, Store: &store.Dir{Path: b.TempDir()}}}
	r := protocol.Request{Task: "act", Regions: []string{"all"}}
	var took [2]time.Duration
	for b.Loop() {
		for i, k := range ways {
			begin := time.Now()
			plan, err := c.Plan(r, 0)
			if err != nil {
				b.Fatal(err)
			}
			result, err := k.Execute(b.Context(), r, plan)
			if err != nil || result.Status != protocol.StatusSucceeded {
				b.Fatalf("Run = %s, %v", result.Status, err)
			}
			took[i] += time.Since(begin)
		}
	}
	b.ReportMetric(float64(took[1])/float64(took[0]), "kept/plain")
	b.ReportMetric(0, "ns/op")
}
