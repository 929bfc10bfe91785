package coordinator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/coordinator"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

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
			`worker.payload: "{regio}" is no placeholder; want {region}, {account}, {target}, {target.input}, {target.input.MEMBER}, {run}, {attempt}, or {{ for a brace`,
		},
		"a brace that is not closed": {
			protocol.Request{Worker: worker(`"{region"`)},
			`worker.payload: "{region" is no placeholder; want {region}, {account}, {target}, {target.input}, {target.input.MEMBER}, {run}, {attempt}, or {{ for a brace`,
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
			`targets[0]: "a": has no input; worker.payload has {target.input}`,
		},
		"a member that an input does not have": {
			protocol.Request{Worker: worker(`"{target.input.a.b}"`), Targets: []protocol.Target{{Name: "x", Input: json.RawMessage(`{"a":{"b":1}}`)}, {Name: "y", Input: json.RawMessage(`{"a":1}`)}}},
			`targets[1]: "y": has no input.a.b; worker.payload has {target.input.a.b}`,
		},
		"a member that is used as a value and as text": {
			protocol.Request{Worker: worker(`["{target.input.a}", "x{target.input.a}"]`), Targets: protocol.Targets("y")},
			`targets[0]: "y": has no input.a; worker.payload has {target.input.a}`,
		},
		"a member of an input in a batch": {
			protocol.Request{Worker: worker(`"{target.input.a}"`), MaxTargetsPerInvocation: 2},
			`worker.payload: "{target.input.a}" is for invocations of one target: use {targets}, or leave maxTargetsPerInvocation out`,
		},
		"a member without targets": {protocol.Request{Worker: worker(`"{target.input.a}"`)}, `targets: missing; worker.payload has {target.input.a}`},
		"more members than can be looked up": {
			protocol.Request{Worker: worker(`["` + manyMembers() + `"]`)}, `worker.payload: has more than 100 members of inputs`,
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
			`targets[0].input: 1: is not taken by the task resolve; leave it out, use a worker, or give a task of your own the trait TakesInput`,
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

// A function that speaks the protocol gets the requests of a regionworker, with the parameters of
// the account, but without the account: the function is the account's own. Its task is any name.
func TestAWorkerThatSpeaksTheProtocolGetsRegionRequests(t *testing.T) {
	t.Parallel()
	f := &callers{answer: func(_ context.Context, payload string) (string, error) {
		var r protocol.RegionRequest
		if err := json.Unmarshal([]byte(payload), &r); err != nil || r.Task != "mine" || r.Account != nil || string(r.Parameters) != `{"a":1}` {
			return "", functionError("Unexpected: " + payload)
		}
		answer := protocol.RegionResult{Version: r.Version, RunID: r.RunID, Region: r.Region, Batch: r.Batch, Status: protocol.StatusSucceeded}
		for _, target := range r.Targets {
			answer.Targets = append(answer.Targets, protocol.TargetOutcome{Target: target, Status: protocol.StatusSucceeded, Output: r.Inputs[target]})
		}
		data, err := json.Marshal(answer)
		return string(data), err
	}}
	result := f.employ(t, protocol.Request{
		Worker: &protocol.Worker{Function: "my-worker", Protocol: true}, Task: "mine", Parameters: json.RawMessage(`{"a":0}`),
		Regions: []string{"eu-west-1"}, Accounts: []protocol.Account{{ID: "111111111111", Parameters: json.RawMessage(`{"a":1}`)}},
		Targets: []protocol.Target{{Name: "a", Input: json.RawMessage(`{"x":1}`)}, {Name: "b"}},
	})
	if diff := cmp.Diff([]string{`eu-west-1 a SUCCEEDED {"x":1} x0`, `eu-west-1 b SUCCEEDED  x0`}, lines(result)); diff != "" || len(f.payloads) != 1 {
		t.Errorf("outcomes of %d invocations (-want +got):\n%s", len(f.payloads), diff)
	}
}

// manyMembers returns more members of inputs than a payload can have.
func manyMembers() string {
	var all []string
	for i := range 101 {
		all = append(all, fmt.Sprintf("{target.input.m%d}", i))
	}
	return strings.Join(all, " ")
}
