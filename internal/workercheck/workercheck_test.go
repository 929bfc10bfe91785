package workercheck_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/invoke"
	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/internal/workercheck"
	"meridian/pkg/protocol"
)

// A handle is a worker.
type handle = func(ctx context.Context, payload []byte) ([]byte, error)

// ours is our own worker, with a task that takes 0.1 s for a target and fails for "broken".
func ours() handle {
	w := &regionworker.Worker{Tasks: task.NewRegistry(task.New("check", "wait", func(ctx context.Context, in task.Input[struct{}]) (string, error) {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
		if in.Target.Name == "broken" {
			return "", errors.New("broken")
		}
		return in.Target.Name + " in " + in.Region, nil
	}))}
	return w.Handle
}

// check returns the findings about a worker.
func check(ctx context.Context, worker handle) []workercheck.Finding {
	c := workercheck.Checker{Worker: invoke.InProcess{Handle: worker}, FailingTarget: "broken"}
	return slices.Collect(c.Run(ctx))
}

func TestOurOwnWorkerPassesEveryCheck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []string
		for _, f := range check(t.Context(), ours()) {
			got = append(got, fmt.Sprintf("%s %s: %s", f.Verdict, f.Check, f.Found))
		}
		want := []string{
			fmt.Sprintf("passed handshake: the worker answers, and knows version %d; check-1 is SUCCEEDED", protocol.Version),
			"passed repeated fields: version, runId, region and batch are those of the request",
			"passed batch: 8 targets, each once and in order; 8 SUCCEEDED",
			"passed partial failure: broken is FAILED (States.TaskFailed: broken); the others: 8 SUCCEEDED",
			"passed budget: the budget was 400ms, and the worker took 360ms; 3 SUCCEEDED, 1 TIMED_OUT, 4 NOT_STARTED",
			"passed wrong version: version 99 was refused with Meridian.UnsupportedVersion after 0s",
			"passed unknown field: refused with Meridian.InvalidRequest",
			"passed several Regions: version 3 is answered; 9 SUCCEEDED",
			"passed inputs: version 4 is answered; 8 SUCCEEDED",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Run (-want +got):\n%s", diff)
		}
	})
}

// The tasks of the deployed worker pass what can be checked with them: no target makes sleep
// fail, and resolve takes no time.
func TestTheBuiltinTasksPassWhatCanBeCheckedWithThem(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		task, parameters, failing string
		notChecked                string
	}{
		{"sleep", `{"seconds":0.25}`, "", "partial failure"},
		{"resolve", "", "nosuch", "budget"},
	} {
		t.Run(tt.task, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				worker := &regionworker.Worker{Tasks: task.Builtin()}
				c := workercheck.Checker{
					Worker: invoke.InProcess{Handle: worker.Handle}, Task: tt.task, Targets: []string{"dynamodb", "s3", "sqs"}, FailingTarget: tt.failing,
				}
				if tt.parameters != "" {
					c.Parameters = json.RawMessage(tt.parameters)
				}
				for f := range c.Run(t.Context()) {
					want := workercheck.Passed
					if f.Check == tt.notChecked {
						want = workercheck.NotChecked
					}
					if f.Verdict != want {
						t.Errorf("%s: %s %s: %s; want it %s", tt.task, f.Check, f.Verdict, f.Found, want)
					}
				}
			})
		})
	}
}

// answered returns our worker with a change to its answers.
func answered(change func(r protocol.RegionRequest, a *protocol.RegionResult)) handle {
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		r, err := protocol.DecodeRegionRequest(payload)
		if err != nil {
			return nil, err
		}
		answer, err := ours()(ctx, payload)
		if err != nil {
			return nil, err
		}
		a, err := protocol.DecodeRegionResult(answer)
		if err != nil {
			return nil, err
		}
		change(r, &a)
		return json.Marshal(a)
	}
}

// allSucceeded returns our worker with every target SUCCEEDED in its answers of a status.
func allSucceeded(status protocol.Status) handle {
	return answered(func(_ protocol.RegionRequest, a *protocol.RegionResult) {
		if a.Status != status {
			return
		}
		a.Status = protocol.StatusSucceeded
		for i := range a.Targets {
			a.Targets[i].Status = protocol.StatusSucceeded
		}
	})
}

// asked returns our worker with a change to the requests that it gets.
func asked(change func(r *protocol.RegionRequest)) handle {
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		r, err := protocol.DecodeRegionRequest(payload)
		if err != nil {
			return nil, err
		}
		change(&r)
		if payload, err = r.Encode(); err != nil {
			return nil, err
		}
		return ours()(ctx, payload)
	}
}

// Each worker has one fault, and exactly the checks that are named find it.
func TestEachFaultIsFoundByItsCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		worker handle
		want   []string // the checks that fail
		found  string   // part of what the first says
	}{
		{
			name:   "speaks another protocol",
			worker: func(context.Context, []byte) ([]byte, error) { return []byte(`{"statusCode":200,"body":"fine"}`), nil },
			want:   []string{"handshake"}, found: "protocol version 0",
		},
		{
			name:   "fails",
			worker: func(context.Context, []byte) ([]byte, error) { return nil, errors.New("no module named requests") },
			want:   []string{"handshake"}, found: "no module named requests",
		},
		{
			name: "does not answer",
			worker: func(ctx context.Context, _ []byte) ([]byte, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			},
			want: []string{"handshake"}, found: "no answer in 1m30s",
		},
		{
			name:   "answers with a fixed batch",
			worker: answered(func(_ protocol.RegionRequest, a *protocol.RegionResult) { a.Batch = 0 }),
			want:   []string{"repeated fields"}, found: "batch 0, want 7",
		},
		{
			name: "answers with its own Region",
			worker: answered(func(r protocol.RegionRequest, a *protocol.RegionResult) {
				if r.Regions == nil {
					a.Region = "eu-west-1"
				}
			}),
			want: []string{"repeated fields"}, found: `Region "eu-west-1", want "us-east-1"`,
		},
		{
			name: "answers in the order in which targets end",
			worker: answered(func(r protocol.RegionRequest, a *protocol.RegionResult) {
				if r.Regions == nil && r.Inputs == nil && r.BudgetMs > 1000 && !slices.Contains(r.Targets, "broken") {
					slices.Reverse(a.Targets)
				}
			}),
			want: []string{"batch"}, found: `target "check-8" at 0, want "check-1"`,
		},
		{
			name: "loses everything when one target fails",
			worker: func(ctx context.Context, payload []byte) ([]byte, error) {
				if strings.Contains(string(payload), "broken") {
					return nil, errors.New("broken")
				}
				return ours()(ctx, payload)
			},
			want: []string{"partial failure"}, found: "no answer: errorString: broken",
		},
		{
			name:   "tells a failure as success",
			worker: allSucceeded(protocol.StatusFailed),
			want:   []string{"partial failure"}, found: "broken is SUCCEEDED",
		},
		{
			name: "tells a failure as a timeout",
			worker: answered(func(r protocol.RegionRequest, a *protocol.RegionResult) {
				if i := slices.Index(r.Targets, "broken"); i >= 0 {
					a.Targets[i].Status = protocol.StatusTimedOut
				}
			}),
			want: []string{"partial failure"}, found: "broken is TIMED_OUT",
		},
		{
			name: "fails the others too",
			worker: answered(func(_ protocol.RegionRequest, a *protocol.RegionResult) {
				if a.Status == protocol.StatusFailed {
					a.Targets[0].Status = protocol.StatusNotStarted
				}
			}),
			want: []string{"partial failure"}, found: "check-1 is NOT_STARTED",
		},
		{
			name: "gives a failure no name",
			worker: answered(func(_ protocol.RegionRequest, a *protocol.RegionResult) {
				for i := range a.Targets {
					if a.Status == protocol.StatusFailed {
						a.Targets[i].Error = ""
					}
				}
			}),
			want: []string{"partial failure"}, found: "has no error",
		},
		{
			name:   "does not know the budget",
			worker: asked(func(r *protocol.RegionRequest) { r.BudgetMs = 0 }),
			want:   []string{"budget"}, found: "the worker says that it took 800ms",
		},
		{
			name: "answers late, and says that it did not",
			worker: answered(func(r protocol.RegionRequest, _ *protocol.RegionResult) {
				if r.BudgetMs < 1000 {
					time.Sleep(2 * time.Second)
				}
			}),
			want: []string{"budget"}, found: "the answer came after 2.36s",
		},
		{
			name:   "tells what is unfinished as success",
			worker: allSucceeded(protocol.StatusTimedOut),
			want:   []string{"budget"}, found: "8 SUCCEEDED; these took 800ms before",
		},
		{
			name: "tells what is unfinished as failed",
			worker: answered(func(_ protocol.RegionRequest, a *protocol.RegionResult) {
				for i := range a.Targets {
					if a.Targets[i].Status == protocol.StatusNotStarted {
						a.Targets[i].Status = protocol.StatusFailed
					}
				}
			}),
			want: []string{"budget"}, found: "check-5 is FAILED",
		},
		{
			name: "leaves out what is unfinished",
			worker: answered(func(_ protocol.RegionRequest, a *protocol.RegionResult) {
				a.Targets = slices.DeleteFunc(a.Targets, func(t protocol.TargetOutcome) bool { return t.Status == protocol.StatusNotStarted })
			}),
			want: []string{"budget"}, found: "4 targets, want 8",
		},
		{
			name:   "takes any version",
			worker: anyVersion(""),
			want:   []string{"wrong version"}, found: "version 99 was answered with 8 SUCCEEDED",
		},
		{
			name:   "refuses a version under another name",
			worker: anyVersion("ValueError"),
			want:   []string{"wrong version"}, found: "ValueError: no",
		},
		{
			name:   "refuses a version when the work is done",
			worker: anyVersion(protocol.ErrorUnsupportedVersion),
			want:   []string{"wrong version"}, found: "refused after 800ms",
		},
		{
			name: "refuses a version when the work is done, and says that work takes no time",
			worker: func(ctx context.Context, payload []byte) ([]byte, error) {
				if strings.Contains(string(payload), `"version":99`) {
					return anyVersion(protocol.ErrorUnsupportedVersion)(ctx, payload)
				}
				return answered(func(_ protocol.RegionRequest, a *protocol.RegionResult) { a.ElapsedMs = 0 })(ctx, payload)
			},
			want: []string{"budget", "wrong version"}, found: "these took 300ms before",
		},
		{
			name: "fails for an unknown field",
			worker: func(ctx context.Context, payload []byte) ([]byte, error) {
				if strings.Contains(string(payload), "unknownField") {
					return nil, errors.New("unexpected keyword argument")
				}
				return ours()(ctx, payload)
			},
			want: []string{"unknown field"}, found: "unexpected keyword",
		},
		{
			name: "works for the first of several Regions only",
			worker: answered(func(r protocol.RegionRequest, a *protocol.RegionResult) {
				if r.Regions != nil {
					a.Targets = a.Targets[:1]
				}
			}),
			want: []string{"several Regions"}, found: "1 targets, want 9",
		},
		{
			name: "says a version that it does not know",
			worker: func(ctx context.Context, payload []byte) ([]byte, error) {
				if strings.Contains(string(payload), `"regions"`) {
					return nil, &protocol.UnsupportedVersionError{Got: 3}
				}
				return ours()(ctx, payload)
			},
			want: []string{"several Regions"}, found: "refuses version 3",
		},
		{
			name: "knows no inputs, and does not say so",
			worker: func(ctx context.Context, payload []byte) ([]byte, error) {
				if strings.Contains(string(payload), `"inputs"`) {
					return nil, errors.New("list index out of range")
				}
				return ours()(ctx, payload)
			},
			want: []string{"inputs"}, found: "list index out of range",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var got []string
				for _, f := range check(t.Context(), tt.worker) {
					if f.Verdict != workercheck.Failed {
						continue
					}
					if got = append(got, f.Check); len(got) == 1 && !strings.Contains(f.Found, tt.found) {
						t.Errorf("%s says %q, want %q in it", f.Check, f.Found, tt.found)
					}
					if f.Mend == "" {
						t.Errorf("%s does not say how to mend it", f.Check)
					}
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("checks that fail (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A machine that was busy during one measurement is no fault of the worker: it measures again,
// twice at most.
func TestACheckOfTimeMeasuresAgain(t *testing.T) {
	t.Parallel()
	for busy, want := range map[int]workercheck.Verdict{1: workercheck.Passed, 2: workercheck.Passed, 3: workercheck.Failed, 9: workercheck.Failed} {
		synctest.Test(t, func(t *testing.T) {
			measured := map[string]int{}
			findings := check(t.Context(), func(ctx context.Context, payload []byte) ([]byte, error) {
				for check, field := range map[string]string{"budget": `"budgetMs":400,`, "wrong version": `"version":99,`} {
					if !strings.Contains(string(payload), field) {
						continue
					}
					if measured[check]++; measured[check] <= busy {
						time.Sleep(2 * time.Second)
					}
				}
				return ours()(ctx, payload)
			})
			for _, f := range findings {
				made, timed := measured[f.Check]
				if timed && (f.Verdict != want || made != min(busy+1, 3)) || !timed && f.Verdict != workercheck.Passed {
					t.Errorf("busy %d times: %s %s after %d measurements: %s", busy, f.Check, f.Verdict, made, f.Found)
				}
			}
		})
	}
}

// anyVersion returns our worker without its check of the version. With a name it fails
// after the work, with an error of that name.
func anyVersion(name string) handle {
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		text := string(payload)
		known := strings.Replace(text, `"version":99,`, `"version":1,`, 1)
		answer, err := ours()(ctx, []byte(known))
		if err != nil || known == text {
			return answer, err
		}
		if name != "" {
			return nil, named{name}
		}
		return []byte(strings.Replace(string(answer), `"version":1,`, `"version":99,`, 1)), nil
	}
}

type named struct{ name string }

func (named) Error() string       { return "no" }
func (n named) ErrorName() string { return n.name }

// A check that could not be made says why, and has not passed.
func TestWhatCannotBeCheckedHasNotPassed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		quick := &regionworker.Worker{Tasks: task.NewRegistry(task.New("check", "nothing", func(context.Context, task.Input[struct{}]) (string, error) { return "", nil }))}
		c := workercheck.Checker{Worker: invoke.InProcess{Handle: quick.Handle}, Targets: []string{"one"}}
		got := map[string]string{}
		for f := range c.Run(t.Context()) {
			if f.Verdict == workercheck.NotChecked {
				got[f.Check] = f.Mend
			}
		}
		want := map[string]string{
			"batch":           "give two or more targets with --target",
			"partial failure": "give --failing-target NAME, a target that the worker fails for",
			"budget":          "give more or slower targets with --target, or --parameters that make them slower: want 0.4 s",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Run: not checked (-want +got):\n%s", diff)
		}
	})
}

// If the worker does not pass the first check, no other is made.
func TestWithoutAHandshakeNothingElseIsChecked(t *testing.T) {
	t.Parallel()
	calls := 0
	findings := check(t.Context(), func(context.Context, []byte) ([]byte, error) {
		calls++
		return []byte(`{}`), nil
	})
	for _, f := range findings[1:] {
		if f.Verdict != workercheck.NotChecked {
			t.Errorf("%s %s after a failed handshake, want it not checked", f.Check, f.Verdict)
		}
	}
	if calls != 1 || len(findings) != 9 {
		t.Errorf("Run made %d calls and %d findings, want 1 and 9", calls, len(findings))
	}
}

// A call that did not reach the worker says nothing about it.
func TestACallThatIsRefusedIsNoFaultOfTheWorker(t *testing.T) {
	t.Parallel()
	refused := &invoke.Error{Name: protocol.ErrorLambdaThrottled, Message: "Rate exceeded"}
	f := slices.Collect(workercheck.Checker{Worker: refusing{refused}}.Run(t.Context()))[0]
	if f.Verdict != workercheck.NotChecked || !errors.Is(f.Err, refused) {
		t.Errorf("handshake = %+v, want it not checked, with the error", f)
	}
}

type refusing struct{ err error }

func (r refusing) Invoke(context.Context, string, []byte) ([]byte, protocol.Attempt, error) {
	return nil, protocol.Attempt{}, r.err
}

// A check that fails as an earlier one did refers to that one.
func TestAFailureThatIsThereTwiceIsExplainedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		findings := check(t.Context(), func(ctx context.Context, payload []byte) ([]byte, error) {
			if strings.Contains(string(payload), "check-2") {
				return nil, errors.New("one target only")
			}
			return ours()(ctx, payload)
		})
		got := map[string]string{}
		for _, f := range findings {
			if f.Verdict == workercheck.Failed {
				got[f.Check] = f.Mend
			}
		}
		const mend = "list every target of the request once, in its order, whatever became of it"
		want := map[string]string{"batch": mend}
		for _, name := range []string{"partial failure", "wrong version", "several Regions", "inputs"} {
			want[name] = "as in the check batch"
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Run: failed (-want +got):\n%s", diff)
		}
	})
}

// A function that speaks no protocol need not be checked; one that speaks it wrongly is
// mended.
func TestAFunctionThatDoesNotSpeakTheProtocolNeedsNoCheck(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{
		`"done"`: true, `{"statusCode":200}`: true, `[]`: true, `{"targets":1}`: true,
		`{"version":1,"status":"SUCCEEDED"}`: false, `{"errorType":"KeyError","errorMessage":"'url'"}`: false,
	} {
		f := check(t.Context(), func(context.Context, []byte) ([]byte, error) { return []byte(answer), nil })[0]
		if got := strings.Contains(f.Mend, "needs no check: `meridian run --worker-function`"); got != want || f.Verdict != workercheck.Failed {
			t.Errorf("handshake of %s is %s: %s; %s", answer, f.Verdict, f.Found, f.Mend)
		}
	}
}
