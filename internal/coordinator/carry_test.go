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

// again is a retrier of a request for any error, after a minute.
func again(retries int) []protocol.Retrier {
	return []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorAll}, IntervalSeconds: 60, BackoffRate: 1, MaxAttempts: &retries}}
}

// tallied lists the Regions of a result as "region STATUS error xattempts".
func tallied(r protocol.Result) (lines []string) {
	for _, o := range r.Regions {
		lines = append(lines, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s x%d", o.Account, o.Region, o.Status, o.Error, len(o.Attempts))), " "))
	}
	return lines
}

// checkTallied checks the status of a run, and its Regions.
func checkTallied(t *testing.T, got protocol.Result, status protocol.Status, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, tallied(got)); diff != "" || got.Status != status {
		t.Errorf("the run is %s (%s: %s), want %s; Regions (-want +got):\n%s", got.Status, got.Error, got.Cause, status, diff)
	}
}

func TestARunOfOneGenerationIsThatOfARunThatIsNotKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := world{"us-east-2": {target: fails("Test.Broken")}, "us-west-1": {target: skips}, "us-west-2": {way: garbled}}
		w.idempotent(true)
		c := &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}
		request := protocol.Request{Task: "act", Regions: someRegions(6), Targets: protocol.Targets("s3", "ec2"), ToleratedFailureCount: new(1)}
		want, err := c.Run(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		got := keep(t, c, request, 0).finish()
		want.RunID, want.StartedAt, want.Generations = got.RunID, got.StartedAt, 1
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("result (-not kept +kept):\n%s", diff)
		}
	})
}

func TestAHedgeIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		called := 0
		w := world{"us-east-1": {way: func(ctx context.Context, _ int, invoke func() ([]byte, error)) ([]byte, error) {
			mu.Lock()
			called++
			first := called == 1
			mu.Unlock()
			if first {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return invoke()
		}}, "us-east-2": {way: crashesUntil(2)}}
		w.idempotent(true)
		c := &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}
		k := keep(t, c, protocol.Request{
			Task: "act", Regions: someRegions(2), Retry: again(1), Hedge: &protocol.Hedge{AfterSeconds: 1, MaxExtraPercentage: 50},
		}, 20*time.Second)
		result := k.finish()
		k.checkRebuilt(result)
		checkTallied(t, result, protocol.StatusSucceeded, "us-east-1 SUCCEEDED x2", "us-east-2 SUCCEEDED x2")
		a := result.Regions[0].Attempts
		if s := result.Summary; s.Hedges != 1 || s.Retries != 1 || a[0].Cause != "another attempt answered first" || !a[1].Hedge || called != 2 {
			t.Errorf("%d hedges, %d retries, attempts %+v; want one of each, and the hedge last", s.Hedges, s.Retries, a)
		}
	})
}

// crashesUntil returns a way that crashes until there was this number of attempts.
func crashesUntil(attempt int) func(context.Context, int, func() ([]byte, error)) ([]byte, error) {
	return func(_ context.Context, n int, invoke func() ([]byte, error)) ([]byte, error) {
		if n < attempt {
			return nil, named("Runtime.ExitError")
		}
		return invoke()
	}
}

// The targets of a large answer are stored beside the log, so that it can be read without them.
func TestALargeAnswerIsStoredBesideTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		worker := &bank{do: func(_, _, _ string, attempt int) (any, error) {
			if attempt == 1 {
				return strings.Repeat("a", 70<<10), nil
			}
			return strings.Repeat("b", 100), nil
		}}
		c := &coordinator.Coordinator{Invoker: worker, Tasks: task.Builtin()}
		k := keep(t, c, protocol.Request{Task: "call", Regions: someRegions(2)}, 0)
		result := k.finish()
		k.checkRebuilt(result)
		if n := len(k.book.beside); n != 2 {
			t.Errorf("%d answers are stored, want 2", n)
		}
		for _, line := range k.book.lines {
			if len(line) > 10<<10 {
				t.Errorf("a line of the log has %d bytes", len(line))
			}
		}
	})
}

func TestTheRegionsOfAnAccountAreCarriedOnTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		worker := &bank{do: func(account, region, target string, attempt int) (any, error) {
			if account == two && (region == "us-east-1" && attempt < 3 || region == "sa-east-1" && target == "ec2") {
				return nil, errors.New("not yet")
			}
			return account + region + target, nil
		}}
		c := &coordinator.Coordinator{Invoker: worker, Tasks: task.Builtin(), Bundle: true, MemoryMB: 512}
		k := keep(t, c, protocol.Request{
			Role: "reader", Accounts: accountsOf(one, two), Regions: []string{"eu-west-1", "us-east-1", "sa-east-1"},
			Targets: protocol.Targets("s3", "ec2"), Retry: again(3), ToleratedFailureCount: new(1),
		}, 20*time.Second)
		result := k.finish()
		k.checkRebuilt(result)
		checkTallied(t, result, protocol.StatusSucceeded, one+" eu-west-1 SUCCEEDED x1", one+" us-east-1 SUCCEEDED x1", one+" sa-east-1 SUCCEEDED x1",
			two+" eu-west-1 SUCCEEDED x4", two+" us-east-1 SUCCEEDED x4", two+" sa-east-1 FAILED States.TaskFailed x4")
		all := " eu-west-1[s3 ec2] us-east-1[s3 ec2] sa-east-1[s3 ec2]"
		want := []string{one + " 1" + all, two + " 1" + all, two + " 2 us-east-1[s3 ec2] sa-east-1[ec2]", two + " 3 us-east-1[s3 ec2] sa-east-1[ec2]", two + " 4 sa-east-1[ec2]"}
		if diff := cmp.Diff(want, worker.sent()); diff != "" {
			t.Errorf("invocations (-want +got):\n%s", diff)
		}
		if s := result.Summary; s.Attempts != 5 || s.Retries != 3 || result.Generations < 4 {
			t.Errorf("%d attempts, %d retries in %d generations; want 5 and 3 in 4 or more", s.Attempts, s.Retries, result.Generations)
		}
	})
}

func TestTheTargetsOfAFunctionAreTriedAgainInTheNextGeneration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &callers{answer: func(_ context.Context, payload string) (string, error) {
			a := ask(payload)
			var failures []string
			for _, target := range a.Targets {
				if name, ok := strings.CutPrefix(target.Target, "fails-"); ok && (name != "Busy" || a.Attempt < 3) {
					failures = append(failures, fmt.Sprintf(`{"target":%q,"error":%q,"cause":"attempt %d"}`, target.Target, name, a.Attempt))
				}
			}
			return `{"failures":[` + strings.Join(failures, ",") + `]}`, nil
		}}
		k := keep(t, &coordinator.Coordinator{Tasks: task.Builtin(), Functions: f.functions}, protocol.Request{
			Worker: &protocol.Worker{Function: "my-check", Idempotent: true}, Regions: []string{"eu-west-1"}, MaxTargetsPerInvocation: 9,
			Targets: protocol.Targets("ok", "fails-Broken", "fails-Busy", "fails-Slow"), TargetRetry: []protocol.Retrier{
				{ErrorEquals: []string{"Busy"}, MaxAttempts: new(5), IntervalSeconds: 60}, {ErrorEquals: []string{"Slow"}, MaxAttempts: new(1), IntervalSeconds: 60},
			},
		}, 20*time.Second)
		result := k.finish()
		k.checkRebuilt(result)
		want := []string{
			"eu-west-1 ok SUCCEEDED  x1",
			"eu-west-1 fails-Broken FAILED  x1 Broken: attempt 1",
			"eu-west-1 fails-Busy SUCCEEDED  x3",
			"eu-west-1 fails-Slow FAILED  x4 Slow: attempt 4",
		}
		if diff := cmp.Diff(want, lines(result)); diff != "" || result.Generations < 4 {
			t.Errorf("after %d generations, outcomes (-want +got):\n%s", result.Generations, diff)
		}
	})
}

func TestAWaveBeginsInTheGenerationInWhichTheOneBeforeEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := world{}
		w.idempotent(true)
		for _, region := range someRegions(6) {
			w[region] = happening{target: slowly(5 * time.Second)}
		}
		w["us-east-2"] = happening{target: func(ctx context.Context, target string) error {
			return errors.Join(slowly(5*time.Second)(ctx, target), named("Test.Broken"))
		}}
		c := &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}
		k := keep(t, c, protocol.Request{
			Task: "act", Regions: someRegions(6), MaxConcurrency: 1, ToleratedFailureCount: new(1),
			Waves: []protocol.Wave{{Regions: []string{"us-*"}}},
		}, 20*time.Second)
		first, ended := k.carry(1e9, nil)
		if ended {
			t.Fatal("the run has ended in its first generation")
		}
		checkTallied(t, first, protocol.StatusRunning, "us-east-1 SUCCEEDED x1", "us-east-2 FAILED States.ExceedToleratedFailureThreshold x1",
			"us-west-1 SUCCEEDED x1", "us-west-2 NOT_STARTED x0", "eu-west-1 NOT_STARTED x0", "eu-west-2 NOT_STARTED x0")
		if n := len(k.events(protocol.EventRegionSettled)); n != 3 {
			t.Errorf("%d Regions have settled, want 3", n)
		}
		result := k.finish()
		k.checkRebuilt(result)
		checkTallied(t, result, protocol.StatusSucceeded, "us-east-1 SUCCEEDED x1", "us-east-2 FAILED States.ExceedToleratedFailureThreshold x1",
			"us-west-1 SUCCEEDED x1", "us-west-2 SUCCEEDED x1", "eu-west-1 SUCCEEDED x1", "eu-west-2 SUCCEEDED x1")
		if n := len(k.events(protocol.EventRegionSettled)); n != 6 {
			t.Errorf("%d Regions have settled, want each once", n)
		}
	})
}

func TestAWaveThatIsNotReachedAgainKeepsWhatItHas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := "us-east-1 eu-west-1"
		w := world{}
		for _, region := range someRegions(6) {
			w[region] = happening{target: func(context.Context, string) error {
				if strings.Contains(broken, region) {
					return named("Test.Broken")
				}
				return nil
			}}
		}
		k := keep(t, &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}, protocol.Request{
			Task: "act", Regions: someRegions(6), ToleratedFailureCount: new(1), Waves: []protocol.Wave{{Regions: []string{"us-*"}}},
		}, 0)
		const failed = " FAILED States.ExceedToleratedFailureThreshold x"
		checkTallied(t, k.finish(), protocol.StatusFailed, "us-east-1"+failed+"1", "us-east-2 SUCCEEDED x1", "us-west-1 SUCCEEDED x1", "us-west-2 SUCCEEDED x1",
			"eu-west-1"+failed+"1", "eu-west-2 SUCCEEDED x1")
		slow := 10.0
		w["us-east-1"] = happening{target: slowly(time.Hour)}
		k.c = &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}
		result, _ := k.carry(1e9, &protocol.Redrive{TimeoutSeconds: &slow})
		k.checkRebuilt(result)
		if got := tallied(result); got[5] != "eu-west-2 SUCCEEDED x1" || got[4] == "eu-west-1 NOT_STARTED x0" {
			t.Errorf("after a redrive that did not get to the second wave: %q", got)
		}
	})
}

func TestTheRunStopsAsSoonAsMoreHaveFailedThanIsToleratedInAllGenerations(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		set  func(*protocol.Request)
		fail []string
		want protocol.Status
		done int // Regions with an attempt
	}{
		{"failFast", func(r *protocol.Request) { r.FailFast, r.ToleratedFailureCount = true, new(1) }, []string{"us-east-1", "eu-west-1"}, protocol.StatusFailed, 5},
		{"minSuccessful", func(r *protocol.Request) { r.MinSuccessful = 5 }, []string{"us-east-1"}, protocol.StatusSucceeded, 6},
		{"minSuccessful that cannot be", func(r *protocol.Request) { r.MinSuccessful, r.FailFast = 11, true }, []string{"us-east-1", "us-east-2"}, protocol.StatusFailed, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := world{}
				w.idempotent(true)
				for _, region := range someRegions(12) {
					w[region] = happening{target: func(ctx context.Context, target string) error {
						if slices.Contains(test.fail, region) {
							return errors.Join(slowly(5*time.Second)(ctx, target), named("Test.Broken"))
						}
						return slowly(5*time.Second)(ctx, target)
					}}
				}
				request := protocol.Request{Task: "act", Regions: someRegions(12), MaxConcurrency: 1}
				test.set(&request)
				k := keep(t, &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}, request, 20*time.Second)
				result := k.finish()
				k.checkRebuilt(result)
				if result.Status != test.want || result.Summary.Attempts != test.done || result.Summary.Regions.NotStarted != 12-test.done {
					t.Errorf("the run is %s after %d attempts, %+v; want %s after %d", result.Status, result.Summary.Attempts, result.Summary.Regions, test.want, test.done)
				}
				if n := len(k.events(protocol.EventRegionSettled)); n != 12 {
					t.Errorf("%d Regions have settled, want each once", n)
				}
			})
		})
	}
}

func TestTheTimeOfARunIsThatOfAllItsGenerations(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		timeout        float64
		longest        time.Duration
		last           bool
		status         protocol.Status
		after, atMost  time.Duration
		done, mostDone int
	}{
		{"neither bound", 0, 0, false, protocol.StatusSucceeded, 60 * time.Second, 120 * time.Second, 12, 12},
		{"timeoutSeconds", 45, 0, false, protocol.StatusTimedOut, 30 * time.Second, 47 * time.Second, 4, 8},
		{"Longest", 0, 45 * time.Second, false, protocol.StatusTimedOut, 30 * time.Second, 47 * time.Second, 4, 8},
		{"the shorter of both", 300, 45 * time.Second, false, protocol.StatusTimedOut, 30 * time.Second, 47 * time.Second, 4, 8},
		{"no other generation follows", 0, 0, true, protocol.StatusTimedOut, 10 * time.Second, 20 * time.Second, 2, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := world{}
				w.idempotent(true)
				for _, region := range someRegions(12) {
					w[region] = happening{target: slowly(5 * time.Second)}
				}
				k := keep(t, &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}, protocol.Request{
					Task: "act", Regions: someRegions(12), MaxConcurrency: 1, TimeoutSeconds: test.timeout,
				}, 20*time.Second)
				k.longest, k.last = test.longest, test.last
				result := k.finish()
				k.checkRebuilt(result)
				took := time.Duration(result.ElapsedMs * float64(time.Millisecond))
				if result.Status != test.status || took < test.after || took > test.atMost {
					t.Errorf("the run is %s after %v, want %s after %v to %v", result.Status, took, test.status, test.after, test.atMost)
				}
				if n := result.Summary.Regions.Succeeded; n < test.done || n > test.mostDone {
					t.Errorf("%d Regions succeeded, want %d to %d", n, test.done, test.mostDone)
				}
			})
		})
	}
}

func TestNothingStartsWhenTheTimeOfTheRunIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		done := 0
		w := world{"us-east-1": {target: func(ctx context.Context, target string) error {
			done++
			return slowly(5*time.Second)(ctx, target)
		}}}
		w.idempotent(true)
		k := keep(t, &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}, protocol.Request{Task: "act", Regions: someRegions(2), MaxConcurrency: 1, TimeoutSeconds: 10}, 0)
		k.carry(2, nil)
		time.Sleep(time.Minute)
		result := k.finish()
		k.checkRebuilt(result)
		checkTallied(t, result, protocol.StatusTimedOut, "us-east-1 TIMED_OUT States.Timeout x1", "us-east-2 NOT_STARTED x0")
		if done != 1 || !strings.HasPrefix(result.Cause, "run timed out after 10s") {
			t.Errorf("the work was done %d times, and the cause is %q; want once, and that the run timed out after 10s", done, result.Cause)
		}
	})
}

// Each redrive has the time of the run again.
func TestTheTimeOfARedriveBeginsWithIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := world{"us-east-1": {target: slowly(time.Hour)}}
		k := keep(t, &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}, protocol.Request{Task: "act", Regions: someRegions(1), TimeoutSeconds: 30}, 0)
		if result := k.finish(); result.Status != protocol.StatusTimedOut {
			t.Errorf("the run is %s, want TIMED_OUT", result.Status)
		}
		time.Sleep(time.Hour)
		for _, test := range []struct {
			d       protocol.Redrive
			longest time.Duration
			want    time.Duration
		}{{protocol.Redrive{}, 0, 30 * time.Second}, {protocol.Redrive{TimeoutSeconds: new(10.0)}, 0, 10 * time.Second}, {protocol.Redrive{}, 5 * time.Second, 5 * time.Second}} {
			k.longest = test.longest
			begin := time.Now()
			result, ended := k.carry(1e9, &test.d)
			k.checkRebuilt(result)
			if took := time.Since(begin); !ended || result.Status != protocol.StatusTimedOut || took < test.want-time.Second || took > test.want+3*time.Second {
				t.Errorf("the redrive %+v is %s after %v, want TIMED_OUT after %v", test.d, result.Status, took, test.want)
			}
		}
	})
}

// A generation starts nothing that would be cut by its end, as far as that is known.
func TestAGenerationStartsNothingThatItsEndWouldCut(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		request protocol.Request
		takes   time.Duration
		cut     int // attempts
	}{
		{"regionTimeoutSeconds says how long it takes", protocol.Request{RegionTimeoutSeconds: 40}, 39 * time.Second, 0},
		{"nothing is known", protocol.Request{}, 20 * time.Second, 0},
		{"it takes longer than a quarter of the time", protocol.Request{}, 70 * time.Second, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := world{}
				w.idempotent(true)
				for _, region := range someRegions(4) {
					w[region] = happening{target: slowly(test.takes)}
				}
				r := test.request
				r.Task, r.Regions, r.MaxConcurrency = "act", someRegions(4), 1
				k := keep(t, &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}, r, 100*time.Second)
				result := k.finish()
				k.checkRebuilt(result)
				if n := result.Summary.Attempts - 4; result.Status != protocol.StatusSucceeded || min(n, 1) != test.cut {
					t.Errorf("the run is %s, and %d attempts were cut, want %d", result.Status, n, test.cut)
				}
			})
		})
	}
}

// The least time that a task takes is left at the start of an invocation.
func TestAGenerationLeavesTheLeastTimeOfATask(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tasks := task.NewRegistry(naps(0))
		c := &coordinator.Coordinator{Tasks: tasks, Invoker: invoke.InProcess{Handle: (&regionworker.Worker{Tasks: tasks}).Handle}}
		k := keep(t, c, protocol.Request{
			Task: "nap", Parameters: json.RawMessage(`{"seconds":40}`), Regions: someRegions(4), MaxConcurrency: 1,
		}, 100*time.Second)
		result := k.finish()
		k.checkRebuilt(result)
		if result.Status != protocol.StatusSucceeded || result.Summary.Attempts != 4 {
			t.Errorf("the run is %s after %d attempts, want 4", result.Status, result.Summary.Attempts)
		}
	})
}
