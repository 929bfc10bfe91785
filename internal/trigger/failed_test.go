package trigger_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/regionworker"
	"meridian/internal/runs"
	"meridian/internal/store"
	"meridian/internal/task"
	"meridian/internal/trigger"
	"meridian/pkg/protocol"
)

// nameOf returns the error name of a function error.
func nameOf(err error) string {
	var named interface{ ErrorName() string }
	if !errors.As(err, &named) {
		return ""
	}
	return named.ErrorName()
}

// A direct invoke, or an EventBridge event, ends as a function error if its run ended without
// success; commands and HTTP API events are answered as usual.
func TestAFailedRunIsAFunctionErrorIfTheDeploymentSaysSo(t *testing.T) {
	t.Parallel()
	const (
		direct    = `{}`
		bridge    = `{"id":"1","detail-type":"Run","source":"ops","detail":{}}`
		scheduled = `{"id":"1","detail-type":"Scheduled Event","source":"aws.scheduler","detail":"{}"}`
	)
	result := func(status protocol.Status, name, cause string) []byte {
		return marshal(t, protocol.Result{RunID: runID, Status: status, Error: name, Cause: cause})
	}
	failed := result(protocol.StatusFailed, protocol.ErrorExceedToleratedFailureThreshold, "1 of 3 failed, 0 tolerated")
	const text = "run " + runID + " ended with status FAILED: 1 of 3 failed, 0 tolerated; "
	for _, tt := range []struct {
		name, payload string
		off           bool
		noStore       bool
		answer        []byte
		want, text    string
	}{
		{name: "a direct invoke", payload: direct, answer: failed, want: protocol.ErrorExceedToleratedFailureThreshold, text: text + "see its result with `meridian show " + runID + " --function NAME`"},
		{name: "without a store", payload: direct, noStore: true, answer: failed, want: protocol.ErrorExceedToleratedFailureThreshold, text: text + "its result is not kept: deploy the coordinator with store=ENABLED"},
		{name: "an event", payload: bridge, answer: failed, want: protocol.ErrorExceedToleratedFailureThreshold, text: text},
		{name: "a schedule", payload: scheduled, answer: failed, want: protocol.ErrorExceedToleratedFailureThreshold, text: text},
		{name: "timed out", payload: direct, answer: result(protocol.StatusTimedOut, protocol.ErrorTimeout, "run timed out after 2s"), want: protocol.ErrorTimeout, text: "TIMED_OUT: run timed out after 2s; "},
		{name: "aborted without an error", payload: direct, answer: result(protocol.StatusAborted, "", ""), want: "Meridian.RunFailed", text: "ended with status ABORTED; see"},
		{name: "succeeded", payload: direct, answer: result(protocol.StatusSucceeded, "", "")},
		{name: "running", payload: direct, answer: result(protocol.StatusRunning, "", "")},
		{name: "off", payload: direct, off: true, answer: failed},
		{name: "the HTTP API", payload: string(marshal(t, post(`{}`))), answer: failed},
		{name: "the command that ends the run", payload: `{"command":"continue","runId":"` + runID + `"}`, want: "Meridian.RunFailed", text: "run " + runID + " ended with status FAILED; see"},
		{name: "the command that ends the run, off", off: true, payload: `{"command":"continue","runId":"` + runID + `"}`},
		{name: "a command", payload: `{"command":"show","runId":"` + runID + `"}`, answer: failed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			h := &trigger.Handler{Runner: &runner{answer: tt.answer}, FailedRunIsError: !tt.off, Log: slog.New(slog.NewTextHandler(&log, nil))}
			if !tt.noStore {
				h.Keeper = &keeper{state: state(protocol.StatusFailed)}
			}
			answer, err := h.Handle(t.Context(), []byte(tt.payload))
			switch {
			case tt.want == "" && (err != nil || answer == nil):
				t.Errorf("Handle = %s, %v; want an answer", answer, err)
			case tt.want != "" && (err == nil || nameOf(err) != tt.want || !strings.Contains(err.Error(), tt.text) || answer != nil):
				t.Errorf("Handle = %s, %v of name %s; want %s: %s", answer, err, nameOf(err), tt.want, tt.text)
			}
			if log.Len() > 0 { // the run's end is in the log of the run
				t.Errorf("Handle logs %s", log.String())
			}
		})
	}
}

// A broken is an invoker of workers that fail. It counts the invocations.
type broken struct {
	coordinator.Invoker

	calls int
}

func (b *broken) Invoke(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
	b.calls++
	return b.Invoker.Invoke(ctx, region, payload)
}

// Lambda repeats an asynchronous invocation that ended as a function error, with the same request
// id. Nothing is done again, and the error is the same.
func TestARepetitionOfAFailedRunEndsWithTheSameError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tasks := task.NewRegistry(task.New("fail", "fail", func(context.Context, task.Input[struct{}]) (string, error) {
			return "", errors.New("broken")
		}))
		worker := &regionworker.Worker{Tasks: tasks}
		workers := &broken{Invoker: invoke.InProcess{Handle: worker.Handle}}
		k := &runs.Keeper{
			Coordinator: &coordinator.Coordinator{Invoker: workers, Tasks: tasks, MemoryMB: 256}, Store: &store.Dir{Path: t.TempDir()},
			Next: func(context.Context, string) error { return nil },
		}
		h := &trigger.Handler{Runner: k, Keeper: k, FailedRunIsError: true}
		ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "5d6f"})
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		request := []byte(`{"task":"fail","regions":["eu-west-1"],"targets":["a"]}`)
		_, first := h.Handle(ctx, request)
		calls := workers.calls
		if nameOf(first) != protocol.ErrorExceedToleratedFailureThreshold || calls == 0 {
			t.Fatalf("Handle = %v after %d invocations", first, calls)
		}
		for range 2 {
			if _, err := h.Handle(ctx, request); err == nil || err.Error() != first.Error() || workers.calls != calls {
				t.Errorf("the repetition ended with %v after %d invocations; want %v, none", err, workers.calls-calls, first)
			}
		}
		id := strings.Fields(first.Error())[1]
		if s, err := k.Show(ctx, id, 0, 0); err != nil || s.Result == nil || s.Result.Status != protocol.StatusFailed {
			got, _ := json.Marshal(s)
			t.Errorf("Show(%s) = %s, %v; want the result", id, got, err)
		}
	})
}
