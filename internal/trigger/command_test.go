package trigger_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"meridian/internal/runs"
	"meridian/internal/trigger"
	"meridian/pkg/protocol"
)

func TestACommandIsCarriedOutAndAnsweredAsJSON(t *testing.T) {
	t.Parallel()
	running := string(marshal(t, state(protocol.StatusRunning)))
	for _, tt := range []struct{ name, command, call, answer string }{
		{"start", `{"command":"start","request":{"name":"n"}}`, "start", running},
		{"show", `{"command":"show","runId":"` + runID + `"}`, "show " + runID + " 0s", running},
		{"show that waits", `{"command":"show","runId":"` + runID + `","waitSeconds":1.5}`, "show " + runID + " 1.5s", running},
		{"events", `{"command":"events","runId":"` + runID + `","after":3}`, "events " + runID + " 3", `{"events":[{"sequence":4}],"after":4}`},
		{
			"list", `{"command":"list","name":"n","status":"FAILED","since":"2026-11-30T09:00:00Z","limit":5,"next":"` + runID + `"}`,
			"list name=n status=FAILED since=2026-11-30T09:00:00Z limit=5 next=" + runID, `{"runs":[]}`,
		},
		{"stop", `{"command":"stop","runId":"` + runID + `"}`, "stop " + runID, running},
		{"resume", `{"command":"resume","runId":"` + runID + `"}`, "resume " + runID, running},
		{"redrive", `{"command":"redrive","runId":"` + runID + `"}`, "redrive " + runID + " {}", running},
		{
			"redrive of a part", `{"command":"redrive","runId":"` + runID + `","redrive":{"regions":["eu-west-1"]}}`,
			"redrive " + runID + ` {"regions":["eu-west-1"]}`, running,
		},
		{"continue", `{"command":"continue","runId":"` + runID + `"}`, "continue " + runID, `{}`},
		{"sweep", `{"command":"sweep"}`, "sweep", `{}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := &keeper{
				state: state(protocol.StatusRunning),
				page:  protocol.EventPage{Events: []json.RawMessage{[]byte(`{"sequence":4}`)}, After: 4},
			}
			r := &runner{}
			answer, err := (&trigger.Handler{Runner: r, Keeper: k}).Handle(t.Context(), []byte(tt.command))
			if err != nil || string(answer) != tt.answer || len(r.asked) > 0 {
				t.Errorf("Handle(%s) = %s, %v, want %s", tt.command, answer, err, tt.answer)
			}
			checkCalls(t, k, tt.call)
		})
	}
}

func TestEveryCommandIsCarriedOut(t *testing.T) {
	t.Parallel()
	for _, name := range protocol.CommandNames() {
		command := map[string]any{"command": name}
		switch name {
		case protocol.CommandStart:
			command["request"] = struct{}{}
		case protocol.CommandList, protocol.CommandSweep:
		default:
			command["runId"] = runID
		}
		k := &keeper{}
		if _, err := (&trigger.Handler{Keeper: k}).Handle(t.Context(), marshal(t, command)); err != nil || len(k.calls) != 1 {
			t.Errorf("%s: %v, calls %q, want one", name, err, k.calls)
		}
	}
}

// Nothing of a command that is refused is done, and the log has none of its values.
func TestACommandIsRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, command, want string }{
		{"unknown", `{"command":"hunter2"}`, "command"},
		{"no text", `{"command":1}`, "command"},
		{"with a field of a request", `{"command":"list","regions":["hunter2"]}`, "regions"},
		{"an id in lower case", `{"command":"show","runId":"` + strings.ToLower(runID) + `"}`, "runId"},
		{"an id that is a path", `{"command":"stop","runId":"../../keys/hunter2"}`, "runId"},
		{"no id", `{"command":"resume"}`, "runId"},
		{"an id for all", `{"command":"sweep","runId":"` + runID + `"}`, "runId"},
		{"no request", `{"command":"start"}`, "request"},
		{"a request with a mistake", `{"command":"start","request":{"name":"hunter2 "}}`, "request.name"},
		{"too long a wait", `{"command":"show","runId":"` + runID + `","waitSeconds":21}`, "waitSeconds"},
		{"a redrive with a mistake", `{"command":"redrive","runId":"` + runID + `","redrive":{"timeoutSeconds":-1}}`, "redrive.timeoutSeconds"},
		{"a bad name", `{"command":"list","name":"hunter2 "}`, "name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			k := &keeper{}
			h := &trigger.Handler{Keeper: k, Log: slog.New(slog.NewJSONHandler(&log, nil))}
			answer, err := h.Handle(t.Context(), []byte(tt.command))
			if _, ok := errors.AsType[*protocol.InvalidRequestError](err); !ok || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Handle(%s) = %s, %v, want a fault of %s", tt.command, answer, err, tt.want)
			}
			checkCalls(t, k)
			if got := log.String(); !strings.Contains(got, "request refused") || strings.Contains(got, "hunter2") {
				t.Errorf("log %s; want that the request was refused, without its value", got)
			}
		})
	}
}

func TestWithoutAStoreEveryCommandIsRefusedAndSaysWhichParameterToSet(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{`{"command":"sweep"}`, `{"keep":true}`, `{"key":"k"}`, `{"detail-type":"d","source":"s","detail":{"keep":true}}`} {
		r := &runner{}
		_, err := (&trigger.Handler{Runner: r}).Handle(t.Context(), []byte(payload))
		if err == nil || !strings.Contains(err.Error(), "deploy it with store=ENABLED") || len(r.asked) > 0 {
			t.Errorf("Handle(%s) = %v, asked %v", payload, err, r.asked)
		}
	}
}

// The paths of the Keeper's faults start at the root of the payload too.
func TestFaultsOfAStartedRequestAreBelowIt(t *testing.T) {
	t.Parallel()
	k := &keeper{err: protocol.Faults{{Path: "regions[0]", Value: `"mars"`, Detail: "is not a Region"}}.Err()}
	_, err := (&trigger.Handler{Keeper: k}).Handle(t.Context(), []byte(`{"command":"start","request":{"regions":["mars"]}}`))
	if want := `request.regions[0]: "mars": is not a Region`; err == nil || err.Error() != want {
		t.Errorf("Handle = %v, want %s", err, want)
	}
}

// The error of a Keeper is the function error as it is. A refusal is logged as one, without
// the key.
func TestAKeepersErrorIsAFunctionError(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err       error
		name, log string
	}{
		{&runs.ConflictError{Key: "hunter2", RunID: runID}, "Meridian.Conflict", `"level":"WARN","msg":"request refused"`},
		{&runs.NotFoundError{RunID: runID}, "Meridian.NotFound", `"level":"WARN","msg":"request refused"`},
		{&runs.StateError{RunID: runID, Cause: "has ended"}, "Meridian.WrongState", `"level":"WARN","msg":"request refused"`},
		{errors.New("the bucket is gone"), "", `"level":"ERROR","msg":"answer lost"`},
	} {
		var log bytes.Buffer
		h := &trigger.Handler{Keeper: &keeper{err: tt.err}, Log: slog.New(slog.NewJSONHandler(&log, nil))}
		answer, err := h.Handle(t.Context(), []byte(`{"command":"stop","runId":"`+runID+`"}`))
		name := ""
		if named, ok := errors.AsType[interface {
			error
			ErrorName() string
		}](err); ok {
			name = named.ErrorName()
		}
		if answer != nil || !errors.Is(err, tt.err) || name != tt.name {
			t.Errorf("Handle = %s, %v (%s), want %v (%s)", answer, err, name, tt.err, tt.name)
		}
		if got := log.String(); !strings.Contains(got, tt.log) || strings.Contains(got, "hunter2") {
			t.Errorf("log %s, want %s", got, tt.log)
		}
	}
}

// A state with its result, and a page of events, fit into Lambda's response if the Keeper
// keeps to its limit.
func TestTheLargestAnswerOfACommandFitsIntoAResponse(t *testing.T) {
	t.Parallel()
	k := &keeper{state: state(protocol.StatusFailed)}
	handle := func(command string) []byte {
		answer, err := (&trigger.Handler{Keeper: k}).Handle(t.Context(), []byte(`{"command":"`+command+`","runId":"`+runID+`"}`))
		if err != nil || len(answer) > protocol.MaxPayloadBytes {
			t.Fatalf("%s: %d bytes, %v, want at most %d", command, len(answer), err, protocol.MaxPayloadBytes)
		}
		return answer
	}
	handle("show") // to learn the limit
	k.state.Key, k.state.Name = strings.Repeat("k", protocol.MaxKeyLength), strings.Repeat("n", protocol.MaxNameLength)
	k.state.Cause, k.state.Error = strings.Repeat("<", protocol.MaxCauseBytes), strings.Repeat("e", protocol.MaxErrorNameBytes)
	k.state.Result = &protocol.Result{Notices: []string{""}}
	k.state.Result.Notices[0] = strings.Repeat("x", k.limit-len(marshal(t, k.state.Result)))
	handle("show")

	handle("events")
	event := marshal(t, protocol.Event{Version: 1, RunID: "1", Sequence: 1, Type: protocol.EventNotice})
	for range k.limit / (len(event) + 1) {
		k.page.Events = append(k.page.Events, event)
	}
	k.page.After, k.page.Ended = 1<<53, true
	handle("events")
}
