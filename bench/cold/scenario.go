package main

import (
	"encoding/json"
	"fmt"
	"time"

	"meridian/internal/endpoints"
	"meridian/pkg/protocol"
)

// A scenario is a function, and what it is asked.
type scenario struct {
	name    string
	program string
	payload []byte
	wanted  string        // what is in a good answer
	takes   time.Duration // what each worker takes
}

// The scenarios. A cold start is compared with the first one's.
const (
	hello     = "bare handler"
	oneTarget = "worker, 1 target"
	few       = "coordinator, 3 Regions"
	many      = "coordinator, 28 Regions"

	run28   = "coordinator, 28 Regions"
	run34   = "coordinator, 34 Regions"
	run5000 = "coordinator, 5,000 invocations"
	hundred = "worker, 100 targets"
)

const succeeded = `"status":"SUCCEEDED"`

// coldStarts are what the first answer is measured with. The workers answer at
// once: what is measured is the function.
func coldStarts() []scenario {
	return []scenario{
		{hello, bare, []byte("{}"), "hello", 0},
		{oneTarget, worker, resolve(1), succeeded, 0},
		{few, coordinator, request(3, "dynamodb"), succeeded, 0},
		{many, coordinator, request(28, "dynamodb"), succeeded, 0},
	}
}

// wholeRuns are what the size is chosen by. The workers take a second, as in the
// hello-world; the worker that is measured itself has nothing to wait for.
func wholeRuns() []scenario {
	made := make([]string, 250)
	for i := range made {
		made[i] = fmt.Sprintf("target-%d", i)
	}
	return []scenario{
		{run28, coordinator, request(28, "dynamodb"), succeeded, time.Second},
		{run34, coordinator, request(34, "dynamodb"), succeeded, time.Second},
		{run5000, coordinator, request(20, made...), succeeded, time.Second},
		{hundred, worker, resolve(100), succeeded, 0},
	}
}

// request asks for a number of Regions, with an invocation for each target.
func request(regions int, targets ...string) []byte {
	r := protocol.Request{
		Task: "sleep", Parameters: json.RawMessage(`{"seconds":1}`), Targets: targets, MaxTargetsPerInvocation: 1,
	}
	for _, region := range endpoints.Regions("aws")[:regions] {
		r.Regions = append(r.Regions, region.Name)
	}
	return encode(r)
}

// resolve asks a worker for a number of endpoints.
func resolve(targets int) []byte {
	return encode(protocol.RegionRequest{
		Version: protocol.Version, RunID: "01JDC0000000000000000000RD", Region: "eu-west-1", Attempt: 1,
		Task: "resolve", Targets: endpoints.Services("eu-west-1")[:targets], BudgetMs: 20_000,
	})
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("bench/cold: " + err.Error())
	}
	return b
}
