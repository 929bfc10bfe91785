package coordinator_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// line returns an event as a short line.
func line(e protocol.Event) string {
	text := fmt.Sprint(e.Sequence, " ", e.Type)
	switch e.Type {
	case protocol.EventRunStarted:
		text += fmt.Sprintf(" %d Regions, %d targets, %d invocations", e.Started.Regions, e.Started.Targets, e.Started.Invocations)
	case protocol.EventNotice:
		text += " " + e.Notice
	case protocol.EventAttemptStarted, protocol.EventAttemptEnded:
		text += fmt.Sprintf(" %s %d.%d", e.Region, e.Attempt.Batch, e.Number)
		if e.Attempt.Error != "" {
			text += fmt.Sprintf(" %s, wait %v ms", e.Attempt.Error, e.Attempt.WaitMs)
		}
		if e.Attempt.RequestID != "" {
			text += " " + e.Attempt.RequestID
		}
	case protocol.EventRegionSettled:
		text += fmt.Sprint(" ", e.Region, " ", e.Outcome.Status)
	case protocol.EventGenerationStarted, protocol.EventGenerationEnded:
		text += fmt.Sprint(" ", e.Generation.Number)
	case protocol.EventRunEnded:
		text += fmt.Sprint(" ", e.Ended.Status, " ", e.Ended.Message)
	}
	return text
}

func TestEventsTellARunInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		once := func(_ context.Context, attempt int, invoke func() ([]byte, error)) ([]byte, error) {
			if attempt == 1 {
				return nil, named("Test.Once")
			}
			return invoke()
		}
		w := world{"us-east-1": {target: slowly(3 * time.Second)}, "us-east-2": {way: once, target: slowly(time.Second)}}
		var got []string
		begin := time.Now()
		c := &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks(), MemoryMB: 1, Events: func(e protocol.Event) {
			got = append(got, line(e))
			if at := e.Time.Sub(begin); at != time.Since(begin) {
				t.Errorf("event %d has time %v after %v", e.Sequence, at, time.Since(begin))
			}
		}}
		r := protocol.Request{
			Task: "act", Regions: []string{"us-east-1", "us-east-2"}, MaxConcurrency: 2,
			Retry: []protocol.Retrier{{ErrorEquals: []string{"Test.Once"}}},
		}
		if _, err := c.Run(t.Context(), r); err != nil {
			t.Fatalf("Run = %v", err)
		}
		if diff := cmp.Diff([]string{
			"1 RUN_STARTED 2 Regions, 2 targets, 2 invocations",
			"2 ATTEMPT_STARTED us-east-1 0.1",
			"3 ATTEMPT_STARTED us-east-2 0.1",
			"4 ATTEMPT_ENDED us-east-2 0.1 Test.Once, wait 1000 ms us-east-2-0-1",
			"5 ATTEMPT_STARTED us-east-2 0.2",
			"6 ATTEMPT_ENDED us-east-2 0.2 us-east-2-0-2",
			"7 REGION_SETTLED us-east-2 SUCCEEDED",
			"8 ATTEMPT_ENDED us-east-1 0.1 us-east-1-0-1",
			"9 REGION_SETTLED us-east-1 SUCCEEDED",
			"10 RUN_ENDED SUCCEEDED That took 3.000 seconds",
		}, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// A limit that changes the run, and a Region that has nothing to do, are told before
// anything starts.
func TestNoticesAndEmptyRegionsAreToldFirst(t *testing.T) {
	t.Parallel()
	var got []string
	c := &coordinator.Coordinator{
		Tasks: world{}.tasks(), MemoryMB: 1, Events: func(e protocol.Event) { got = append(got, line(e)) },
		Invoker: invokerFunc(func(context.Context, string, []byte) ([]byte, protocol.Attempt, error) {
			return nil, protocol.Attempt{}, named("Test.Broken")
		}),
	}
	plan, err := c.Plan(protocol.Request{
		Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets(numbered(21)...), MaxTargetsPerInvocation: 1, FailFast: true,
	}, 0)
	if err != nil {
		t.Fatal(err)
	}
	plan.Regions = append(plan.Regions, coordinator.PlannedRegion{Region: "us-east-2"})
	c.Execute(t.Context(), plan)
	if diff := cmp.Diff([]string{
		"1 RUN_STARTED 2 Regions, 21 targets, 21 invocations",
		"2 NOTICE maxConcurrency is 20 here: more invocations in flight may not fit into the coordinator's memory",
		"3 REGION_SETTLED us-east-2 SKIPPED",
		"4 ATTEMPT_STARTED us-east-1 0.1",
	}, got[:4]); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// The log is made of the same events: a line for the start, for each notice, for each
// Region that did not succeed, and for the end.
func TestTheLogIsMadeOfEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w := world{"us-east-2": {target: fails("Test.Broken")}}
		c := &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks(), Log: slog.New(slog.NewTextHandler(&log, nil))}
		if _, err := c.Run(t.Context(), protocol.Request{Task: "act", Regions: []string{"us-east-1", "us-east-2"}}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for l := range strings.Lines(log.String()) {
			_, l, _ = strings.Cut(l, "msg=")
			l, _, _ = strings.Cut(l, " runId=")
			got = append(got, l)
		}
		want := []string{`"run started"`, `"region did not succeed"`, `"That took 0.100 seconds"`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	})
}

// A run whose events are printed as they happen.
func ExampleCoordinator_Run() {
	tasks := task.Builtin()
	worker := &regionworker.Worker{Tasks: tasks}
	c := &coordinator.Coordinator{
		Invoker: invoke.InProcess{Handle: worker.Handle},
		Tasks:   tasks,
		Events: func(e protocol.Event) {
			if e.Type == protocol.EventRegionSettled {
				fmt.Println(e.Sequence, e.Region, e.Outcome.Status)
			}
		},
	}
	result, err := c.Run(context.Background(), protocol.Request{
		Regions: []string{"eu-west-1", "us-east-1"}, Targets: protocol.Targets("dynamodb"), MaxConcurrency: 1,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Status, result.Summary.Targets.Succeeded, "targets")
	// Output:
	// 4 eu-west-1 SUCCEEDED
	// 7 us-east-1 SUCCEEDED
	// SUCCEEDED 2 targets
}

// A plan is a value: it can be stored, and run later, elsewhere.
func ExampleCoordinator_Execute() {
	tasks := task.Builtin()
	worker := &regionworker.Worker{Tasks: tasks}
	c := &coordinator.Coordinator{Invoker: invoke.InProcess{Handle: worker.Handle}, Tasks: tasks}
	plan, err := c.Plan(protocol.Request{Regions: []string{"eu-west-1"}, Targets: protocol.Targets("dynamodb", "s3")}, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	ready := c.Complete(context.Background(), plan, time.Now())
	stored, err := ready.Encode()
	if err != nil {
		fmt.Println(err)
		return
	}
	ready, err = coordinator.DecodeReady(stored)
	for _, r := range ready.Plan.Regions {
		fmt.Println(r.Region, r.Targets, r.Batches, err)
	}
	fmt.Println(c.Execute(context.Background(), ready.Plan).Status)
	// Output:
	// eu-west-1 [dynamodb s3] [2] <nil>
	// SUCCEEDED
}
