package runs_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/regionworker"
	"meridian/internal/runs"
	"meridian/internal/store"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// A run that has ended elsewhere can be redriven here: what succeeded is not done again, and the
// outcomes keep their order.
func TestImportKeepsARunThatHasEndedElsewhere(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		ran, broken := map[string]int{}, true
		tasks := task.NewRegistry(task.New("act", "fails for s3 in eu-west-1, and in us-east-1, while it is broken",
			func(_ context.Context, in task.Input[struct{}]) (string, error) {
				<-time.After(time.Second)
				mu.Lock()
				defer mu.Unlock()
				place := in.Region + " " + in.Target.Name
				ran[place]++
				if broken && (place == "eu-west-1 s3" || in.Region == "us-east-1") {
					return "", errors.New("it is broken")
				}
				return place, nil
			}))
		worker := &regionworker.Worker{Tasks: tasks}
		k := &runs.Keeper{
			Coordinator: &coordinator.Coordinator{Invoker: invoke.InProcess{Handle: worker.Handle}, Tasks: tasks},
			Store:       &store.Dir{Path: directory},
		}
		r := protocol.Request{
			Task: "act", Regions: []string{"us-west-2", "us-east-1", "eu-west-1"}, Targets: protocol.Targets("sqs", "s3", "ec2"), MaxTargetsPerInvocation: 2,
		}
		first, err := k.Coordinator.Run(t.Context(), r)
		if err != nil || first.Status != protocol.StatusFailed {
			t.Fatalf("Run = %s, %v; want FAILED", first.Status, err)
		}
		if err := k.Import(t.Context(), r, first); err != nil {
			t.Fatalf("Import = %v", err)
		}
		kept, err := k.Result(t.Context(), first.RunID)
		if diff := cmp.Diff(first, kept); diff != "" || err != nil {
			t.Errorf("Result after Import: %v (-imported +kept):\n%s", err, diff)
		}

		broken = false
		clear(ran)
		<-time.After(time.Hour)
		state, err := k.Redrive(t.Context(), first.RunID, protocol.Redrive{})
		if err != nil || state.Status != protocol.StatusSucceeded {
			t.Fatalf("Redrive = %+v, %v; want SUCCEEDED", state, err)
		}
		if diff := cmp.Diff(map[string]int{"eu-west-1 s3": 1, "us-east-1 sqs": 1, "us-east-1 s3": 1, "us-east-1 ec2": 1}, ran); diff != "" {
			t.Errorf("the redrive did again (-want +got):\n%s", diff)
		}
		var outputs []string
		for _, region := range state.Result.Regions {
			for _, target := range region.Targets {
				outputs = append(outputs, string(target.Output))
			}
		}
		want := `"us-west-2 sqs" "us-west-2 s3" "us-west-2 ec2" "us-east-1 sqs" "us-east-1 s3" "us-east-1 ec2" "eu-west-1 sqs" "eu-west-1 s3" "eu-west-1 ec2"`
		if got := strings.Join(outputs, " "); got != want {
			t.Errorf("the outputs are %s, want %s", got, want)
		}
	})
}

// A run that is kept already stays as it is, and a result of another request is a MismatchError.
func TestImportRefusesTheResultOfAnotherRequest(t *testing.T) {
	t.Parallel()
	tasks := task.Builtin()
	worker := &regionworker.Worker{Tasks: tasks}
	k := &runs.Keeper{
		Coordinator: &coordinator.Coordinator{Invoker: invoke.InProcess{Handle: worker.Handle}, Tasks: tasks},
		Store:       &store.Dir{Path: t.TempDir()},
	}
	r := protocol.Request{Regions: []string{"eu-west-1", "us-east-1"}, Targets: protocol.Targets("sqs", "s3")}
	result, err := k.Coordinator.Run(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*protocol.Request){
		"a Region is missing": func(r *protocol.Request) { r.Regions = r.Regions[:1] },
		"another order":       func(r *protocol.Request) { r.Regions = []string{"us-east-1", "eu-west-1"} },
		"another target":      func(r *protocol.Request) { r.Targets = protocol.Targets("sqs", "ec2") },
		"a target is missing": func(r *protocol.Request) { r.Targets = protocol.Targets("sqs") },
	} {
		other := r
		change(&other)
		if _, ok := errors.AsType[*runs.MismatchError](k.Import(t.Context(), other, result)); !ok {
			t.Errorf("%s: Import does not return a MismatchError", name)
		}
	}
	for range 2 {
		if err := k.Import(t.Context(), r, result); err != nil {
			t.Errorf("Import = %v", err)
		}
	}
	broken := protocol.Request{Regions: []string{"nowhere"}}
	if _, ok := errors.AsType[*protocol.InvalidRequestError](k.Import(t.Context(), broken, protocol.Result{RunID: "01JDCX4T9Q8Z6W3M5K7N2P0RSV"})); !ok {
		t.Error("Import of a request with a fault does not return an InvalidRequestError")
	}
}
