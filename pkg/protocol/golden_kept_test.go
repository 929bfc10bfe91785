package protocol_test

import (
	"encoding/json"
	"time"

	"meridian/pkg/protocol"
)

// redriveFull is a redrive with every field.
func redriveFull() *protocol.Redrive {
	return &protocol.Redrive{
		Regions: []string{"eu-west-1"}, Accounts: []string{"444455556666", "prod"}, Errors: []string{protocol.ErrorTimeout},
		TimeoutSeconds: new(3600.0), RegionTimeoutSeconds: new(300.5), TargetTimeoutSeconds: new(0.0),
		MaxConcurrency: new(10), TargetMaxConcurrency: new(4),
		Retry: []protocol.Retrier{}, TargetRetry: []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorAll}}},
	}
}

// resultRunning is the answer of a coordinator whose run goes on.
func resultRunning() protocol.Result {
	return protocol.Result{
		RunID: runID, Name: "nightly", Status: protocol.StatusRunning, StartedAt: keptAt(), ElapsedMs: 870_000.5,
		Message: "870.001 seconds so far", Generations: 3, Redrives: 1,
		Summary: protocol.Summary{
			Regions: protocol.Counts{Total: 2, Succeeded: 1, Running: 1}, Targets: protocol.Counts{Total: 2, Succeeded: 1, Running: 1},
			Attempts: 2, TargetAttempts: 1,
			Cost: &protocol.Cost{
				USD: 0.000061, Region: "us-east-1", Architecture: "arm64", PriceDate: "2026-11-23",
				Store: &protocol.StoreUsage{Writes: 12, Reads: 3, USD: 0.0000612},
			},
		},
		Regions: []protocol.RegionOutcome{
			{
				Region: "eu-west-1", Status: protocol.StatusSucceeded, ElapsedMs: 10, Attempts: []protocol.Attempt{{ElapsedMs: 10}},
				Targets: []protocol.TargetOutcome{{Target: "dynamodb", Status: protocol.StatusSucceeded, ElapsedMs: 9}},
			},
			{
				Region: "us-east-1", Status: protocol.StatusRunning, Attempts: []protocol.Attempt{{Error: protocol.ErrorLambdaThrottled}},
				Targets: []protocol.TargetOutcome{{Target: "dynamodb", Status: protocol.StatusRunning}},
			},
		},
	}
}

func keptAt() time.Time { return time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC) }

// keptGoldens returns the values of the golden files about kept runs, by their names.
func keptGoldens() map[string]any {
	kept := protocol.Request{Name: "nightly", Key: "arn:aws:scheduler/nightly@2026-11-30T09:00:00Z", Keep: true}
	run := protocol.RunRecord{Version: 1, RunID: runID, StartedAt: keptAt(), Request: kept}
	return map[string]any{
		"request_kept":   kept,
		"result_running": resultRunning(),
		"record_run":     run,
		"record_key":     protocol.KeyRecord{Version: 1, Key: kept.Key, Run: run},
		"record_result":  protocol.ResultRecord{Version: 1, Result: resultMinimal()},
		"record_log_header": protocol.LogHeader{
			Version: 1, RunID: runID, Number: 12, After: 41, Generation: 3, Holder: "5f0c2d1e9a7b4c38", Process: "laptop:4711", Time: keptAt(),
		},
	}
}

// keptEventGoldens returns the values of the golden files of events in the logs of kept
// runs, by their names.
func keptEventGoldens() map[string]any {
	event := func(n int, t protocol.EventType) protocol.Event {
		return protocol.Event{Version: 2, RunID: runID, Sequence: n, Type: t, Time: keptAt().Add(time.Duration(n) * time.Millisecond)}
	}
	started := event(1, protocol.EventGenerationStarted)
	started.Generation = &protocol.Generation{Number: 1}
	ended := event(40, protocol.EventGenerationEnded)
	ended.Generation = &protocol.Generation{Number: 1, Store: &protocol.StoreUsage{Writes: 12, Reads: 3}}
	redriven := event(41, protocol.EventGenerationStarted)
	redriven.Generation = &protocol.Generation{Number: 2, Redrive: redriveFull()}
	answered, stored := event(42, protocol.EventAttemptEnded), event(43, protocol.EventAttemptEnded)
	for i, e := range []*protocol.Event{&answered, &stored} {
		e.Region, e.Number, e.Attempt = "us-east-1", i+1, &protocol.Attempt{StartMs: 2.5, ElapsedMs: 1.5}
	}
	answered.Attempt.Error = protocol.ErrorLambdaService
	answered.Answer = &protocol.Answer{
		Hint: protocol.HintDeployBoth, WorkerRegion: "us-east-1", Older: true, Truncated: true, At: []int{1},
		Targets: json.RawMessage(`[{"target":"s3","status":"SUCCEEDED","elapsedMs":1,"output":{"message":"größer & <b>"}}]`),
	}
	stored.Answer = &protocol.Answer{Settled: protocol.StatusSucceeded, StoredAs: "runs/" + runID + "/outputs/1.json"}
	return map[string]any{
		"event_generation_started": started, "event_generation_ended": ended, "event_generation_redriven": redriven,
		"event_attempt_answered": answered, "event_attempt_stored": stored,
	}
}

// commandGoldens returns the values of the golden files of commands and their answers, by
// their names.
func commandGoldens() map[string]any {
	state := protocol.RunState{
		RunID: runID, Name: "nightly", Key: "k/1", Task: "call", Status: protocol.StatusRunning, StartedAt: keptAt(), ElapsedMs: 870_000.5,
		Interrupted: true, Stopping: true, Generations: 3, Redrives: 1,
		Regions: protocol.Counts{Total: 2, Succeeded: 1, Running: 1}, Targets: protocol.Counts{Total: 4, Succeeded: 2, Running: 2}, Events: 43,
	}
	result := resultFailed()
	ended := protocol.RunState{
		RunID: runID, Status: result.Status, Error: result.Error, Cause: result.Cause, StartedAt: result.StartedAt,
		ElapsedMs: result.ElapsedMs, Generations: 1, Regions: result.Summary.Regions, Targets: result.Summary.Targets, Events: 40, Result: &result,
	}
	return map[string]any{
		"command_start":  protocol.Command{Command: protocol.CommandStart, Request: json.RawMessage(`{"key":"k/1","regions":["eu-*"]}`)},
		"command_show":   protocol.Command{Command: protocol.CommandShow, RunID: runID, WaitSeconds: 12.5},
		"command_events": protocol.Command{Command: protocol.CommandEvents, RunID: runID, After: 43},
		"command_list": protocol.Command{Command: protocol.CommandList, RunQuery: protocol.RunQuery{
			Name: "nightly", Status: protocol.StatusFailed, Since: keptAt(), Limit: 100, Next: runID,
		}},
		"command_stop":     protocol.Command{Command: protocol.CommandStop, RunID: runID},
		"command_resume":   protocol.Command{Command: protocol.CommandResume, RunID: runID},
		"command_redrive":  protocol.Command{Command: protocol.CommandRedrive, RunID: runID, Redrive: redriveFull()},
		"command_continue": protocol.Command{Command: protocol.CommandContinue, RunID: runID},
		"command_sweep":    protocol.Command{Command: protocol.CommandSweep},
		"run_state":        state,
		"run_state_ended":  ended,
		"run_page":         protocol.RunPage{Runs: []protocol.RunState{state}, Next: runID},
		"event_page": protocol.EventPage{
			Events: []json.RawMessage{json.RawMessage(`{"version":2,"runId":"` + runID + `","sequence":43}`)}, After: 43, Ended: true,
		},
	}
}
