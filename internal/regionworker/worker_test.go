package regionworker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// acting returns a worker with a task "act" that calls act.
func acting(act func(ctx context.Context, target string) (any, error)) *regionworker.Worker {
	return &regionworker.Worker{Tasks: task.NewRegistry(task.New("act", "do as the test says",
		func(ctx context.Context, in task.Input[struct{}]) (any, error) { return act(ctx, in.Target.Name) }))}
}

// request returns a request for the task "act" over targets.
func request(targets ...string) protocol.RegionRequest {
	return protocol.RegionRequest{
		Version: protocol.VersionFor("act"), RunID: "run", Region: "eu-west-1", Batch: 3, Attempt: 1, Task: "act", Targets: targets,
	}
}

// handle returns the worker's answer to a request, and checks it as a coordinator
// does.
func handle(t *testing.T, w *regionworker.Worker, r protocol.RegionRequest) protocol.RegionResult {
	t.Helper()
	payload, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := w.Handle(t.Context(), payload)
	if err != nil {
		t.Fatalf("Handle(%s) = %v", payload, err)
	}
	result, err := protocol.DecodeRegionResult(answer)
	if err == nil {
		err = protocol.CheckAnswer(&r, &result)
	}
	if err != nil {
		t.Fatalf("Handle(%s) = %s: %v", payload, answer, err)
	}
	return result
}

func TestTheAnswerListsEveryTargetOnceInItsOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := acting(func(_ context.Context, target string) (any, error) {
			switch target {
			case "slow":
				time.Sleep(time.Second)
			case "bad":
				return nil, errors.New("went wrong")
			case "none":
				return nil, task.Skip("no %s here", target)
			case "mad":
				panic("bug")
			}
			return map[string]string{"was": target}, nil
		})
		r := request("slow", "bad", "none", "mad", "fast")
		r.Policy.Retry = []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorTaskFailed}, MaxAttempts: new(1)}}
		got := handle(t, w, r)
		want := protocol.RegionResult{
			Version: 1, RunID: "run", Region: "eu-west-1", Batch: 3, WorkerVersion: protocol.Version,
			Status: protocol.StatusFailed, Error: protocol.ErrorExceedToleratedFailureThreshold,
			Cause:     "2 of 5 targets failed; bad: States.TaskFailed: went wrong",
			ElapsedMs: 1000,
			Targets: []protocol.TargetOutcome{
				{Target: "slow", Status: "SUCCEEDED", Output: json.RawMessage(`{"was":"slow"}`), ElapsedMs: 1000, Attempts: []protocol.Attempt{{ElapsedMs: 1000}}},
				{
					Target: "bad", Status: "FAILED", Error: "States.TaskFailed", Cause: "went wrong", ElapsedMs: 1000,
					Attempts: []protocol.Attempt{{Error: "States.TaskFailed", WaitMs: 1000}, {StartMs: 1000, Error: "States.TaskFailed"}},
				},
				{Target: "none", Status: "SKIPPED", Cause: "no none here", Attempts: []protocol.Attempt{{}}},
				{Target: "mad", Status: "FAILED", Error: "States.Runtime", Cause: "panic: bug", Attempts: []protocol.Attempt{{Error: "States.Runtime"}}},
				{Target: "fast", Status: "SUCCEEDED", Output: json.RawMessage(`{"was":"fast"}`), Attempts: []protocol.Attempt{{}}},
			},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Handle (-want +got):\n%s", diff)
		}
	})
}

// No output of one target costs the others their outcomes: an answer that the
// coordinator cannot read would be a lost invocation.
func TestAnAnswerCanBeReadWhateverATaskReturns(t *testing.T) {
	t.Parallel()
	nested := func(depth int) json.RawMessage {
		return json.RawMessage(strings.Repeat("[", depth) + strings.Repeat("]", depth))
	}
	tooDeep := protocol.TargetOutcome{
		Target: "bad", Status: "FAILED", Error: "States.TaskFailed", Cause: "output: arrays and objects are nested more than 1000 deep",
		Attempts: []protocol.Attempt{{Error: "States.TaskFailed"}},
	}
	for _, tt := range []struct {
		name     string
		output   any
		want     protocol.TargetOutcome
		anyCause bool // because some releases of encoding/json give their own
	}{
		{
			name: "not UTF-8", output: json.RawMessage("{\"said\": \"caf\xe9\"}"),
			want: protocol.TargetOutcome{
				Target: "bad", Status: "SUCCEEDED", Output: json.RawMessage("{\"said\":\"caf\ufffd\"}"), Attempts: []protocol.Attempt{{}},
			},
		},
		{
			name: "as deep as allowed", output: nested(protocol.MaxOutputDepth),
			want: protocol.TargetOutcome{
				Target: "bad", Status: "SUCCEEDED", Output: nested(protocol.MaxOutputDepth), Attempts: []protocol.Attempt{{}},
			},
		},
		{name: "too deep", output: nested(protocol.MaxOutputDepth + 1), want: tooDeep},
		{name: "too deep for encoding/json", output: nest(20_000), want: tooDeep, anyCause: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := acting(func(_ context.Context, target string) (any, error) {
					if target == "bad" {
						return tt.output, nil
					}
					return "fine", nil
				})
				good := protocol.TargetOutcome{Target: "good", Status: "SUCCEEDED", Output: json.RawMessage(`"fine"`), Attempts: []protocol.Attempt{{}}}
				got := handle(t, w, request("bad", "good")).Targets
				if tt.anyCause && got[0].Cause != "" {
					got[0].Cause = tt.want.Cause
				}
				if diff := cmp.Diff([]protocol.TargetOutcome{tt.want, good}, got); diff != "" {
					t.Errorf("Handle(output %s) = (-want +got):\n%s", tt.name, diff)
				}
			})
		})
	}
}

// nest returns nested arrays, which encoding/json does not read.
func nest(depth int) any {
	var inner any
	for range depth {
		inner = []any{inner}
	}
	return inner
}

func TestTheAnswerLeavesBeforeTheBudget(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		budgetMs float64
		deadline time.Duration
		deaf     bool // whether the work ignores its context
		want     time.Duration
	}{
		{name: "the request's", budgetMs: 5000, want: 4500 * time.Millisecond},
		{name: "the function's", deadline: 3 * time.Second, want: 2700 * time.Millisecond},
		{name: "the smaller of both, the request's", budgetMs: 60_000, deadline: 900 * time.Second, want: 59 * time.Second},
		{name: "less than a nanosecond", budgetMs: 1e-7, want: 1},
		{name: "the smaller of both, the function's", budgetMs: 900_000, deadline: time.Minute, want: 59 * time.Second},
		{name: "work that ignores its context", budgetMs: 5000, deaf: true, want: 4750 * time.Millisecond},
		{name: "short, and work that ignores its context", budgetMs: 10, deaf: true, want: 9500 * time.Microsecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if tt.deadline > 0 {
					limited, cancel := context.WithTimeout(ctx, tt.deadline)
					defer cancel()
					ctx = limited
				}
				w := acting(func(ctx context.Context, target string) (any, error) {
					switch {
					case target == "quick":
						return nil, nil //nolint:nilnil // a task may have nothing to say
					case tt.deaf:
						time.Sleep(time.Hour)
					}
					<-ctx.Done()
					return nil, ctx.Err()
				})
				r := request("quick", "endless", "after")
				r.Policy.MaxConcurrency, r.BudgetMs = 1, tt.budgetMs
				payload, err := json.Marshal(r)
				if err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				answer, err := w.Handle(ctx, payload)
				if took := time.Since(begin); err != nil || took != tt.want {
					t.Fatalf("Handle took %v, %v; want %v", took, err, tt.want)
				}
				got, err := protocol.DecodeRegionResult(answer)
				if err != nil || got.Status != protocol.StatusTimedOut || got.Error != protocol.ErrorTimeout ||
					got.Targets[1].Status != protocol.StatusTimedOut || got.Targets[1].Attempts[0].Abandoned != tt.deaf || got.Targets[2].Status != protocol.StatusNotStarted {
					t.Errorf("Handle = %s", answer)
				}
				time.Sleep(2 * time.Hour) // let what was abandoned end, so that the bubble can
			})
		})
	}
}

func TestTheAnswerSaysInWhichRegionTheWorkerRuns(t *testing.T) {
	t.Parallel()
	w := acting(func(context.Context, string) (any, error) { return nil, errors.New("went wrong") })
	w.Region = "sa-east-1"
	if got := handle(t, w, request("a")); got.WorkerRegion != "sa-east-1" || got.Region != "eu-west-1" {
		t.Errorf("Handle by a worker in sa-east-1 = %+v, want its Region", got)
	}
}

func TestAllSkippedIsSkipped(t *testing.T) {
	t.Parallel()
	w := acting(func(context.Context, string) (any, error) { return nil, task.Skip("not here") })
	if got := handle(t, w, request("a", "b")); got.Status != protocol.StatusSkipped || got.Error != "" {
		t.Errorf("Handle = %s, error %q; want SKIPPED and none", got.Status, got.Error)
	}
}

// A task sees the input of its target, in whatever Region the target is, and none when it has none.
func TestATaskSeesTheInputOfItsTarget(t *testing.T) {
	t.Parallel()
	w := &regionworker.Worker{Tasks: task.NewRegistry(task.New("act", "answer with the input",
		func(_ context.Context, in task.Input[struct{}]) (any, error) {
			return map[string]any{"target": in.Target.Name, "input": in.Target.Input, "none": in.Target.Input == nil}, nil
		}, task.TakesInput))}
	inputs := protocol.Inputs{"a": json.RawMessage(`{"x":[1,null]}`), "b": json.RawMessage(`"text"`)}
	want := map[string]string{
		"a": `{"input":{"x":[1,null]},"none":false,"target":"a"}`,
		"b": `{"input":"text","none":false,"target":"b"}`,
		"c": `{"input":null,"none":true,"target":"c"}`,
	}
	one := request("a", "b", "c")
	several := one
	several.Region, several.Batch, several.Targets = "", 0, nil
	several.Regions = []protocol.RegionTargets{{Region: "eu-west-1", Targets: []string{"a", "c"}}, {Region: "us-east-1", Targets: []string{"b", "a"}}}
	for _, r := range []protocol.RegionRequest{one, several} {
		r.Inputs = inputs
		r.Version = r.Needs()
		for _, o := range handle(t, w, r).Targets {
			if string(o.Output) != want[o.Target] {
				t.Errorf("target %s: %s %s, want %s", o.Target, o.Status, o.Output, want[o.Target])
			}
		}
	}
}

// The error is nil unless the request could not be read or the answer could not be
// built.
func TestWhatAWorkerRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		edit  func(*protocol.RegionRequest)
		error string
		text  string
	}{
		{
			"a version it does not know", func(r *protocol.RegionRequest) { r.Version = protocol.Version + 1 },
			protocol.ErrorUnsupportedVersion, "request needs protocol version 5, this worker has 4: deploy coordinator and worker together",
		},
		{
			"a task it does not have", func(r *protocol.RegionRequest) { r.Task = "atc" },
			protocol.ErrorInvalidRequest, `task: "atc": is not a task; did you mean "act"?`,
		},
		{
			"parameters the task does not have", func(r *protocol.RegionRequest) { r.Parameters = json.RawMessage(`{"a":1}`) },
			protocol.ErrorInvalidRequest, `parameters.a: 1: unknown field; there are none here`,
		},
		{
			"a target twice", func(r *protocol.RegionRequest) { r.Targets = []string{"s3", "s3"} },
			protocol.ErrorInvalidRequest, `targets[1]: "s3": is listed twice, first as targets[0]`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := acting(func(context.Context, string) (any, error) {
				t.Error("the task was run")
				return nil, errors.New("not to be run")
			})
			r := request("s3")
			tt.edit(&r)
			payload, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.Handle(t.Context(), payload)
			var named interface{ ErrorName() string }
			if !errors.As(err, &named) || named.ErrorName() != tt.error || err.Error() != tt.text {
				t.Errorf("Handle = %v, want %s: %s", err, tt.error, tt.text)
			}
		})
	}
}

func TestTheAnswerFitsIntoLambdasResponse(t *testing.T) {
	t.Parallel()
	w := acting(func(context.Context, string) (any, error) { return strings.Repeat("x", 10_000), nil })
	targets := make([]string, 1000)
	for i := range targets {
		targets[i] = fmt.Sprint(i)
	}
	payload, err := json.Marshal(request(targets...))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := w.Handle(t.Context(), payload)
	if err != nil || len(answer) > protocol.MaxPayloadBytes {
		t.Fatalf("Handle = %d bytes, %v; want at most %d", len(answer), err, protocol.MaxPayloadBytes)
	}
	got, err := protocol.DecodeRegionResult(answer)
	if err != nil || !got.Truncated || len(got.Targets) != len(targets) || got.Status != protocol.StatusSucceeded {
		t.Errorf("Handle: truncated %v, %d targets, %s, %v; want true, %d, SUCCEEDED, nil",
			got.Truncated, len(got.Targets), got.Status, err, len(targets))
	}
}

// An answer of exactly Lambda's limit is complete; with one more byte it loses an
// output.
func TestTheAnswerIsCompleteUpToLambdasLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fill := 1
		w := acting(func(_ context.Context, target string) (any, error) {
			if target == "one" {
				return "x", nil
			}
			return strings.Repeat("x", fill), nil
		})
		payload, err := json.Marshal(request("one", "two"))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := w.Handle(t.Context(), payload)
		if err != nil {
			t.Fatal(err)
		}
		const limit = protocol.MaxPayloadBytes
		room := limit - len(answer)
		for more, want := range map[int]bool{-1: false, 0: false, 1: true} {
			fill = 1 + room + more
			answer, err := w.Handle(t.Context(), payload)
			if err != nil {
				t.Fatal(err)
			}
			result, err := protocol.DecodeRegionResult(answer)
			if err != nil || result.Truncated != want || len(answer) > limit || !want && len(answer) != limit+more {
				t.Errorf("limit%+d bytes: Handle = %d bytes, truncated %v, %v; want %v", more, len(answer), result.Truncated, err, want)
			}
		}
	})
}

// logged returns the records of one invocation, from a level on, without what all have.
func logged(t *testing.T, w *regionworker.Worker, r protocol.RegionRequest, level slog.Level) []map[string]any {
	t.Helper()
	all := records(t, w, r, level)
	for _, record := range all {
		for _, same := range []string{"time", "elapsedMs", "runId", "region", "batch", "attempt", "task", "stack"} {
			delete(record, same)
		}
	}
	return all
}

// records returns the records of one invocation, from a level on.
func records(t *testing.T, w *regionworker.Worker, r protocol.RegionRequest, level slog.Level) []map[string]any {
	t.Helper()
	var log bytes.Buffer
	w.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: level}))
	handle(t, w, r)
	var all []map[string]any
	for line := range bytes.Lines(log.Bytes()) {
		var record map[string]any
		if err := json.Unmarshal(line, &record); err != nil {
			t.Fatalf("log %s: %v", line, err)
		}
		all = append(all, record)
	}
	return all
}

func TestTheLogHasALineForEachInvocationAndAtDebugOneForEachTarget(t *testing.T) {
	t.Parallel()
	r := request("dynamodb", "s3")
	r.Task = "resolve"
	end := map[string]any{
		"level": "INFO", "msg": "2 of 2 targets succeeded", "status": "SUCCEEDED", "error": "", "cause": "",
		"failed": 0.0, "timedOut": 0.0, "aborted": 0.0, "notStarted": 0.0, "skipped": 0.0,
	}
	target := func(name string) map[string]any {
		return map[string]any{
			"level": "DEBUG", "msg": "endpoint for eu-west-1 is " + name + ".eu-west-1.amazonaws.com",
			"target": name, "status": "SUCCEEDED", "error": "", "cause": "",
		}
	}
	w := &regionworker.Worker{Tasks: task.Builtin()}
	if diff := cmp.Diff([]map[string]any{end}, logged(t, w, r, slog.LevelInfo)); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	want := []map[string]any{target("dynamodb"), target("s3"), end}
	got := logged(t, w, r, slog.LevelDebug)
	if len(got) > 1 && got[0]["target"] == "s3" { // the order in which they ended
		got[0], got[1] = got[1], got[0]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log at DEBUG (-want +got):\n%s", diff)
	}
}

func TestTheLogDoesNotGrowWithTheTargets(t *testing.T) {
	t.Parallel()
	targets := make([]string, 500)
	for i := range targets {
		targets[i] = fmt.Sprintf("t%d", i)
	}
	failing := acting(func(context.Context, string) (any, error) { return nil, errors.New("no such thing") })
	got := logged(t, failing, request(targets...), slog.LevelInfo)
	if len(got) != 1 || got[0]["level"] != "WARN" || got[0]["failed"] != 500.0 || !strings.Contains(got[0]["cause"].(string), "no such thing") {
		t.Errorf("log = %v, want one line at WARN with the first cause", got)
	}
	panicking := acting(func(context.Context, string) (any, error) { panic("bug") })
	if got := logged(t, panicking, request(targets...), slog.LevelInfo); len(got) != 2 || got[0]["level"] != "ERROR" || got[1]["level"] != "WARN" {
		t.Errorf("log = %v, want a line for the first panic and one for the end", got)
	}
}

func TestAPanicsStackIsInTheLogAndNotOnTheWire(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w := acting(func(context.Context, string) (any, error) { panic("bug") })
	w.Log = slog.New(slog.NewJSONHandler(&log, nil))
	payload, err := json.Marshal(request("s3"))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := w.Handle(t.Context(), payload)
	if at := "worker_test.go"; err != nil || !strings.Contains(log.String(), at) || bytes.Contains(answer, []byte(at)) {
		t.Errorf("Handle = %s, %v\nlog: %s", answer, err, &log)
	}
}
