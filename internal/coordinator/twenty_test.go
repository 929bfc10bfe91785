package coordinator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"pgregory.net/rapid"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestTwentyRegionsSomeSlowSomeLostSomePanicking is the test to read first: one
// run with everything in it, coordinator and workers in one process and in
// virtual time. It asserts the whole result and how long it took.
func TestTwentyRegionsSomeSlowSomeLostSomePanicking(t *testing.T) {
	t.Parallel()
	// What each Region's worker, or the way to it, does. A Region that is not
	// listed answers after 100 ms. An invocation gives its targets 1.8 s; none
	// takes just that, for clocks that ring at once ring in either order.
	world := world{
		"ap-northeast-1": {target: slowly(1700 * time.Millisecond)},
		"ap-south-1":     {target: panics},
		"ca-central-1":   {way: lost},
		"eu-central-1":   {target: fails("Test.Broken")},
		"eu-north-1":     {target: skips},
		"eu-south-1":     {way: throttled(2)},
		"eu-west-2":      {way: garbled},
		"eu-west-3":      {way: stray},
		"il-central-1":   {way: crashed},
		"me-south-1":     {target: deaf},
		"sa-east-1":      {target: slowly(time.Hour)},
		"us-west-2":      {way: panicsOnTheWay},
	}
	request := protocol.Request{
		Name: "twenty",
		Task: "act",
		Regions: []string{
			"us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1", "eu-west-1", "eu-west-2",
			"eu-west-3", "eu-central-1", "eu-north-1", "eu-south-1", "ap-south-1", "ap-northeast-1", "ap-southeast-1",
			"ap-southeast-2", "me-south-1", "il-central-1", "af-south-1", "mx-central-1",
		},
		Targets:                 protocol.Targets("dynamodb", "s3", "sqs"),
		MaxTargetsPerInvocation: 2, // so that each Region takes two invocations
		RegionTimeoutSeconds:    2,
		TimeoutSeconds:          10,
		Retry: []protocol.Retrier{{
			ErrorEquals: []string{protocol.ErrorLambdaThrottled, protocol.ErrorTimeout}, MaxAttempts: new(2),
		}},
		ToleratedFailurePercentage: new(25.0),
	}
	var got protocol.Result
	var took time.Duration
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		c := &coordinator.Coordinator{Invoker: world.invoker(t), Tasks: world.tasks()}
		result := runRequest(t, c, request)
		got, took = result, time.Since(begin)
		time.Sleep(time.Hour) // let what was abandoned end, so that the bubble can
	})
	if want := 9 * time.Second; took != want {
		t.Errorf("Run took %v of virtual time, want %v", took, want)
	}
	assertGolden(t, "twenty.json", got)
}

// A world is what happens in each Region.
type world map[string]happening

// A happening is what a Region's worker does with each target, and what the way
// to the worker does with each invocation. Nil is the usual.
type happening struct {
	target func(ctx context.Context, target string) error
	way    func(ctx context.Context, attempt int, invoke func() ([]byte, error)) ([]byte, error)
}

// idempotent says whether what is done in this world may be done twice.
func (w world) idempotent(may bool) {
	if may {
		w["idempotent"] = happening{}
	}
}

// tasks returns a registry of one task, "act", that does what the world says.
func (w world) tasks() *task.Registry {
	var traits []task.Trait
	if _, may := w["idempotent"]; may {
		traits = append(traits, task.Idempotent)
	}
	return task.NewRegistry(task.New("act", "do what the test's world says",
		func(ctx context.Context, in task.Input[struct{}]) (map[string]string, error) {
			act := w[in.Region].target
			if act == nil {
				act = slowly(100 * time.Millisecond)
			}
			if err := act(ctx, in.Target.Name); err != nil {
				return nil, err
			}
			return map[string]string{"message": in.Target.Name + " is fine in " + in.Region}, nil
		}, traits...))
}

// invoker returns an Invoker that goes the world's ways to workers in this
// process. Invocations are numbered as requests, so that the result is the same
// every time.
func (w world) invoker(t rapid.TB) invokerFunc {
	t.Helper()
	worker := &regionworker.Worker{Tasks: w.tasks()}
	return func(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
		request, err := protocol.DecodeRegionRequest(payload)
		if err != nil {
			t.Errorf("the worker of %s was sent what it refuses: %v", region, err)
		}
		report := protocol.Attempt{RequestID: fmt.Sprintf("%s-%d-%d", region, request.Batch, request.Attempt)}
		invoke := func() ([]byte, error) { return worker.Handle(ctx, payload) }
		if way := w[region].way; way != nil {
			answer, err := way(ctx, request.Attempt, invoke)
			return answer, report, err
		}
		answer, err := invoke()
		return answer, report, err
	}
}

// An invokerFunc is an Invoker of one function.
type invokerFunc func(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error)

func (f invokerFunc) Invoke(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
	return f(ctx, region, payload)
}

// A named is an error with a name.
type named string

func (n named) Error() string { return "as the test wants it" }

func (n named) ErrorName() string { return string(n) }

// What a worker may do with a target.

func slowly(d time.Duration) func(context.Context, string) error {
	return func(ctx context.Context, _ string) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func fails(name string) func(context.Context, string) error {
	return func(context.Context, string) error { return named(name) }
}

func panics(_ context.Context, target string) error {
	if target == "s3" {
		panic("the task has a bug")
	}
	return nil
}

func skips(context.Context, string) error { return task.Skip("not offered here") }

func deaf(context.Context, string) error { time.Sleep(30 * time.Minute); return nil }

// What the way to a worker may do with an invocation.

func lost(ctx context.Context, _ int, _ func() ([]byte, error)) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func throttled(times int) func(context.Context, int, func() ([]byte, error)) ([]byte, error) {
	return func(_ context.Context, attempt int, work func() ([]byte, error)) ([]byte, error) {
		if attempt <= times {
			return nil, &invoke.Error{Name: protocol.ErrorLambdaThrottled, Message: "as the test wants it"}
		}
		return work()
	}
}

func garbled(context.Context, int, func() ([]byte, error)) ([]byte, error) {
	return []byte("<html>502 Bad Gateway</html>"), nil
}

func stray(_ context.Context, _ int, invoke func() ([]byte, error)) ([]byte, error) {
	answer, err := invoke()
	if err != nil {
		return nil, err
	}
	var result protocol.RegionResult
	err = json.Unmarshal(answer, &result)
	result.RunID = "of another run"
	answer, marshalErr := json.Marshal(result)
	return answer, errors.Join(err, marshalErr)
}

func crashed(context.Context, int, func() ([]byte, error)) ([]byte, error) {
	return nil, named("Runtime.ExitError")
}

func panicsOnTheWay(context.Context, int, func() ([]byte, error)) ([]byte, error) {
	panic("the way has a bug")
}

// assertGolden compares a result with a file of testdata, but for its id, which
// is different every time.
func assertGolden(t *testing.T, file string, r protocol.Result) {
	t.Helper()
	if len(r.RunID) != 26 {
		t.Errorf("run id %q has %d characters, want 26", r.RunID, len(r.RunID))
	}
	got, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(bytes.ReplaceAll(got, []byte(r.RunID), []byte("RUN")), '\n')
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}
