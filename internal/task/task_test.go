package task_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// A pair is the parameters of the task sum.
type pair struct {
	Left  int `json:"left"`
	Right int `json:"right"`
}

// Check implements task.Checker.
func (p *pair) Check() protocol.Faults {
	if p.Left > p.Right {
		return protocol.Faults{protocol.NewFault("left", p.Left, "is more than right")}
	}
	return nil
}

func sum(_ context.Context, in task.Input[pair]) (map[string]any, error) {
	return map[string]any{"in": in.Region + "/" + in.Target.Name, "sum": in.Parameters.Left + in.Parameters.Right}, nil
}

func TestATaskIsATypedFunction(t *testing.T) {
	t.Parallel()
	work := prepare(t, task.NewRegistry(task.New("sum", "add", sum)), "sum", json.RawMessage(`{"left":1,"right":2}`))
	got, err := work(t.Context(), "eu-west-1", protocol.Target{Name: "s3"})
	if want := `{"in":"eu-west-1/s3","sum":3}`; err != nil || string(got) != want {
		t.Errorf("work = %s, %v; want %s", got, err, want)
	}
}

// A target's input is for tasks with the trait. An unknown task is refused for its name alone.
func TestOnlyATaskWithTheTraitTakesInput(t *testing.T) {
	t.Parallel()
	echo := func(_ context.Context, in task.Input[struct{}]) (json.RawMessage, error) { return in.Target.Input, nil }
	r := task.NewRegistry(task.New("echo", "answer with the input", echo, task.Idempotent, task.TakesInput), task.New("sum", "add", sum))
	for name, want := range map[string]bool{"echo": true, "sum": false, "unknown": true} {
		if got := r.TakesInput(name); got != want {
			t.Errorf("TakesInput(%s) = %t, want %t", name, got, want)
		}
	}
	for _, name := range []string{"call", "probe", "resolve", "sleep"} {
		if task.Builtin().TakesInput(name) {
			t.Errorf("the task %s takes input, want none of Meridian's own to", name)
		}
	}
	got, err := prepare(t, r, "echo", nil)(t.Context(), "eu-west-1", protocol.Target{Name: "s3", Input: json.RawMessage(`[1,"a"]`)})
	if err != nil || string(got) != `[1,"a"]` {
		t.Errorf("work = %s, %v; want the input", got, err)
	}
}

func TestItsParametersAreCheckedBeforeAnythingIsInvoked(t *testing.T) {
	t.Parallel()
	r := task.NewRegistry(task.New("sum", "add", sum))
	tests := []struct {
		name       string
		task       string
		parameters string
		want       protocol.Faults
	}{
		{"right", "sum", `{"left":1,"right":2}`, nil},
		{"left out", "sum", ``, nil},
		{"form", "sum", `{"left":"1","middle":2}`, protocol.Faults{
			{Path: "parameters.left", Value: `"1"`, Detail: "want a whole number, got a string"},
			{Path: "parameters.middle", Value: "2", Detail: "unknown field; known are left, right"},
		}},
		{"values", "sum", `{"left":3,"right":2}`, protocol.Faults{{Path: "parameters.left", Value: "3", Detail: "is more than right"}}},
		{"unknown task", "some", `{}`, protocol.Faults{{Path: "task", Value: `"some"`, Detail: `is not a task; did you mean "sum"?`}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var parameters json.RawMessage
			if tt.parameters != "" {
				parameters = json.RawMessage(tt.parameters)
			}
			if diff := cmp.Diff(tt.want, r.Check(tt.task, parameters, nil)); diff != "" {
				t.Errorf("Check(%s, %s) (-want +got):\n%s", tt.task, parameters, diff)
			}
		})
	}
}

func TestAnErrorOfATaskIsKept(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	tests := []struct {
		name string
		f    task.Func[struct{}, any]
		want string
	}{
		{"its own", func(context.Context, task.Input[struct{}]) (any, error) { return nil, broken }, "broken"},
		{"skip", func(context.Context, task.Input[struct{}]) (any, error) { return nil, task.Skip("no %s", "s3") }, "no s3"},
		{
			"output that is not JSON", func(context.Context, task.Input[struct{}]) (any, error) { return make(chan int), nil },
			"encode output of task x: json: unsupported type: chan int",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			work, _ := task.NewRegistry(task.New("x", "", tt.f)).Prepare("x", nil)
			if _, err := work(t.Context(), "eu-west-1", protocol.Target{Name: "s3"}); err == nil || err.Error() != tt.want {
				t.Errorf("work = %v, want %s", err, tt.want)
			}
		})
	}
}

func TestARegistryPanicsOn(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context, task.Input[struct{}]) (any, error) { return nil, errors.New("nothing") }
	tests := []struct {
		name  string
		tasks []task.Task
	}{
		{"a task without a name", []task.Task{task.New("", "", nothing)}},
		{"two tasks of the same name", []task.Task{task.New("a", "", nothing), task.New("b", "", nothing), task.New("a", "", nothing)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("NewRegistry did not panic")
				}
			}()
			task.NewRegistry(tt.tasks...)
		})
	}
}

// A field that cannot be decoded would make the first request with it panic.
func TestNewPanicsAtParametersThatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	defer func() {
		want := "task: parameters of wait: time: want a string, bool, int, float64, struct, or a slice of or pointer to these, got time.Duration"
		if got := recover(); got != want {
			t.Errorf("New panicked with %v, want %v", got, want)
		}
	}()
	type parameters struct {
		Time time.Duration `json:"time"`
	}
	task.New("wait", "", func(context.Context, task.Input[parameters]) (any, error) { return nil, nil }) //nolint:nilnil // never called
}

func TestBuiltinTasksAreInTheOrderOfTheirNames(t *testing.T) {
	t.Parallel()
	var got []string
	for _, b := range task.Builtin().All() {
		got = append(got, b.Name)
		if b.Summary == "" {
			t.Errorf("task %s has no summary", b.Name)
		}
	}
	for _, name := range []string{"probe", "resolve", "sleep"} { // a user may have added others
		if !slices.Contains(got, name) {
			t.Errorf("Builtin has %q, want %s among them", got, name)
		}
	}
	if !slices.IsSorted(got) {
		t.Errorf("Builtin has %q, want them in order", got)
	}
	if diff := cmp.Diff(got, task.Builtin().Names()); diff != "" {
		t.Errorf("Names (-want +got):\n%s", diff)
	}
}

func TestSleepWaitsAndResolves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		work := prepare(t, task.Builtin(), "sleep", json.RawMessage(`{"seconds":1.5}`))
		begin := time.Now()
		got, err := work(t.Context(), "eu-west-1", protocol.Target{Name: "dynamodb"})
		if took := time.Since(begin); err != nil || took != 1500*time.Millisecond {
			t.Errorf("sleep took %v, %v; want 1.5s", took, err)
		}
		var output task.ResolveOutput
		if err := json.Unmarshal(got, &output); err != nil {
			t.Fatal(err)
		}
		want := task.ResolveOutput{
			Message: "endpoint for eu-west-1 is dynamodb.eu-west-1.amazonaws.com",
			Host:    "dynamodb.eu-west-1.amazonaws.com", Partition: "aws", SigningRegion: "eu-west-1",
		}
		if diff := cmp.Diff(want, output); diff != "" {
			t.Errorf("sleep (-want +got):\n%s", diff)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := work(ctx, "eu-west-1", protocol.Target{Name: "dynamodb"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("sleep within 1s = %v, want %v", err, context.DeadlineExceeded)
		}
	})
}

// A late context ends after its deadline, as one does in a process that stood still at both.
type late struct {
	context.Context

	deadline time.Time
}

func (l late) Deadline() (time.Time, bool) { return l.deadline, true }

func TestASleepBeyondItsDeadlineIsNoSuccess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		work := prepare(t, task.Builtin(), "sleep", json.RawMessage(`{"seconds":1.5}`))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		got, err := work(late{ctx, time.Now().Add(time.Second)}, "eu-west-1", protocol.Target{Name: "dynamodb"})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("sleep within 1s = %s, %v; want %v", got, err, context.DeadlineExceeded)
		}
	})
}

func TestResolve(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name                       string
		region, target, parameters string
		want                       string // the host, or the reason to skip
		skip                       bool
	}{
		{"regional", "eu-west-1", "s3", `{}`, "s3.eu-west-1.amazonaws.com", false},
		{"China", "cn-north-1", "dynamodb", `{}`, "dynamodb.cn-north-1.amazonaws.com.cn", false},
		{"global", "eu-west-1", "iam", `{}`, "iam.amazonaws.com", false},
		{"FIPS", "us-east-1", "dynamodb", `{"fips":true}`, "dynamodb-fips.us-east-1.amazonaws.com", false},
		{"dual-stack", "eu-west-1", "s3", `{"dualStack":true}`, "s3.dualstack.eu-west-1.amazonaws.com", false},
		{"not in the Region", "ap-southeast-7", "apprunner", `{}`, "apprunner is not listed in ap-southeast-7", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			work := prepare(t, task.Builtin(), "resolve", json.RawMessage(tt.parameters))
			data, err := work(t.Context(), tt.region, protocol.Target{Name: tt.target})
			if skipped, ok := errors.AsType[*task.SkipError](err); ok || tt.skip {
				if !ok || skipped.Reason != tt.want {
					t.Errorf("resolve = %s, %v; want to skip: %s", data, err, tt.want)
				}
				return
			}
			var got task.ResolveOutput
			if err := errors.Join(err, json.Unmarshal(data, &got)); err != nil || got.Host != tt.want {
				t.Errorf("resolve = %s, %v; want host %s", data, err, tt.want)
			}
		})
	}
}

func TestSleepTakesATargetThatIsNoService(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		work, _ := task.Builtin().Prepare("sleep", json.RawMessage(`{"seconds":0.5}`))
		got, err := work(t.Context(), "eu-west-1", protocol.Target{Name: "made-up"})
		if want := `{"message":"slept 0.5 s for made-up in eu-west-1"}`; err != nil || string(got) != want {
			t.Errorf("sleep = %s, %v; want %s", got, err, want)
		}
	})
}

func TestATargetThatIsNoServiceIsRefused(t *testing.T) {
	t.Parallel()
	got := task.Builtin().Check("resolve", nil, []string{"s3", "dynamodbb", "monitoring"})
	want := protocol.Faults{{Path: "targets[1]", Value: `"dynamodbb"`, Detail: `is not a service; did you mean "dynamodb"?`}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Check (-want +got):\n%s", diff)
	}
}

// Faults in the parameters do not hide faults in the targets.
func TestAllFaultsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		parameters string
		targets    []string
		want       []string
	}{
		{
			"both are wrong", `{"samples":21}`,
			[]string{"s3", "dynamodbb"},
			[]string{"parameters.samples: 21: out of range; want 1 to 20", `targets[1]: "dynamodbb": is not a service; did you mean "dynamodb"?`},
		},
		{
			"the URL is wrong for every target", `{"url":"ftp://{target}.example.com/"}`,
			[]string{"a", "b"},
			[]string{`parameters.url: "ftp://{target}.example.com/": want a URL that begins with https:// or http://`},
		},
		{
			"the URL is wrong for one", `{"url":"https://{target}.example.com/","samples":21}`,
			[]string{"a", "b/c"},
			[]string{
				"parameters.samples: 21: out of range; want 1 to 20",
				`targets[1]: "b/c": for {target} in a URL want letters, digits, dots, hyphens and underscores`,
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, fault := range task.Builtin().Check("probe", json.RawMessage(tt.parameters), tt.targets) {
				got = append(got, fault.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Check(probe, %s, %q) (-want +got):\n%s", tt.parameters, tt.targets, diff)
			}
		})
	}
}
