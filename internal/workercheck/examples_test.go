package workercheck_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/workercheck"
	"meridian/pkg/protocol"
)

// The examples pass every check as a program. They take longer than the start of a program on
// a busy machine, so that their budget is not too short.
func TestTheExamplesPassEveryCheck(t *testing.T) {
	t.Parallel()
	forEachExample(t, func(t *testing.T, command []string) {
		t.Helper()
		c := workercheck.Checker{
			Worker: workercheck.Process{Command: command}, FailingTarget: "broken",
			Targets: []string{"a", "b", "c", "d"}, Parameters: json.RawMessage(`{"seconds":0.5}`),
		}
		for f := range c.Run(t.Context()) {
			if f.Verdict != workercheck.Passed {
				t.Errorf("%s: %s %s: %s; %s", command[0], f.Check, f.Verdict, f.Found, f.Mend)
			}
		}
	})
}

// forEachExample tests each example, by the command that runs it. An example whose program is
// missing is skipped.
func forEachExample(t *testing.T, test func(t *testing.T, command []string)) {
	t.Helper()
	for _, command := range [][]string{
		{"python3", "../../examples/worker-python/worker.py"},
		{"node", "../../examples/worker-node/worker.mjs"},
	} {
		t.Run(command[0], func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(command[0]); err != nil {
				t.Skipf("%v: the example is not tried", err)
			}
			test(t, command)
		})
	}
}

// ask returns the answer of an example to a request.
func ask(t *testing.T, command []string, request string) protocol.RegionResult {
	t.Helper()
	answer, _, err := workercheck.Process{Command: command}.Invoke(t.Context(), "", []byte(request))
	if err != nil {
		t.Fatal(err)
	}
	result, err := protocol.DecodeRegionResult(answer)
	if err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	return result
}

const common = `"runId":"r","region":"eu-west-1","batch":0,"attempt":1,"task":"check","parameters":{"seconds":0.01}`

func TestTheExamplesGiveEachTargetItsInput(t *testing.T) {
	t.Parallel()
	forEachExample(t, func(t *testing.T, command []string) {
		t.Helper()
		result := ask(t, command, `{"version":4,`+common+`,"targets":["a","toString"],"inputs":{"a":{"n":[1]}}}`)
		want := map[string]any{"message": "a in eu-west-1", "input": map[string]any{"n": []any{1.0}}}
		var got map[string]any
		if err := json.Unmarshal(result.Targets[0].Output, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("output (-want +got):\n%s", diff)
		}
		if second := string(result.Targets[1].Output); strings.Contains(second, `"n"`) || result.Status != protocol.StatusSucceeded {
			t.Errorf("output without an input = %s, status %s", second, result.Status)
		}
	})
}

// An example has its own credentials only, so it works in no other account.
func TestTheExamplesRefuseAnAccount(t *testing.T) {
	t.Parallel()
	forEachExample(t, func(t *testing.T, command []string) {
		t.Helper()
		request := `{"version":3,` + common + `,"targets":["a"],"account":{"account":"111122223333","role":"arn:aws:iam::111122223333:role/audit"}}`
		answer, _, err := workercheck.Process{Command: command}.Invoke(t.Context(), "", []byte(request))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(answer); !strings.Contains(got, protocol.ErrorInvalidRequest) || !strings.Contains(got, "account: ") {
			t.Errorf("answer to a request for an account = %s, want it refused", got)
		}
	})
}

func TestTheExamplesHeedRetriers(t *testing.T) {
	t.Parallel()
	forEachExample(t, func(t *testing.T, command []string) {
		t.Helper()
		result := ask(t, command, `{"version":1,`+common+`,"targets":["broken"],"policy":{"retry":[`+
			`{"errorEquals":["Other"]},{"errorEquals":["States.TaskFailed"],"intervalSeconds":0.01,"maxAttempts":2,"maxDelaySeconds":0.015}]}}`)
		var waits []float64
		for _, a := range result.Targets[0].Attempts {
			waits = append(waits, a.WaitMs)
		}
		if diff := cmp.Diff([]float64{10, 15, 0}, waits); diff != "" {
			t.Errorf("waits of attempts (-want +got):\n%s", diff)
		}
		if got := result.Targets[0].Status; got != protocol.StatusFailed || result.Status != protocol.StatusFailed {
			t.Errorf("target %s, answer %s, want both FAILED", got, result.Status)
		}
	})
}
