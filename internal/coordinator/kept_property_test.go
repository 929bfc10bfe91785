package coordinator_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/internal/coordinator"
	"meridian/internal/race"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// A fate is what happens to a target, each time that it is tried.
func fates() *rapid.Generator[happening] {
	return rapid.Custom(func(t *rapid.T) happening {
		takes := slowly(time.Duration(rapid.IntRange(0, 5000).Draw(t, "takes")) * time.Millisecond)
		bad := rapid.SampledFrom([]string{"", "", "", "a", "b", "ab"}).Draw(t, "bad targets")
		skipped := rapid.SampledFrom([]string{"", "", "", "c", "abc"}).Draw(t, "skipped targets")
		return happening{
			target: func(ctx context.Context, target string) error {
				if err := takes(ctx, target); err != nil {
					return err
				}
				switch {
				case contains(bad, target):
					return named("Test.Broken")
				case contains(skipped, target):
					return skips(ctx, target)
				}
				return nil
			},
			way: rapid.SampledFrom([]func(context.Context, int, func() ([]byte, error)) ([]byte, error){
				nil, nil, nil, throttled(1), throttled(3), crashesUntil(2), crashesUntil(9), garbled,
			}).Draw(t, "way"),
		}
	})
}

func contains(letters, letter string) bool {
	for _, l := range letters {
		if string(l) == letter {
			return true
		}
	}
	return false
}

// keptRequests draws requests for the task "act".
func keptRequests(regions []string, idempotent bool) *rapid.Generator[protocol.Request] {
	return rapid.Custom(func(t *rapid.T) protocol.Request {
		r := protocol.Request{
			Task: "act", Regions: regions, Targets: protocol.Targets("a", "b", "c"),
			MaxTargetsPerInvocation: rapid.IntRange(1, 3).Draw(t, "targets an invocation"),
			MaxConcurrency:          rapid.IntRange(0, 4).Draw(t, "at once"),
			FailFast:                rapid.Bool().Draw(t, "fail fast"),
			ToleratedFailureCount:   new(rapid.IntRange(0, 3).Draw(t, "tolerated")),
			MinSuccessful:           rapid.IntRange(0, 2).Draw(t, "least successful"),
			TimeoutSeconds:          rapid.SampledFrom([]float64{0, 0, 0, 25, 100}).Draw(t, "timeout"),
		}
		if rapid.Bool().Draw(t, "waves") {
			r.Waves, r.MinSuccessful = []protocol.Wave{{Regions: regions[:1]}}, 0
		}
		if rapid.Bool().Draw(t, "retry") {
			r.Retry = []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorAll}, IntervalSeconds: 5, MaxAttempts: new(rapid.IntRange(0, 3).Draw(t, "retries"))}}
		}
		if idempotent && rapid.Bool().Draw(t, "hedge") {
			r.Hedge = &protocol.Hedge{AfterSeconds: 2, MaxExtraPercentage: 100}
		}
		return r
	})
}

// Whatever happens, the log has the whole result, and each attempt that starts ends once.
func TestTheLogHasTheWholeResult(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			w := world{}
			idempotent := rapid.Bool().Draw(rt, "idempotent")
			w.idempotent(idempotent)
			regions := someRegions(rapid.IntRange(2, 5).Draw(rt, "regions"))
			for _, region := range regions {
				w[region] = fates().Draw(rt, region)
			}
			c := &coordinator.Coordinator{
				Invoker: w.invoker(rt), Tasks: w.tasks(), MemoryMB: 512, Billing: coordinator.Billing{Region: "eu-west-1", Architecture: "arm64", WorkerMemoryMB: 128},
			}
			k := keep(rt, c, keptRequests(regions, idempotent).Draw(rt, "request"), time.Duration(rapid.SampledFrom([]int{0, 20, 40}).Draw(rt, "seconds"))*time.Second)
			k.live(rt, []protocol.Redrive{
				{}, {Regions: regions[:1]}, {Errors: []string{"Test.Broken"}}, {Retry: []protocol.Retrier{}}, {TimeoutSeconds: new(60.0)},
			})
			time.Sleep(time.Hour)
		})
	})
}

// live carries a run on over some deaths until it ends, and then over some redrives.
func (k *keeper) live(rt *rapid.T, redrives []protocol.Redrive) {
	k.t.Helper()
	for range rapid.IntRange(0, 3).Draw(rt, "deaths") {
		if _, ended := k.carry(rapid.IntRange(0, 30).Draw(rt, "lines"), nil); ended {
			break
		}
		time.Sleep(time.Duration(rapid.IntRange(0, 60).Draw(rt, "pause")) * time.Second)
	}
	k.checkKept(k.finish())
	for range rapid.IntRange(0, 2).Draw(rt, "redrives") {
		d := rapid.SampledFrom(redrives).Draw(rt, "redrive")
		result, ended := k.carry(1e9, &d)
		if !ended {
			result = k.finish()
		}
		k.checkKept(result)
	}
}

// The same for accounts whose Regions one invocation takes, or each its own.
func TestTheLogHasTheWholeResultOfAccounts(t *testing.T) {
	t.Parallel()
	if race.Enabled {
		t.Skip("it runs without the race detector, which TestTheLogHasTheWholeResult is for")
	}
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			fate := func(name string) int { return rapid.IntRange(0, 4).Draw(rt, name) }
			fails := map[string]int{} // how often
			for _, id := range []string{one, two} {
				for _, region := range someRegions(3) {
					for _, target := range []string{"s3", "ec2"} {
						fails[id+region+target] = rapid.SampledFrom([]int{0, 0, 0, 1, 2, 9}).Draw(rt, "failures of "+id+region+target)
					}
				}
			}
			takes := time.Duration(fate("seconds of an invocation")) * time.Second
			worker := &bank{do: func(account, region, target string, attempt int) (any, error) {
				if attempt <= fails[account+region+target] {
					return nil, named("Boom")
				}
				return target, nil
			}}
			slow := invokerFunc(func(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
				if err := slowly(takes)(ctx, ""); err != nil {
					return nil, protocol.Attempt{}, err
				}
				return worker.Invoke(ctx, region, payload)
			})
			c := &coordinator.Coordinator{Invoker: slow, Tasks: task.Builtin(), Bundle: rapid.Bool().Draw(rt, "bundle"), MemoryMB: 512}
			k := keep(rt, c, protocol.Request{
				Role: "reader", Accounts: accountsOf(one, two), Regions: someRegions(3), Targets: protocol.Targets("s3", "ec2"),
				MaxConcurrency: fate("at once"), ToleratedFailureCount: new(fate("tolerated")), FailFast: rapid.Bool().Draw(rt, "fail fast"),
				Retry: []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorAll}, IntervalSeconds: 7, MaxAttempts: new(fate("retries"))}},
			}, time.Duration(rapid.SampledFrom([]int{0, 20, 40}).Draw(rt, "seconds"))*time.Second)
			k.live(rt, []protocol.Redrive{{}, {Accounts: []string{one}}, {Regions: someRegions(1)}, {Retry: []protocol.Retrier{}}})
		})
	})
}

// The same for a function of the caller's.
func TestTheLogHasTheWholeResultOfAFunction(t *testing.T) {
	t.Parallel()
	if race.Enabled {
		t.Skip("it runs without the race detector, which TestTheLogHasTheWholeResult is for")
	}
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			takes := time.Duration(rapid.IntRange(0, 4).Draw(rt, "seconds of an invocation")) * time.Second
			lost := rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(rt, "lost attempts")
			f := &callers{answer: func(ctx context.Context, payload string) (string, error) {
				if err := slowly(takes)(ctx, ""); err != nil {
					return "", err
				}
				a := ask(payload)
				if a.Attempt <= lost {
					return "", functionError("Busy")
				}
				var failures []string
				for _, target := range a.Targets {
					if name, ok := strings.CutPrefix(target.Target, "fails-"); ok && (name != "Busy" || a.Attempt < 3) {
						failures = append(failures, fmt.Sprintf(`{"target":%q,"error":%q,"cause":"attempt %d"}`, target.Target, name, a.Attempt))
					}
				}
				return `{"failures":[` + strings.Join(failures, ",") + `]}`, nil
			}}
			c := &coordinator.Coordinator{Tasks: task.Builtin(), Functions: f.functions}
			r := protocol.Request{
				Worker:  &protocol.Worker{Function: "my-check", Idempotent: rapid.Bool().Draw(rt, "idempotent")},
				Regions: someRegions(rapid.IntRange(1, 3).Draw(rt, "regions")), MaxTargetsPerInvocation: rapid.IntRange(2, 5).Draw(rt, "targets an invocation"),
				MaxConcurrency: rapid.IntRange(0, 2).Draw(rt, "at once"), ToleratedFailureCount: new(rapid.IntRange(0, 3).Draw(rt, "tolerated")),
				Targets: protocol.Targets("ok", "fails-Broken", "fails-Busy", "fails-Slow", "fine"),
			}
			if r.Worker.Idempotent {
				r.TargetRetry = []protocol.Retrier{
					{ErrorEquals: []string{"Busy"}, MaxAttempts: new(5), IntervalSeconds: 6}, {ErrorEquals: []string{"Slow"}, MaxAttempts: new(1), IntervalSeconds: 6},
				}
			}
			k := keep(rt, c, r, time.Duration(rapid.SampledFrom([]int{0, 20, 40}).Draw(rt, "seconds"))*time.Second)
			k.live(rt, []protocol.Redrive{{}, {Regions: someRegions(1)}, {Errors: []string{"Slow"}}, {TargetRetry: []protocol.Retrier{}}})
		})
	})
}

// checkKept checks the log of a run that has ended.
func (k *keeper) checkKept(result protocol.Result) {
	k.t.Helper()
	k.checkRebuilt(result)
	running, made := map[string]bool{}, 0
	for _, e := range k.events(protocol.EventAttemptStarted, protocol.EventAttemptEnded) {
		name := fmt.Sprintf("%s %s %d.%d", e.Account, e.Region, e.Attempt.Batch, e.Number)
		if ended := e.Type == protocol.EventAttemptEnded; running[name] != ended {
			k.t.Errorf("event %d: %s of %s does not follow its other event", e.Sequence, e.Type, name)
		} else if running[name] = !ended; ended && !e.NotMade {
			made++
		}
	}
	for name, is := range running {
		if is {
			k.t.Errorf("attempt %s has no end", name)
		}
	}
	if made != result.Summary.Attempts {
		k.t.Errorf("the log has %d attempts, the result %d", made, result.Summary.Attempts)
	}
	last := map[string]protocol.Status{}
	for _, e := range k.events(protocol.EventRegionSettled) {
		last[e.Outcome.Account+e.Region] = e.Outcome.Status
	}
	got := map[string]protocol.Status{}
	for _, o := range result.Regions {
		got[o.Account+o.Region] = o.Status
	}
	if diff := cmp.Diff(got, last); diff != "" {
		k.t.Errorf("how Regions have settled (-result +log):\n%s", diff)
	}
}
