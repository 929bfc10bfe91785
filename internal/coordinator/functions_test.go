package coordinator_test

import (
	"context"
	"encoding/json"
	"errors"
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
			all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s %s x%d %s", region.Region, o.Target, o.Status, string(o.Output), len(o.Attempts), strings.TrimSuffix(o.Error+": "+o.Cause, ": "))))
		}
	}
	return all
}

// An asked is a payload of the tests' functions.
type asked struct {
	Region  string  `json:"region"`
	Target  string  `json:"target"`
	Targets []asked `json:"targets"`
	Attempt int     `json:"attempt"`
}

// ask reads a payload.
func ask(payload string) (a asked) {
	_ = json.Unmarshal([]byte(payload), &a)
	return a
}

// Each account has its own function, which is invoked with the role of the account.
func TestAWorkerIsInvokedInEachAccount(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var roles []string
	f := &callers{}
	c := &coordinator.Coordinator{Tasks: task.Builtin(), Functions: func(w protocol.Worker) (coordinator.Function, error) {
		found, err := f.functions(w)
		found.As = func(access *protocol.Access, region, _ string) coordinator.Invoker {
			if access != nil {
				mu.Lock()
				defer mu.Unlock()
				roles = append(roles, access.Role+" from "+region)
			}
			return f
		}
		return found, err
	}}
	result, err := c.Run(t.Context(), protocol.Request{
		Worker:  &protocol.Worker{Function: "my-check", Payload: json.RawMessage(`"{account} {region}"`)},
		Regions: []string{"eu-west-1", "us-east-1"}, Accounts: []protocol.Account{{ID: "111111111111"}, {ID: "222222222222"}}, Role: "invoker",
	})
	if err != nil || result.Status != protocol.StatusSucceeded {
		t.Fatalf("Run = %s %s, %v", result.Status, result.Cause, err)
	}
	want := []string{"arn:aws:iam::111111111111:role/invoker from eu-west-1", "arn:aws:iam::222222222222:role/invoker from eu-west-1"}
	if diff := cmp.Diff(want, roles); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	slices.Sort(f.payloads)
	if got := strings.Join(f.payloads, ", "); got != `"111111111111 eu-west-1", "111111111111 us-east-1", "222222222222 eu-west-1", "222222222222 us-east-1"` {
		t.Errorf("payloads %s", got)
	}
}

// A function that cannot be invoked here is refused, by a plan that was made elsewhere too.
func TestAWorkerThatCannotBeInvokedHereIsRefused(t *testing.T) {
	t.Parallel()
	f := &callers{}
	c := &coordinator.Coordinator{Tasks: task.Builtin(), Functions: f.functions}
	r := protocol.Request{Worker: &protocol.Worker{Function: "my-check"}, Regions: []string{"eu-west-1"}}
	plan, err := c.Plan(r, 0)
	if err != nil {
		t.Fatal(err)
	}
	c.Functions = func(protocol.Worker) (coordinator.Function, error) {
		return coordinator.Function{}, errors.New("is not allowed; allow it")
	}
	if _, err := c.Plan(r, 0); err == nil || err.Error() != `worker.function: "my-check": is not allowed; allow it` {
		t.Errorf("Plan = %v", err)
	}
	result := c.Execute(t.Context(), plan)
	if o := result.Regions[0]; o.Status != protocol.StatusFailed || o.Cause != "is not allowed; allow it" || f.payloads != nil {
		t.Errorf("the Region is %s: %s, after %d invocations", o.Status, o.Cause, len(f.payloads))
	}
}

// A function of the same name in another Region is another function.
func TestAPlanOfAnotherHomeInvokesNothing(t *testing.T) {
	t.Parallel()
	f := &callers{}
	c := &coordinator.Coordinator{Tasks: task.Builtin(), Functions: f.functions}
	plan, err := c.Plan(protocol.Request{Worker: &protocol.Worker{Function: "my-check"}, Regions: []string{"eu-west-1"}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	plan.Home = "eu-central-1"
	result := c.Execute(t.Context(), plan)
	want := "is in eu-central-1 by the plan, and in us-east-1 here; run the plan where it was made, or name the function by its ARN"
	if o := result.Regions[0]; o.Status != protocol.StatusFailed || o.Cause != want || f.payloads != nil {
		t.Errorf("the Region is %s: %s, after %d invocations", o.Status, o.Cause, len(f.payloads))
	}
}
