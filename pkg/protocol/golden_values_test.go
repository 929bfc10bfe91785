package protocol_test

import (
	"encoding/json"
	"maps"
	"time"

	"meridian/pkg/protocol"
)

const runID = "01JDCX4T9Q8Z6W3M5K7N2P0RSV"

// goldens returns the values of the golden files, by their names.
func goldens() map[string]any {
	all := map[string]any{
		"request_minimal":        protocol.Request{},
		"request_hedged":         requestHedged(),
		"request_full":           requestFull(),
		"region_request_minimal": regionRequestMinimal(),
		"region_request_full":    regionRequestFull(),
		"region_result_minimal":  regionResultMinimal(),
		"region_result_full":     regionResultFull(),
		"region_result_home":     regionResultHome(),
		"region_result_version":  regionResultVersion(),
		"result_minimal":         resultMinimal(),
		"result_batches":         resultBatches(),
		"result_failed":          resultFailed(),
		"result_timed_out":       resultTimedOut(),
		"result_aborted":         resultAborted(),
		"result_skipped":         resultSkipped(),
		"result_truncated":       resultTruncated(),
		"result_dropped":         resultDropped(),
		"result_cost":            resultCost(),
		"result_home":            resultHome(),
		"result_lookups":         resultLookups(),
	}
	maps.Copy(all, eventGoldens())
	maps.Copy(all, accountGoldens())
	maps.Copy(all, accountEventGoldens())
	maps.Copy(all, workerGoldens())
	maps.Copy(all, keptGoldens())
	maps.Copy(all, keptEventGoldens())
	maps.Copy(all, commandGoldens())
	return all
}

func requestFull() protocol.Request {
	return protocol.Request{
		Name:                    "nightly-sweep_2.0",
		Task:                    "sleep",
		Parameters:              json.RawMessage(`{"seconds":1.5}`),
		Partition:               "aws",
		Regions:                 []string{"eu-*", "us-east-1"},
		ExcludeRegions:          []string{"eu-south-2"},
		Targets:                 protocol.Targets("dynamodb", "s3", "arn:aws:s3:::a/b"),
		MaxConcurrency:          20,
		TargetMaxConcurrency:    100,
		MaxTargetsPerInvocation: 250,
		TimeoutSeconds:          60,
		RegionTimeoutSeconds:    20.5,
		TargetTimeoutSeconds:    0.25,
		Retry: []protocol.Retrier{
			{
				ErrorEquals:     []string{protocol.ErrorLambdaThrottled, protocol.ErrorLambdaService},
				IntervalSeconds: 0.2,
				MaxAttempts:     new(6),
				BackoffRate:     1.5,
				MaxDelaySeconds: 5,
				JitterStrategy:  protocol.JitterFull,
			},
			{ErrorEquals: []string{protocol.ErrorTimeout}, MaxAttempts: new(0)},
			{ErrorEquals: []string{protocol.ErrorAll}, JitterStrategy: protocol.JitterNone},
		},
		Hedge:                      &protocol.Hedge{AfterPercentile: 95, MaxExtraPercentage: 10},
		TargetRetry:                []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorTaskFailed}, BackoffRate: 1}},
		ToleratedFailurePercentage: new(12.5),
		ToleratedFailureCount:      new(0),
		FailFast:                   true,
		MinSuccessful:              3,
	}
}

func requestHedged() protocol.Request {
	return protocol.Request{Hedge: &protocol.Hedge{AfterSeconds: 1.5}}
}

func regionRequestMinimal() protocol.RegionRequest {
	return protocol.RegionRequest{
		Version: 1, RunID: runID, Region: "eu-west-1", Attempt: 1, Task: "resolve", Targets: []string{"dynamodb"},
	}
}

func regionRequestFull() protocol.RegionRequest {
	return protocol.RegionRequest{
		Version:    1,
		RunID:      runID,
		Region:     "ap-southeast-2",
		Batch:      2,
		Attempt:    3,
		Task:       "sleep",
		Parameters: json.RawMessage(`{"seconds":1,"note":"größer als 1 & <kleiner>"}`),
		Targets:    []string{"dynamodb", "s3"},
		Policy: protocol.TargetPolicy{
			MaxConcurrency: 32,
			TimeoutSeconds: 2.5,
			Retry: []protocol.Retrier{{
				ErrorEquals: []string{protocol.ErrorAll}, IntervalSeconds: 0.1, MaxAttempts: new(1000),
				BackoffRate: 3, MaxDelaySeconds: 1, JitterStrategy: protocol.JitterNone,
			}},
		},
		BudgetMs: 27_500.125,
	}
}

func regionResultMinimal() protocol.RegionResult {
	return protocol.RegionResult{
		Version: 1, RunID: runID, Region: "eu-west-1", Status: protocol.StatusSucceeded, ElapsedMs: 0.125,
		Targets: []protocol.TargetOutcome{{Target: "dynamodb", Status: protocol.StatusSucceeded, ElapsedMs: 0.1}},
	}
}

// regionResultHome is the answer of a worker in another Region.
func regionResultHome() protocol.RegionResult {
	r := regionResultMinimal()
	r.WorkerRegion = "us-east-1"
	return r
}

// regionResultVersion is the answer of a worker that says its version.
func regionResultVersion() protocol.RegionResult {
	r := regionResultHome()
	r.WorkerVersion = 2
	return r
}

func regionResultFull() protocol.RegionResult {
	return protocol.RegionResult{
		Version:   1,
		RunID:     runID,
		Region:    "ap-southeast-2",
		Batch:     2,
		Status:    protocol.StatusTimedOut,
		Error:     protocol.ErrorTimeout,
		Cause:     "invocation timed out after 27.5s",
		ElapsedMs: 27_500.5,
		Truncated: true,
		Targets: []protocol.TargetOutcome{
			{
				Target: "dynamodb", Status: protocol.StatusSucceeded, ElapsedMs: 350.25,
				Output: json.RawMessage(`{"message":"endpoint for ap-southeast-2","hosts":["a","b"],"n":null}`),
				Attempts: []protocol.Attempt{
					{StartMs: 0.5, ElapsedMs: 100, Error: protocol.ErrorTaskFailed, WaitMs: 150},
					{StartMs: 250.5, ElapsedMs: 100.25},
				},
			},
			{
				Target: "s3", Status: protocol.StatusFailed, Error: "Probe.Refused", Cause: "dial: refused",
				ElapsedMs: 3, Attempts: []protocol.Attempt{{StartMs: 1, ElapsedMs: 3, Error: "Probe.Refused"}},
			},
			{
				Target: "sqs", Status: protocol.StatusTimedOut, Error: protocol.ErrorTimeout, Cause: "attempt timed out after 2.5s",
				ElapsedMs: 2600,
				Attempts:  []protocol.Attempt{{StartMs: 2, ElapsedMs: 2600, Error: protocol.ErrorTimeout, Abandoned: true}},
			},
			{Target: "sns", Status: protocol.StatusAborted, Cause: "given up", ElapsedMs: 12},
			{Target: "ec2", Status: protocol.StatusNotStarted},
			{Target: "polly", Status: protocol.StatusSkipped, Cause: "polly is not in ap-southeast-2"},
		},
	}
}

func started() time.Time { return time.Date(2026, 11, 23, 9, 30, 0, 123456789, time.UTC) }

func resultMinimal() protocol.Result {
	return protocol.Result{
		RunID: runID, Status: protocol.StatusSucceeded, StartedAt: started(), ElapsedMs: 14.5,
		Message: "That took 0.015 seconds",
		Summary: protocol.Summary{
			Regions:  protocol.Counts{Total: 1, Succeeded: 1},
			Targets:  protocol.Counts{Total: 1, Succeeded: 1},
			SerialMs: 12, Speedup: 0.83, Attempts: 1, TargetAttempts: 1,
		},
		Regions: []protocol.RegionOutcome{{
			Region: "eu-west-1", Status: protocol.StatusSucceeded, ElapsedMs: 12,
			Attempts: []protocol.Attempt{{ElapsedMs: 12}},
			Targets:  []protocol.TargetOutcome{{Target: "dynamodb", Status: protocol.StatusSucceeded, ElapsedMs: 10}},
		}},
	}
}

// resultBatches is a Region whose targets took two invocations, one of them twice.
func resultBatches() protocol.Result {
	return protocol.Result{
		RunID: runID, Name: "batches", Status: protocol.StatusSucceeded, StartedAt: started(), ElapsedMs: 1250.5,
		Message: "That took 1.251 seconds",
		Notices: []string{"maxConcurrency is 900 here: an invocation in flight needs a file descriptor"},
		Summary: protocol.Summary{
			Regions:  protocol.Counts{Total: 1, Succeeded: 1},
			Targets:  protocol.Counts{Total: 3, Succeeded: 3},
			SerialMs: 3000, Speedup: 2.4, Attempts: 3, Retries: 1, TargetAttempts: 4, TargetRetries: 1,
		},
		Regions: []protocol.RegionOutcome{{
			Region: "us-east-1", Status: protocol.StatusSucceeded, StartMs: 0.25, ElapsedMs: 1250, RequestID: "req-3",
			Attempts: []protocol.Attempt{
				{StartMs: 0.25, ElapsedMs: 1010, RequestID: "req-1"},
				{
					StartMs: 0.5, ElapsedMs: 5, Error: protocol.ErrorLambdaThrottled, Cause: "rate exceeded",
					WaitMs: 200, Batch: 1, RequestID: "req-2",
				},
				{StartMs: 205.5, ElapsedMs: 1044.75, Batch: 1, RequestID: "req-3"},
			},
			Targets: []protocol.TargetOutcome{
				{
					Target: "dynamodb", Status: protocol.StatusSucceeded, ElapsedMs: 1000,
					Output:   json.RawMessage(`{"message":"endpoint for us-east-1 is dynamodb.us-east-1.amazonaws.com"}`),
					Attempts: []protocol.Attempt{{StartMs: 0.1, ElapsedMs: 1000}},
				},
				{
					Target: "s3", Status: protocol.StatusSucceeded, ElapsedMs: 1000, Output: json.RawMessage(`"a string"`),
					Attempts: []protocol.Attempt{{StartMs: 0.1, ElapsedMs: 1000}},
				},
				{
					Target: "sqs", Status: protocol.StatusSucceeded, ElapsedMs: 1040, Output: json.RawMessage(`[1,2.5,true,null]`),
					Attempts: []protocol.Attempt{
						{StartMs: 0.1, ElapsedMs: 20, Error: protocol.ErrorTaskFailed, WaitMs: 20},
						{StartMs: 40.1, ElapsedMs: 1000},
					},
				},
			},
		}},
	}
}

// resultFailed has one Region that failed, with its target's error, and one
// that did not answer.
func resultFailed() protocol.Result {
	return protocol.Result{
		RunID: runID, Status: protocol.StatusFailed,
		Error: protocol.ErrorExceedToleratedFailureThreshold, Cause: "2 of 3 failed, 0 tolerated",
		StartedAt: started(), ElapsedMs: 3100, Message: "That took 3.100 seconds",
		Summary: protocol.Summary{
			Regions:  protocol.Counts{Total: 3, Succeeded: 1, Failed: 2},
			Targets:  protocol.Counts{Total: 3, Succeeded: 1, Failed: 2},
			SerialMs: 1020, Speedup: 0.33, Attempts: 3, TargetAttempts: 2, Throttled: 2, Concurrency: 10,
		},
		Regions: []protocol.RegionOutcome{
			resultMinimal().Regions[0],
			{
				Region: "eu-west-2", Status: protocol.StatusFailed, Error: protocol.ErrorTaskFailed, Cause: "boom",
				ElapsedMs: 20, RequestID: "req-2", Attempts: []protocol.Attempt{{ElapsedMs: 20, RequestID: "req-2", Hedge: true}},
				Targets: []protocol.TargetOutcome{{
					Target: "dynamodb", Status: protocol.StatusFailed, Error: protocol.ErrorTaskFailed, Cause: "boom", ElapsedMs: 10,
					Attempts: []protocol.Attempt{{ElapsedMs: 10, Error: protocol.ErrorTaskFailed}},
				}},
			},
			{
				Region: "eu-west-3", Status: protocol.StatusFailed, Error: protocol.ErrorBadAnswer,
				Cause: "region result: want a JSON object, got nothing", Hint: "deploy both", ElapsedMs: 30,
				Attempts: []protocol.Attempt{{
					ElapsedMs: 30, Error: protocol.ErrorBadAnswer, Cause: "region result: want a JSON object, got nothing",
				}},
				Targets: []protocol.TargetOutcome{{
					Target: "dynamodb", Status: protocol.StatusFailed, Error: protocol.ErrorBadAnswer,
				}},
			},
		},
	}
}

// resultTimedOut ended before one Region's answer and before another's turn.
func resultTimedOut() protocol.Result {
	return protocol.Result{
		RunID: runID, Status: protocol.StatusTimedOut, Error: protocol.ErrorTimeout, Cause: "run timed out after 1s",
		StartedAt: started(), ElapsedMs: 1000.25, Message: "That took 1.000 seconds",
		Summary: protocol.Summary{
			Regions:  protocol.Counts{Total: 2, TimedOut: 1, NotStarted: 1},
			Targets:  protocol.Counts{Total: 2, TimedOut: 1, NotStarted: 1},
			SerialMs: 1000, Speedup: 1, Attempts: 1,
		},
		Regions: []protocol.RegionOutcome{
			{
				Region: "sa-east-1", Status: protocol.StatusTimedOut, Error: protocol.ErrorTimeout, Cause: "run timed out after 1s",
				ElapsedMs: 1000,
				Attempts:  []protocol.Attempt{{ElapsedMs: 1000, Error: protocol.ErrorTimeout, Abandoned: true}},
				Targets:   []protocol.TargetOutcome{{Target: "s3", Status: protocol.StatusTimedOut, Error: protocol.ErrorTimeout}},
			},
			{
				Region: "me-central-1", Status: protocol.StatusNotStarted, Attempts: []protocol.Attempt{},
				Targets: []protocol.TargetOutcome{{Target: "s3", Status: protocol.StatusNotStarted}},
			},
		},
	}
}

// resultLookups is a run in the Regions that a worker had listed first.
func resultLookups() protocol.Result {
	r := resultMinimal()
	r.Notices = []string{"Regions enabled in the account: 1, says account:ListRegions"}
	r.Summary.Attempts = 2
	lookup := resultMinimal().Regions[0]
	lookup.Region = "us-east-1"
	lookup.Targets[0].Target = protocol.EnabledRegions
	lookup.Targets[0].Output = json.RawMessage(`{"message":"Regions enabled in the account: 1, says account:ListRegions","source":"account:ListRegions","regions":["eu-west-1"]}`)
	r.Lookups = []protocol.RegionOutcome{lookup}
	return r
}

// resultHome is a run by one worker, which was hedged, and which the timeout of the
// coordinator's function ended.
func resultHome() protocol.Result {
	r := resultTimedOut()
	r.Notices = []string{"timeoutSeconds is 100, but the timeout of the coordinator's own function leaves the run 1s"}
	r.Hint, r.Summary.SerialMs, r.Summary.Speedup = protocol.HintRaiseTimeout, 0, 0
	r.Summary.Hedges, r.Summary.Attempts = 1, 2
	done := resultMinimal().Regions[0]
	done.WorkerRegion = "us-east-1"
	done.Attempts = []protocol.Attempt{{ElapsedMs: 12, Cause: "another attempt answered first"}, {StartMs: 2, ElapsedMs: 10, Hedge: true}}
	r.Regions[1] = done
	r.Summary.Regions, r.Summary.Targets = protocol.Counts{Total: 2, Succeeded: 1, TimedOut: 1}, protocol.Counts{Total: 2, Succeeded: 1, TimedOut: 1}
	return r
}

func resultAborted() protocol.Result {
	return protocol.Result{
		RunID: runID, Status: protocol.StatusAborted, Error: protocol.ErrorTaskFailed, Cause: "cancelled",
		StartedAt: started(), ElapsedMs: 400, Message: "That took 0.400 seconds",
		Summary: protocol.Summary{
			Regions:  protocol.Counts{Total: 1, Aborted: 1},
			Targets:  protocol.Counts{Total: 1, Aborted: 1},
			SerialMs: 400, Speedup: 1, Attempts: 1,
		},
		Regions: []protocol.RegionOutcome{{
			Region: "ca-west-1", Status: protocol.StatusAborted, Cause: "cancelled", ElapsedMs: 400,
			Attempts: []protocol.Attempt{{ElapsedMs: 400, Error: protocol.ErrorTaskFailed, Cause: "cancelled"}},
			Targets:  []protocol.TargetOutcome{{Target: "s3", Status: protocol.StatusAborted}},
		}},
	}
}

func resultSkipped() protocol.Result {
	return protocol.Result{
		RunID: runID, Status: protocol.StatusSucceeded, StartedAt: started(), ElapsedMs: 9, Message: "That took 0.009 seconds",
		Summary: protocol.Summary{
			Regions:  protocol.Counts{Total: 1, Skipped: 1},
			Targets:  protocol.Counts{Total: 1, Skipped: 1},
			SerialMs: 8, Speedup: 0.89, Attempts: 1, TargetAttempts: 1,
		},
		Regions: []protocol.RegionOutcome{{
			Region: "ca-west-1", Status: protocol.StatusSkipped, Cause: "polly is not in ca-west-1", ElapsedMs: 8,
			Attempts: []protocol.Attempt{{ElapsedMs: 8}},
			Targets: []protocol.TargetOutcome{{
				Target: "polly", Status: protocol.StatusSkipped, Cause: "polly is not in ca-west-1",
			}},
		}},
	}
}

// resultTruncated has lost one Region's output.
func resultTruncated() protocol.Result {
	r := resultMinimal()
	r.Truncated, r.Regions[0].Truncated = true, true
	r.Regions = append(r.Regions, resultBatches().Regions[0])
	r.Summary.Regions = protocol.Counts{Total: 2, Succeeded: 2}
	r.Summary.Targets = protocol.Counts{Total: 4, Succeeded: 4}
	return r
}

// resultDropped has one output that was too long.
func resultDropped() protocol.Result {
	r := resultTruncated()
	r.Regions[0].Targets[0].DroppedOutputBytes = 7_000_000
	return r
}

// resultCost ran on Lambda: one attempt was throttled, one had a cold start, one
// had SnapStart, and of one there was no report. One Region's price is not known.
func resultCost() protocol.Result {
	r := resultMinimal()
	known, unknown := &r.Regions[0], resultMinimal().Regions[0]
	known.Attempts = []protocol.Attempt{
		{ElapsedMs: 3, Error: protocol.ErrorLambdaThrottled, Cause: "rate exceeded", WaitMs: 200, RequestID: "req-1"},
		{StartMs: 203, ElapsedMs: 230, Hedge: true, RequestID: "req-2", Metrics: &protocol.Metrics{
			BilledDurationMs: 191, MemorySizeMB: 256, MaxMemoryUsedMB: 31, InitDurationMs: 85.12,
		}},
		{StartMs: 303, ElapsedMs: 130, Cause: "another attempt answered first", Metrics: &protocol.Metrics{
			BilledDurationMs: 130, MemorySizeMB: 256, Estimated: true,
		}},
	}
	known.Usage = &protocol.Usage{
		Requests: 2, Estimated: 1, ColdStarts: 1, BilledDurationMs: 321, MemorySizeMB: 256, MaxMemoryUsedMB: 31,
		GBSeconds: 0.08025, USD: 1.47000535e-06,
	}
	unknown.Region = "xx-test-1"
	unknown.Attempts[0].Metrics = &protocol.Metrics{
		BilledDurationMs: 201, MemorySizeMB: 512, MaxMemoryUsedMB: 91, RestoreDurationMs: 500.795,
	}
	unknown.Usage = &protocol.Usage{
		Requests: 1, ColdStarts: 1, BilledDurationMs: 201, MemorySizeMB: 512, MaxMemoryUsedMB: 91, GBSeconds: 0.1005,
	}
	r.Regions = append(r.Regions, unknown)
	r.Summary.Regions, r.Summary.Targets = protocol.Counts{Total: 2, Succeeded: 2}, protocol.Counts{Total: 2, Succeeded: 2}
	r.Summary.Cost = &protocol.Cost{
		USD: 2.6e-06,
		Workers: protocol.Usage{
			Requests: 3, Estimated: 1, ColdStarts: 2, BilledDurationMs: 522, MemorySizeMB: 512, MaxMemoryUsedMB: 91,
			GBSeconds: 0.18075,
		},
		Coordinator: protocol.Usage{
			Requests: 1, Estimated: 1, BilledDurationMs: 234, MemorySizeMB: 256, GBSeconds: 0.0585, USD: 9.8e-07,
		},
		Region: "eu-west-1", WorkerRegion: "xx-test-1", Architecture: "arm64", PriceDate: "2026-11-23",
		Note: "no price is known of Lambda on arm64 in xx-test-1",
	}
	return r
}
