package protocol_test

import (
	"math"
	"strings"
	"testing"

	"meridian/pkg/protocol"
)

// An answer that cannot be the one to the request is not taken for it.
func TestCheckAnswer(t *testing.T) {
	t.Parallel()
	request := protocol.RegionRequest{Version: 1, RunID: "r", Region: "eu-west-1", Batch: 1, Targets: []string{"s3", "sqs"}}
	tests := []struct {
		name   string
		change func(*protocol.RegionResult)
		want   string
	}{
		{"the answer", func(*protocol.RegionResult) {}, ""},
		{"all skipped", func(a *protocol.RegionResult) { set(a, "SKIPPED", "SKIPPED", "SKIPPED") }, ""},
		{"succeeded, one skipped", func(a *protocol.RegionResult) { set(a, "SUCCEEDED", "SKIPPED", "SUCCEEDED") }, ""},
		{"failed", func(a *protocol.RegionResult) { set(a, "FAILED", "FAILED", "SUCCEEDED") }, ""},
		{"out of time", func(a *protocol.RegionResult) { set(a, "TIMED_OUT", "TIMED_OUT", "NOT_STARTED") }, ""},
		{"aborted", func(a *protocol.RegionResult) { set(a, "ABORTED", "ABORTED", "SUCCEEDED") }, ""},
		{"another version", func(a *protocol.RegionResult) { a.Version = 2 }, "answer has protocol version 2, want 1"},
		{"another run", func(a *protocol.RegionResult) { a.RunID = "x" }, `answer is for run "x", want "r"`},
		{"another Region", func(a *protocol.RegionResult) { a.Region = "x" }, `answer is for Region "x", want "eu-west-1"`},
		{"another batch", func(a *protocol.RegionResult) { a.Batch = 0 }, "answer is for batch 0, want 1"},
		{"a target missing", func(a *protocol.RegionResult) { a.Targets = a.Targets[:1] }, "answer has 1 targets, want 2"},
		{"a target too many", func(a *protocol.RegionResult) { a.Targets = append(a.Targets, a.Targets[0]) }, "answer has 3 targets, want 2"},
		{"targets in another order", func(a *protocol.RegionResult) {
			a.Targets[0], a.Targets[1] = a.Targets[1], a.Targets[0]
		}, `answer has target "sqs" at 0, want "s3"`},
		{"a target's status unknown", func(a *protocol.RegionResult) { set(a, "FAILED", "SUCCEEDED", "BORED") }, `answer has status "BORED" for target "sqs"`},
		{"a target's status missing", func(a *protocol.RegionResult) { set(a, "FAILED", "", "SUCCEEDED") }, `answer has status "" for target "s3"`},
		{"a target that goes on", func(a *protocol.RegionResult) { set(a, "FAILED", "RUNNING", "FAILED") }, `answer has status "RUNNING" for target "s3"`},
		{"an answer that goes on", func(a *protocol.RegionResult) { set(a, "RUNNING", "FAILED", "FAILED") }, `answer has status "RUNNING"`},
		{"the status unknown", func(a *protocol.RegionResult) { set(a, "BORED", "FAILED", "FAILED") }, `answer has status "BORED"`},
		{"the status missing", func(a *protocol.RegionResult) { set(a, "", "FAILED", "FAILED") }, `answer has status ""`},
		{"a time below 0", func(a *protocol.RegionResult) { a.ElapsedMs = -1 }, "answer has a duration of -1 ms"},
		{"a target's time out of range", func(a *protocol.RegionResult) { a.Targets[1].ElapsedMs = 1e300 }, "answer has a duration of 1e+300 ms"},
		{"an attempt's time that is none", func(a *protocol.RegionResult) {
			a.Targets[0].Attempts = []protocol.Attempt{{ElapsedMs: 1}, {ElapsedMs: math.NaN()}}
		}, "answer has a duration of NaN ms"},
		{"the worker's Region", func(a *protocol.RegionResult) { a.WorkerRegion = "us-northwest-southeast-10" }, ""},
		{"a worker's Region that is too long", func(a *protocol.RegionResult) {
			a.WorkerRegion = strings.Repeat("x", 33)
		}, `answer has workerRegion "` + strings.Repeat("x", 33) + `", which is no name of a Region`},
		{"a worker's Region that is none", func(a *protocol.RegionResult) {
			a.WorkerRegion = "<here>"
		}, `answer has workerRegion "<here>", which is no name of a Region`},
		{"not started, yet answered", func(a *protocol.RegionResult) {
			set(a, "NOT_STARTED", "NOT_STARTED", "NOT_STARTED")
		}, `answer has status "NOT_STARTED"`},
		{"succeeded with a failure", func(a *protocol.RegionResult) {
			set(a, "SUCCEEDED", "FAILED", "SUCCEEDED")
		}, `answer has status "SUCCEEDED" with 1 of 2 targets succeeded and 0 skipped`},
		{"failed without a failure", func(a *protocol.RegionResult) {
			set(a, "FAILED", "SUCCEEDED", "SKIPPED")
		}, `answer has status "FAILED" with 1 of 2 targets succeeded and 1 skipped`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			answer := protocol.RegionResult{Version: 1, RunID: "r", Region: "eu-west-1", Batch: 1, Targets: []protocol.TargetOutcome{
				{Target: "s3"}, {Target: "sqs"},
			}}
			set(&answer, "SUCCEEDED", "SUCCEEDED", "SUCCEEDED")
			tt.change(&answer)
			got := ""
			if err := protocol.CheckAnswer(&request, &answer); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("CheckAnswer(%+v) = %q, want %q", answer, got, tt.want)
			}
		})
	}
}

// set gives an answer and its two targets their statuses.
func set(a *protocol.RegionResult, whole, first, second protocol.Status) {
	a.Status, a.Targets[0].Status, a.Targets[1].Status = whole, first, second
}
