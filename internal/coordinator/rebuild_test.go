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
	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// attemptsOf lists the ends of attempts in the log, as "region number error settled".
func attemptsOf(k *keeper) (lines []string) {
	for _, e := range k.events(protocol.EventAttemptEnded) {
		settled := protocol.Status("")
		if e.Answer != nil {
			settled = e.Answer.Settled
		}
		lines = append(lines, fmt.Sprintf("%s %d %s %s", e.Region, e.Number, e.Attempt.Error, settled))
	}
	return lines
}

// An attempt whose coordinator dies ends once, with an error that says so.
func TestAnAttemptThatIsLostEndsOnce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		idempotent bool
		want       []string
		status     protocol.Status
	}{
		{true, []string{"us-east-1 1 Meridian.Interrupted ", "us-east-1 2 Meridian.Interrupted ", "us-east-1 3  SUCCEEDED"}, protocol.StatusSucceeded},
		{false, []string{"us-east-1 1 Meridian.Interrupted FAILED"}, protocol.StatusFailed},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := world{"us-east-1": {target: slowly(5 * time.Second)}}
			w.idempotent(test.idempotent)
			k := keep(t, &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}, protocol.Request{Task: "act", Regions: someRegions(1)}, 0)
			k.carry(2, nil) // it writes the start of the run and that of the attempt
			time.Sleep(time.Minute)
			k.carry(2, nil)
			time.Sleep(time.Minute)
			result := k.finish()
			k.checkRebuilt(result)
			if diff := cmp.Diff(test.want, attemptsOf(k)); diff != "" {
				t.Errorf("ends of attempts (-want +got):\n%s", diff)
			}
			a := result.Regions[0].Attempts[0]
			if result.Status != test.status || !strings.Contains(a.Cause, "may have run") || a.ElapsedMs <= 0 && test.idempotent {
				t.Errorf("the run is %s, its first attempt %+v; want %s, and one that may have been done", result.Status, a, test.status)
			}
			if !test.idempotent && (result.Regions[0].Error != protocol.ErrorInterrupted || !strings.Contains(result.Regions[0].Targets[0].Error, protocol.ErrorInterrupted)) {
				t.Errorf("the Region is %+v, want it interrupted", result.Regions[0])
			}
		})
	}
}

// Work that may not be done twice is invoked only when its start is in the log.
func TestWhatMayNotBeDoneTwiceIsNotInvokedBeforeItsStartIsInTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		done := 0
		w := world{"us-east-1": {target: func(context.Context, string) error { done++; return nil }}}
		k := keep(t, &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}, protocol.Request{Task: "act", Regions: someRegions(1)}, 0)
		for lines := range 2 {
			if k.carry(lines, nil); done != 0 {
				t.Errorf("with %d lines in the log, the work was done", lines)
			}
		}
		if result := k.finish(); result.Status != protocol.StatusSucceeded || done != 1 {
			t.Errorf("the run is %s, and its work was done %d times; want SUCCEEDED, once", result.Status, done)
		}
	})
}

func TestTheResultOfARunThatHasNotEndedIsRunning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := world{
			"us-east-1": {target: slowly(time.Second)}, "us-east-2": {target: slowly(30 * time.Second)},
			"us-west-1": {way: crashesUntil(9)}, "us-west-2": {target: slowly(30 * time.Second)},
		}
		w.idempotent(true)
		k := keep(t, &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}, protocol.Request{
			Task: "act", Regions: someRegions(4), MaxConcurrency: 2, Retry: again(1),
		}, 0)
		rebuilt := make(chan protocol.Result, 1)
		go func() {
			time.Sleep(10 * time.Second)
			rebuilt <- k.rebuild()
		}()
		result := k.finish()
		got := <-rebuilt
		if want := []string{"us-east-1 SUCCEEDED x1", "us-east-2 RUNNING x0", "us-west-1 RUNNING x1", "us-west-2 RUNNING x0"}; !cmp.Equal(want, tallied(got)) {
			t.Errorf("after ten seconds: %q, want %q", tallied(got), want)
		}
		s := got.Summary
		if got.Status != protocol.StatusRunning || s.Regions.Running != 3 || s.Regions.Succeeded != 1 || s.Attempts != 2 || got.ElapsedMs != 10_000 || got.Error != "" {
			t.Errorf("after ten seconds it is %s after %v ms, %+v; want RUNNING", got.Status, got.ElapsedMs, s)
		}
		if out := got.Regions[0].Targets[0].Output; len(out) == 0 {
			t.Error("the Region that has settled has no output")
		}
		k.checkRebuilt(result)
	})
}

func TestARedriveIsOfWhatItSelects(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		d    protocol.Redrive
		want []string // what is done again
		n    int      // invocations that are selected
	}{
		{"all", protocol.Redrive{}, []string{one + " eu-west-1", two + " eu-north-1", two + " eu-west-1"}, 3},
		{"Regions", protocol.Redrive{Regions: []string{"eu-north-*", "us-east-1"}}, []string{two + " eu-north-1"}, 1},
		{"no Region", protocol.Redrive{Regions: []string{"us-east-1"}}, nil, 0},
		{"an empty list", protocol.Redrive{Regions: []string{}}, nil, 0},
		{"a pattern that is none", protocol.Redrive{Regions: []string{"["}}, nil, 0},
		{"an account", protocol.Redrive{Accounts: []string{two}}, []string{two + " eu-north-1", two + " eu-west-1"}, 2},
		{"the name of an account", protocol.Redrive{Accounts: []string{"prod"}}, []string{one + " eu-west-1"}, 1},
		{"the error of a Region", protocol.Redrive{Errors: []string{"States.TaskFailed"}}, []string{one + " eu-west-1", two + " eu-north-1", two + " eu-west-1"}, 3},
		{"the error of a target", protocol.Redrive{Errors: []string{"Boom"}}, []string{one + " eu-west-1", two + " eu-north-1", two + " eu-west-1"}, 3},
		{"another error", protocol.Redrive{Errors: []string{"Bang"}}, nil, 0},
		{"a Region of an account", protocol.Redrive{Accounts: []string{two}, Regions: []string{"eu-west-1"}}, []string{two + " eu-west-1"}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				broken := true
				worker := &bank{do: func(account, region, _ string, _ int) (any, error) {
					if broken && (region == "eu-west-1" || account == two && region == "eu-north-1") {
						return nil, errors.New("bad")
					}
					return nil, nil
				}}
				c := &coordinator.Coordinator{Invoker: worker, Tasks: task.Builtin()}
				k := keep(t, c, protocol.Request{
					Role: "reader", Accounts: []protocol.Account{{ID: one, Name: "prod"}, {ID: two}},
					Regions: []string{"eu-west-1", "eu-north-1", "us-east-1"}, MaxConcurrency: 1,
				}, 0)
				if result := k.finish(); result.Summary.Regions.Failed != 3 {
					t.Fatalf("%+v, want 3 failed", result.Summary.Regions)
				}
				if n := k.past().Selects(&test.d); n != test.n {
					t.Errorf("Selects = %d, want %d", n, test.n)
				}
				broken = false
				worker.requests = nil
				result, ended := k.carry(1e9, &test.d)
				k.checkRebuilt(result)
				var again []string
				for _, r := range worker.requests {
					again = append(again, r.Account.Account+" "+r.Region)
				}
				slices.Sort(again)
				if diff := cmp.Diff(test.want, again); diff != "" {
					t.Errorf("done again (-want +got):\n%s", diff)
				}
				if want := 3 - test.n; !ended || result.Summary.Regions.Failed != want || (result.Status == protocol.StatusSucceeded) != (want == 0) {
					t.Errorf("the run is %s, %+v; want %d failed", result.Status, result.Summary.Regions, want)
				}
			})
		})
	}
}

// What a redrive leaves as it is, and was not done, keeps the run from succeeding.
func TestARedriveOfAPartLeavesTheRestUndone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := true
		w := world{"us-east-1": {target: func(context.Context, string) error {
			if broken {
				return named("Test.Broken")
			}
			return nil
		}}}
		k := keep(t, &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}, protocol.Request{
			Task: "act", Regions: someRegions(3), MaxConcurrency: 1, FailFast: true,
		}, 0)
		checkTallied(t, k.finish(), protocol.StatusFailed, "us-east-1 FAILED States.ExceedToleratedFailureThreshold x1", "us-east-2 NOT_STARTED x0", "us-west-1 NOT_STARTED x0")
		broken = false
		result, _ := k.carry(1e9, &protocol.Redrive{Regions: []string{"us-east-1"}})
		k.checkRebuilt(result)
		checkTallied(t, result, protocol.StatusAborted, "us-east-1 SUCCEEDED x2", "us-east-2 NOT_STARTED x0", "us-west-1 NOT_STARTED x0")
		result, _ = k.carry(1e9, &protocol.Redrive{})
		k.checkRebuilt(result)
		checkTallied(t, result, protocol.StatusSucceeded, "us-east-1 SUCCEEDED x2", "us-east-2 SUCCEEDED x1", "us-west-1 SUCCEEDED x1")
	})
}

// The fields of a redrive replace those of the request, for that redrive only.
func TestARedriveHasItsOwnPolicies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := world{"us-east-1": {way: crashesUntil(99)}}
		w.idempotent(true)
		k := keep(t, &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}, protocol.Request{Task: "act", Regions: someRegions(1), Retry: again(1)}, 0)
		attempts := 2
		checkAttempts := func(result protocol.Result) {
			k.checkRebuilt(result)
			if n := len(result.Regions[0].Attempts); n != attempts {
				t.Errorf("%d attempts, want %d", n, attempts)
			}
		}
		checkAttempts(k.finish())
		for _, test := range []struct {
			d    protocol.Redrive
			more int
		}{{protocol.Redrive{Retry: again(4)}, 5}, {protocol.Redrive{}, 2}, {protocol.Redrive{Retry: []protocol.Retrier{}}, 1}} {
			result, _ := k.carry(1e9, &test.d)
			attempts += test.more
			checkAttempts(result)
		}
	})
}

func TestANoticeIsToldOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := world{}
		w.idempotent(true)
		for _, region := range someRegions(3) {
			w[region] = happening{target: slowly(5 * time.Second)}
		}
		k := keep(t, &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}, protocol.Request{
			Task: "act", Regions: someRegions(3), MaxConcurrency: 1, Hedge: &protocol.Hedge{AfterSeconds: 100},
		}, 10*time.Second)
		result := k.finish()
		k.checkRebuilt(result)
		var told []string
		for _, e := range k.events(protocol.EventNotice) {
			told = append(told, e.Notice)
		}
		if diff := cmp.Diff(result.Notices, told); diff != "" || len(told) != 1 || result.Generations < 2 {
			t.Errorf("notices after %d generations (-result +log):\n%s", result.Generations, diff)
		}
	})
}

// secretive is the parameters of a task whose outputs have secrets, apart from those of "open".
type secretive struct{}

func (*secretive) SecretTarget(target string) bool { return target != "open" }

func TestOutputsThatCanHaveSecretsAreNotKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tasks := task.NewRegistry(task.New("ask", "hand out what is asked for",
			func(_ context.Context, in task.Input[secretive]) (string, error) {
				return strings.Repeat(in.Target.Name, 40_000), nil
			}, task.Idempotent))
		c := &coordinator.Coordinator{Tasks: tasks, Invoker: invoke.InProcess{Handle: (&regionworker.Worker{Tasks: tasks}).Handle}}
		k := keep(t, c, protocol.Request{Task: "ask", Regions: someRegions(1), Targets: protocol.Targets("open", "key")}, 0)
		result := k.finish()
		if len(result.Regions[0].Targets[1].Output) < 40_000 {
			t.Error("the result of the generation does not have the output")
		}
		kept, err := json.Marshal(c.WithoutSecrets(&k.ready.Plan, result))
		if err != nil {
			t.Fatal(err)
		}
		stored := slices.Concat(slices.Concat(k.book.lines...), kept)
		for _, data := range k.book.beside {
			stored = append(stored, data...)
		}
		if strings.Contains(string(stored), "keykey") || !strings.Contains(string(stored), "openopen") {
			t.Error("what is kept has the secret, or does not have the other output")
		}
		again := k.rebuild().Regions[0].Targets
		if len(again[0].Output) < 40_000 || again[1].Output != nil || again[1].DroppedOutputBytes < 40_000 {
			t.Errorf("the result of the log has outputs of %d and %d bytes, want the first only", len(again[0].Output), len(again[1].Output))
		}
		if n := c.WithoutSecrets(&k.ready.Plan, result).Notices; !slices.Contains(n, "outputs that can have secrets are not kept") {
			t.Errorf("notices %q do not say that outputs are not kept", n)
		}
		if len(result.Regions[0].Targets[1].Output) < 40_000 {
			t.Error("WithoutSecrets has changed the result")
		}
	})
}

// A run costs what its coordinators cost, for as long as each has worked, and what its workers
// cost.
func TestTheCostIsThatOfAllGenerations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := world{"us-east-1": {way: crashesUntil(2)}}
		w.idempotent(true)
		c := &coordinator.Coordinator{
			Invoker: w.invoker(t), Tasks: w.tasks(), MemoryMB: 1024,
			Billing: coordinator.Billing{Region: "eu-west-1", Architecture: "arm64", WorkerMemoryMB: 128},
		}
		k := keep(t, c, protocol.Request{Task: "act", Regions: someRegions(1), Retry: again(1)}, 20*time.Second)
		result := k.finish()
		k.checkRebuilt(result)
		cost := result.Summary.Cost
		if n := cost.Coordinator.Requests; n != result.Generations || n < 3 {
			t.Errorf("the coordinator was invoked %d times in %d generations, want 3 or more", n, result.Generations)
		}
		whole := time.Duration(result.ElapsedMs) * time.Millisecond
		if billed := time.Duration(cost.Coordinator.BilledDurationMs) * time.Millisecond; billed > whole || billed <= 0 {
			t.Errorf("coordinators are billed %v of a run that took %v", billed, whole)
		}
		if cost.USD <= cost.Coordinator.USD && cost.Workers.Requests > 0 || cost.Coordinator.USD <= 0 {
			t.Errorf("the cost is %+v", cost)
		}
	})
}

// What a History has is not changed by the run that carries it on: it can be added to, and be
// carried on again.
func TestAHistoryIsNotChangedByTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		w := world{"us-east-1": {target: slowly(5 * time.Second)}, "us-east-2": {target: fails("Test.Broken")}}
		k := keep(t, &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}, protocol.Request{Task: "act", Regions: someRegions(2)}, 0)
		k.carry(4, nil)
		time.Sleep(time.Minute)
		h := k.history(nil)
		before := k.c.Rebuild(k.ready, k.begin, h)
		mu.Lock()
		defer mu.Unlock()
		p := &pen{book: &book{beside: map[string][]byte{}}, dies: 1e9, dead: func() {}}
		for range 2 {
			result, ended := k.c.Carry(t.Context(), k.ready, coordinator.Generation{Log: p, History: h, Begin: k.begin})
			checkTallied(t, result, protocol.StatusFailed, "us-east-1 FAILED Meridian.Interrupted x1", "us-east-2 FAILED States.ExceedToleratedFailureThreshold x1")
			if after := k.c.Rebuild(k.ready, k.begin, h); !ended || !cmp.Equal(before.Regions, after.Regions) {
				t.Errorf("the history has changed: %s", cmp.Diff(before.Regions, after.Regions))
			}
		}
	})
}

func TestAnEventThatDoesNotFitThePlanIsAnError(t *testing.T) {
	t.Parallel()
	c := &coordinator.Coordinator{Invoker: &bank{}, Tasks: task.Builtin()}
	k := keep(t, c, protocol.Request{Regions: someRegions(1)}, 0)
	started := &protocol.Attempt{}
	for _, test := range []struct {
		name string
		e    protocol.Event
		want string
	}{
		{"a Region", protocol.Event{Type: protocol.EventRegionSettled, Outcome: &protocol.RegionOutcome{Region: "eu-west-1"}}, "event 7: the plan has no eu-west-1"},
		{"an attempt", protocol.Event{Type: protocol.EventAttemptStarted, Region: "eu-west-1", Attempt: started}, "event 7: the plan has no batch 0 of eu-west-1"},
		{"a batch", protocol.Event{Type: protocol.EventAttemptEnded, Region: "us-east-1", Attempt: &protocol.Attempt{Batch: 3}}, "event 7: the plan has no batch 3 of us-east-1"},
		{
			"an answer",
			protocol.Event{Type: protocol.EventAttemptEnded, Region: "us-east-1", Attempt: started, Answer: &protocol.Answer{StoredAs: "a"}},
			"event 7: no a",
		},
	} {
		h := coordinator.NewHistory(&k.ready, func(key string) ([]byte, error) { return nil, errors.New("no " + key) })
		test.e.Sequence = 7
		if err := h.Add(test.e); err == nil || err.Error() != test.want {
			t.Errorf("%s: Add = %v, want %s", test.name, err, test.want)
		}
	}
}
