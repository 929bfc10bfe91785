package regionworker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// BenchmarkTenThousandTargets is the overhead of one invocation: it reads the request,
// runs 10,000 targets without work, 1,000 at once, and builds the answer.
func BenchmarkTenThousandTargets(b *testing.B) {
	const targets = 10_000
	r := protocol.RegionRequest{
		Version: protocol.Version, RunID: "run", Region: "eu-west-1", Attempt: 1, Task: "act",
		Policy: protocol.TargetPolicy{MaxConcurrency: 1000}, BudgetMs: 60_000,
	}
	for i := range targets {
		r.Targets = append(r.Targets, fmt.Sprintf("target-%d", i))
	}
	payload, err := json.Marshal(r)
	if err != nil {
		b.Fatal(err)
	}
	w := &regionworker.Worker{Tasks: task.NewRegistry(task.New("act", "nothing",
		func(context.Context, task.Input[struct{}]) (string, error) { return "done", nil }))}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Handle(b.Context(), payload); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/targets, "ns/target")
}
