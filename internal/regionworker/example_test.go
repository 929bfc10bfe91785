package regionworker_test

import (
	"context"
	"encoding/json"
	"fmt"

	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// A worker runs a task on every target of an invocation.
func ExampleWorker_Handle() {
	greet := task.New("greet", "greet the target", func(_ context.Context, in task.Input[struct{}]) (string, error) {
		if in.Target.Name == "nothing" {
			return "", task.Skip("there is nothing to greet")
		}
		return "hello " + in.Target.Name + " in " + in.Region, nil
	})
	worker := &regionworker.Worker{Tasks: task.NewRegistry(greet)}
	payload, err := json.Marshal(protocol.RegionRequest{
		Version: protocol.Version, RunID: "example", Region: "eu-west-1", Attempt: 1,
		Task: "greet", Targets: []string{"world", "nothing"},
	})
	if err != nil {
		panic(err)
	}
	answer, err := worker.Handle(context.Background(), payload)
	if err != nil {
		panic(err)
	}
	result, err := protocol.DecodeRegionResult(answer)
	if err != nil {
		panic(err)
	}
	fmt.Println(result.Region, result.Status)
	for _, t := range result.Targets {
		fmt.Println(t.Target, t.Status, string(t.Output)+t.Cause)
	}
	// Output:
	// eu-west-1 SUCCEEDED
	// world SUCCEEDED "hello world in eu-west-1"
	// nothing SKIPPED there is nothing to greet
}
