package protocol_test

import (
	"encoding/json"

	"meridian/pkg/protocol"
)

// workerGoldens returns the values of the golden files about workers of the caller's own, and
// about targets with inputs, by their names.
func workerGoldens() map[string]any {
	return map[string]any{
		"request_worker": protocol.Request{
			Worker: &protocol.Worker{
				Function: "resize:live", Placement: protocol.PlacementRegional, Idempotent: true,
				Payload: json.RawMessage(`{"bucket":"photos-{region}","key":"{target}","sizes":"{target.input}","try":"{attempt}"}`),
			},
			Regions: []string{"eu-west-1", "us-east-1"},
			Targets: []protocol.Target{
				{Name: "a.jpg", Input: json.RawMessage(`{"width":640,"height":null}`)},
				{Name: "b.jpg", Input: json.RawMessage(`[320,640]`)},
				{Name: "c.jpg"},
			},
			TargetMaxConcurrency: 10, TargetTimeoutSeconds: 30,
			TargetRetry: []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorLambdaThrottled}, MaxAttempts: new(6)}},
		},
		"request_worker_arn": protocol.Request{
			Worker: &protocol.Worker{
				Function: "arn:aws:lambda:eu-central-1:111122223333:function:audit", Placement: protocol.PlacementHome,
				Payload: json.RawMessage(`"{targets}"`),
			},
			MaxTargetsPerInvocation: 100,
		},
		"request_worker_minimal": protocol.Request{Worker: &protocol.Worker{Function: "audit"}},
		"request_worker_protocol": protocol.Request{
			Task: "audit", Parameters: json.RawMessage(`{"deep":true}`), Worker: &protocol.Worker{Function: "audit", Protocol: true},
			Retry: []protocol.Retrier{}, RegionTimeoutSeconds: 60,
		},
		"request_inputs": protocol.Request{
			Task: "mine",
			Targets: []protocol.Target{
				{Name: "one", Input: json.RawMessage(`1.5`)}, {Name: "two", Input: json.RawMessage(`"text"`)}, {Name: "three", Input: json.RawMessage(`false`)},
			},
		},
		"region_request_inputs": protocol.RegionRequest{
			Version: 4, RunID: runID, Region: "eu-west-1", Attempt: 1, Task: "mine", Targets: []string{"one", "two", "three", "größer & <b>"},
			Inputs: protocol.Inputs{
				"one": json.RawMessage(`{"a":[1,null,"größer & kleiner"]}`), "two": json.RawMessage(`"text"`), "größer & <b>": json.RawMessage(`[]`),
			},
		},
		"region_request_inputs_by_region": protocol.RegionRequest{
			Version: 4, RunID: runID, Attempt: 2, Task: "mine",
			Regions: []protocol.RegionTargets{{Region: "eu-west-1", Targets: []string{"one", "two"}}, {Region: "us-east-1", Targets: []string{"one"}}},
			Inputs:  protocol.Inputs{"one": json.RawMessage(`{"a":1}`)},
		},
	}
}
