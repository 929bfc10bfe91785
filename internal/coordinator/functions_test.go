package coordinator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// A callers is a function of a caller's, which the test plays. It keeps its payloads.
type callers struct {
	answer func(ctx context.Context, payload string) (string, error)

	mu       sync.Mutex
	payloads []string
}

// Invoke implements coordinator.Invoker.
func (f *callers) Invoke(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
	f.mu.Lock()
	f.payloads = append(f.payloads, string(payload))
	f.mu.Unlock()
	if f.answer == nil {
		return []byte(`"done in ` + region + `"`), protocol.Attempt{RequestID: "id"}, nil
	}
	answer, err := f.answer(ctx, string(payload))
	return []byte(answer), protocol.Attempt{RequestID: "id"}, err
}

// functions returns Functions with this one only.
func (f *callers) functions(w protocol.Worker) (coordinator.Function, error) {
	home := "us-east-1"
	if w.Placement == protocol.PlacementRegional {
		home = ""
	}
	return coordinator.Function{Home: home, As: func(*protocol.Access, string, string) coordinator.Invoker { return f }}, nil
}

// employ runs a request with the function, in virtual time.
func (f *callers) employ(t *testing.T, r protocol.Request) (result protocol.Result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &coordinator.Coordinator{Tasks: task.Builtin(), Functions: f.functions}
		var err error
		if result, err = c.Run(t.Context(), r); err != nil {
			t.Fatalf("Run = %v", err)
		}
		time.Sleep(time.Hour) // let what was abandoned end, so that the bubble can
	})
	slices.Sort(f.payloads)
	return result
}

// functionError returns the error of a function that failed with an error of a type.
func functionError(errorType string) error {
	return &invoke.Error{Name: errorType, Message: "it is broken", FunctionError: invoke.Unhandled}
}

// lines returns the outcomes of a result's targets, a line each.
func lines(r protocol.Result) (all []string) {
	for _, region := range r.Regions {
		for _, o := range region.Targets {
			all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s %s x%d %s", region.Region, o.Target, o.Status, o.Output, len(o.Attempts), strings.TrimSuffix(o.Error+": "+o.Cause, ": "))))
		}
	}
	return all
}

// A payload has the values of its invocation in the place of what stands for them.
func TestThePayloadOfAWorkerIsFilledIn(t *testing.T) {
	t.Parallel()
	named := []protocol.Target{{Name: `a"b`, Input: json.RawMessage(`{"x": [1, "é<"], "y": "\u0041"}`)}, {Name: "plain"}}
	for name, test := range map[string]struct {
		payload string
		batch   int
		targets []protocol.Target
		want    []string
	}{
		"none": {
			targets: named,
			want: []string{
				`{"region":"eu-west-1","target":"a\"b","input":{"x":[1,"é<"],"y":"\u0041"},"runId":"RUN","attempt":1}`,
				`{"region":"eu-west-1","target":"plain","input":null,"runId":"RUN","attempt":1}`,
			},
		},
		"none, in a batch": {
			targets: named, batch: 10,
			want: []string{`{"region":"eu-west-1","targets":[{"target":"a\"b","input":{"x":[1,"é<"],"y":"\u0041"}},{"target":"plain","input":null}],"runId":"RUN","attempt":1}`},
		},
		"a value alone, and as text": {
			payload: `{"i": "{target.input}", "t": ["in {region}: {target.input}/{attempt}"], "n": "{attempt}"}`, targets: named[:1],
			want: []string{`{"i":{"x":[1,"é<"],"y":"\u0041"},"t":["in eu-west-1: {\"x\":[1,\"é<\"],\"y\":\"\\u0041\"}/1"],"n":1}`},
		},
		"a text as text": {
			payload: `"{target.input}-{target}"`, targets: []protocol.Target{{Name: `q"q`, Input: json.RawMessage(`"a\nb"`)}},
			want: []string{`"a\nb-q\"q"`},
		},
		"braces, and names of members": {
			payload: `{"{region}": "{{region}} and \u007bregion}", "{": 1}`, targets: named[1:],
			want: []string{`{"{region}":"{region}} and eu-west-1","{":1}`},
		},
		"no string": {payload: `[1, true, null, {}]`, targets: named[1:], want: []string{`[1,true,null,{}]`}},
		"run":       {payload: `"{run}"`, targets: named[1:], want: []string{`"RUN"`}},
		"a batch as a value and text": {
			payload: `{"all": "{targets}", "text": "{targets}!"}`, batch: 2, targets: []protocol.Target{{Name: "a"}, {Name: "b", Input: json.RawMessage(`1`)}},
			want: []string{`{"all":[{"target":"a","input":null},{"target":"b","input":1}],"text":"[{\"target\":\"a\",\"input\":null},{\"target\":\"b\",\"input\":1}]!"}`},
		},
		"a batch without a place for it": {payload: `{"in": "{region}"}`, batch: 2, targets: named[1:], want: []string{`{"in":"eu-west-1","targets":[{"target":"plain","input":null}]}`}},
		"a batch in an empty object":     {payload: `{}`, batch: 2, targets: named[1:], want: []string{`{"targets":[{"target":"plain","input":null}]}`}},
		"no targets":                     {payload: `"{target}"`, want: []string{`"my-check"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := protocol.Request{
				Worker: &protocol.Worker{Function: "my-check:live"}, Regions: []string{"eu-west-1"}, Targets: test.targets, MaxTargetsPerInvocation: test.batch,
			}
			if test.payload != "" {
				r.Worker.Payload = json.RawMessage(test.payload)
			}
			f := &callers{answer: func(context.Context, string) (string, error) { return `{"failures":[]}`, nil }}
			result := f.employ(t, r)
			for i := range f.payloads {
				f.payloads[i] = strings.ReplaceAll(f.payloads[i], result.RunID, "RUN")
			}
			if diff := cmp.Diff(test.want, f.payloads); diff != "" {
				t.Errorf("payloads (-want +got):\n%s", diff)
			}
			c := &coordinator.Coordinator{Tasks: task.Builtin(), Functions: f.functions}
			preview, err := c.Preview(r, 0)
			longest := 0
			for _, payload := range f.payloads {
				longest = max(longest, len(payload))
			}
			if least := strings.Count(r.Worker.FunctionName()+test.payload, "{run}") * (26 - len("RUN")); err != nil || preview.PayloadBytes < longest+least || preview.PayloadBytes > longest+40*3 {
				t.Errorf("Preview = %d bytes, %v; want about %d", preview.PayloadBytes, err, longest)
			}
		})
	}
}

// What is wrong with a worker is refused by the name of its field, and nothing is invoked.
func TestEveryBadWorkerIsRefusedByItsField(t *testing.T) {
	t.Parallel()
	worker := func(payload string) *protocol.Worker {
		return &protocol.Worker{Function: "my-check", Payload: json.RawMessage(payload)}
	}
	named := []protocol.Retrier{{ErrorEquals: []string{"Lambda.TooManyRequestsException", "MyError"}}, {ErrorEquals: []string{"States.ALL"}}}
	for name, test := range map[string]struct {
		request protocol.Request
		want    string
	}{
		"a placeholder that there is not": {
			protocol.Request{Worker: worker(`{"a": "{regio}"}`)},
			`worker.payload: "{regio}" is no placeholder; want {region}, {account}, {target}, {target.input}, {run}, {attempt}, or {{ for a brace`,
		},
		"a brace that is not closed": {
			protocol.Request{Worker: worker(`"{region"`)},
			`worker.payload: "{region" is no placeholder; want {region}, {account}, {target}, {target.input}, {run}, {attempt}, or {{ for a brace`,
		},
		"a target in a batch": {
			protocol.Request{Worker: worker(`"{target}"`), MaxTargetsPerInvocation: 2},
			`worker.payload: "{target}" is for invocations of one target: use {targets}, or leave maxTargetsPerInvocation out`,
		},
		"targets without a batch": {
			protocol.Request{Worker: worker(`"{targets}"`), MaxTargetsPerInvocation: 1},
			`worker.payload: "{targets}" is for batches: set maxTargetsPerInvocation to more than 1`,
		},
		"a batch without a place for its targets": {
			protocol.Request{Worker: worker(`"text"`), MaxTargetsPerInvocation: 2},
			`worker.payload: has no {targets}; a batch needs it, or an object, which gets it as its member "targets"`,
		},
		"a batch with other targets": {
			protocol.Request{Worker: worker(`{"targets": 1}`), MaxTargetsPerInvocation: 2},
			`worker.payload: has a member "targets" without {targets}, which is the list of a batch`,
		},
		"an account without accounts": {
			protocol.Request{Worker: worker(`"{account}"`)}, `worker.payload: has {account}, and the request has no accounts`,
		},
		"an input in a text for a target without one": {
			protocol.Request{Worker: worker(`"x-{target.input}"`), Targets: protocol.Targets("a")},
			`targets[0]: "a": has no input; worker.payload has {target.input} in a text`,
		},
		"a retrier that never applies": {
			protocol.Request{Worker: worker(`1`), TargetRetry: named},
			`targetRetry[0].errorEquals[1]: "MyError": may have run, and is not retried: set worker.idempotent if the work may be done twice`,
		},
		"a hedge of work that is done once": {
			protocol.Request{Worker: worker(`1`), Hedge: &protocol.Hedge{AfterSeconds: 1}},
			`hedge: {"afterSeconds":1}: needs worker.idempotent: the work is done twice`,
		},
		"a payload that is too long with its input": {
			protocol.Request{Worker: worker(`"` + strings.Repeat("{target.input} ", 60_000) + `"`), Targets: []protocol.Target{{Name: "a", Input: json.RawMessage(`"` + strings.Repeat("x", 200) + `"`)}}},
			`worker.payload: an invocation of one target takes 12060002 bytes with it, at most 6291456 can be sent`,
		},
		"an input for a task": {
			protocol.Request{Targets: []protocol.Target{{Name: "s3", Input: json.RawMessage(`1`)}}},
			`targets[0].input: 1: is not taken by the task resolve; leave it out, or use a worker`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.request.Regions = []string{"eu-west-1"}
			f := &callers{}
			c := &coordinator.Coordinator{Tasks: task.Builtin(), Functions: f.functions}
			if _, err := c.Run(t.Context(), test.request); err == nil || err.Error() != test.want || f.payloads != nil {
				t.Errorf("Run = %v after %d invocations, want %s", err, len(f.payloads), test.want)
			}
		})
	}
}

// The function's JSON is the target's output, and its error's type the target's error.
func TestTheAnswerOfAWorkerIsTheOutcomeOfItsTarget(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"object": `{"a":1}`, "null": `null`, "text": `"x"`, "empty": ``, "no JSON": `<html>`, "deep": strings.Repeat("[", 2000) + strings.Repeat("]", 2000),
		"looks like an error": `{"errorMessage":"x"}`,
	}
	f := &callers{answer: func(_ context.Context, payload string) (string, error) {
		target := ask(payload).Target
		answer, known := answers[target]
		if !known {
			return "", functionError(target)
		}
		return answer, nil
	}}
	result := f.employ(t, protocol.Request{
		Worker: &protocol.Worker{Function: "my-check", Placement: protocol.PlacementRegional}, Regions: []string{"eu-west-1"},
		Targets: protocol.Targets("object", "null", "text", "empty", "no JSON", "deep", "looks like an error", "MyError"),
	})
	want := []string{
		`eu-west-1 object SUCCEEDED {"a":1} x1`,
		`eu-west-1 null SUCCEEDED null x1`,
		`eu-west-1 text SUCCEEDED "x" x1`,
		`eu-west-1 empty FAILED  x1 Meridian.BadAnswer: the function's answer is empty; want JSON`,
		`eu-west-1 no JSON FAILED  x1 Meridian.BadAnswer: the function's answer is not JSON: <html>`,
		`eu-west-1 deep FAILED  x1 Meridian.BadAnswer: the function's answer: arrays and objects are nested more than 1000 deep`,
		`eu-west-1 looks like an error SUCCEEDED {"errorMessage":"x"} x1`,
		`eu-west-1 MyError FAILED  x1 MyError: it is broken`,
	}
	if diff := cmp.Diff(want, lines(result)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if o := result.Regions[0]; o.Error != protocol.ErrorExceedToleratedFailureThreshold || o.WorkerRegion != "eu-west-1" ||
		o.Cause != "4 of 8 targets failed; empty: Meridian.BadAnswer: the function's answer is empty; want JSON" {
		t.Errorf("the Region has %s: %s in %s", o.Error, o.Cause, o.WorkerRegion)
	}
	if s := result.Summary; s.TargetAttempts != 8 || s.Attempts != 8 || s.TargetRetries != 0 {
		t.Errorf("summary %+v, want 8 attempts", s)
	}
}
