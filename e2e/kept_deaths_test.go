//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"

	"meridian/pkg/protocol"
)

// The runs whose coordinators are killed have deathTargets targets of a second each, and
// deathConcurrency invocations at once.
const (
	deathTargets     = 24
	deathConcurrency = 4

	// deathRepeats bounds the targets that are done twice, if they may be: those in flight, and those that
	// ended in the second by which the log may be behind.
	deathRepeats = 3 * deathConcurrency
)

// mortal returns a request for the function in Python. Its coordinator is killed.
func mortal(name string, idempotent bool) protocol.Request {
	r := own(name, []string{home})
	r.Keep, r.MaxConcurrency, r.Worker.Idempotent = true, deathConcurrency, idempotent
	for i := range deathTargets {
		target := fmt.Sprintf("%02d", i)
		r.Targets = append(r.Targets, protocol.Target{Name: target, Input: []byte(`{"do":"square","seconds":1}`)})
	}
	return r
}

// killCoordinators starts two runs and kills their coordinators in the middle. One is carried on
// asynchronously. A call of the HTTP API waits for the other, which Lambda does not repeat.
func (k *kept) killCoordinators(ctx context.Context, t *testing.T) (retried, swept string) {
	retried = k.start(ctx, t, mortal("retried", false))
	answered := make(chan apiAnswer, 1)
	body := encoded(t, mortal("swept", true))
	go func() {
		answer, _ := k.try(ctx, "POST", "/runs", body)
		answered <- answer
	}()
	k.until(ctx, t, "both runs are in their middle", func() bool {
		return len(k.counter.under("retried/")) >= deathTargets/3 && len(k.counter.under("swept/")) >= deathTargets/3
	})
	pids := k.aws.children(t, coordinator)
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Errorf("kill %d: %v", pid, err)
		}
	}
	answer := <-answered
	page := decode[protocol.RunPage](t, k.send(ctx, t, "GET", "/runs?name=swept", "").body)
	if len(pids) < 2 || answer.status != 502 || len(page.Runs) != 1 {
		t.Fatalf("%d coordinators were killed, the call is answered %d, and there are %d runs; want 2 or more, 502 and one run",
			len(pids), answer.status, len(page.Runs))
	}
	return retried, page.Runs[0].RunID
}

// checkRetried checks the run that Lambda carries on by its retry of the killed invocation. Its work may
// not be done twice.
func (k *kept) checkRetried(ctx context.Context, t *testing.T, runID string) {
	k.poll(ctx, t, runID, 1, func(s protocol.RunState) bool { return s.Generations > 1 })
	state := k.ended(ctx, t, runID)
	k.checkLog(ctx, t, state)
	checkOutcomes(t, state, []string{home}, deathTargets)
	reached, lost := k.counter.under("retried/"), 0
	for _, o := range state.Result.Regions[0].Targets {
		n := reached["retried/"+home+"/"+o.Target]
		if o.Status != protocol.StatusSucceeded {
			lost++
		}
		done := o.Status == protocol.StatusSucceeded && n == 1
		interrupted := o.Status == protocol.StatusFailed && o.Error == protocol.ErrorInterrupted && n <= 1
		if !done && !interrupted {
			t.Errorf("%s: %s %s after %d invocations, want it succeeded after one, or interrupted after at most one", o.Target, o.Status, o.Error, n)
		}
	}
	t.Logf("%d generations, %d of %d targets interrupted, %.1f s", state.Generations, lost, deathTargets, state.ElapsedMs/1000)
	if lost == 0 || lost > deathConcurrency {
		t.Errorf("%d targets were interrupted, want 1 to %d", lost, deathConcurrency)
	}
}

// scheduleSweep has the schedule of the sweep, which is disabled, send its input now.
func (k *kept) scheduleSweep(ctx context.Context, t *testing.T) {
	t.Helper()
	sweep := call{service: "scheduler", region: home, method: http.MethodGet, path: "/schedules/meridian-dev-sweep"}
	body, _ := k.aws.do(ctx, t, sweep)
	schedule := decode[map[string]any](t, body)
	if schedule["State"] != "DISABLED" {
		t.Errorf("the sweep is %v before this step, want DISABLED", schedule["State"])
	}
	schedule["State"], schedule["ScheduleExpression"] = "ENABLED", "at("+time.Now().UTC().Format("2006-01-02T15:04:05")+")"
	sweep.method, sweep.body = http.MethodPut, encoded(t, schedule)
	sweep.header = map[string]string{"Content-Type": "application/json"}
	k.aws.do(ctx, t, sweep)
}

// checkSwept has the run carried on that nothing has carried on since its coordinator was killed. Its
// work may be done twice.
func (k *kept) checkSwept(ctx context.Context, t *testing.T, runID string) {
	before := k.poll(ctx, t, runID, 1, func(s protocol.RunState) bool { return s.Interrupted })
	if before.Generations != 1 || before.Status != protocol.StatusRunning {
		t.Errorf("before the sweep the run is %s in generation %d, want it interrupted in its first", before.Status, before.Generations)
	}
	k.scheduleSweep(ctx, t)
	k.poll(ctx, t, runID, 1, func(s protocol.RunState) bool { return s.Generations > 1 })
	state := k.ended(ctx, t, runID)
	k.checkLog(ctx, t, state)
	checkOutcomes(t, state, []string{home}, deathTargets)
	reached, twice := k.counter.under("swept/"), 0
	for _, o := range state.Result.Regions[0].Targets {
		n := reached["swept/"+home+"/"+o.Target]
		if n == 2 {
			twice++
		}
		if o.Status != protocol.StatusSucceeded || n < 1 || n > 2 {
			t.Errorf("%s: %s %s after %d invocations, want it succeeded after one or two", o.Target, o.Status, o.Error, n)
		}
	}
	t.Logf("%d generations, %d of %d targets done twice, %.1f s", state.Generations, twice, deathTargets, state.ElapsedMs/1000)
	if state.Status != protocol.StatusSucceeded || twice > deathRepeats {
		t.Errorf("the run is %s, and %d targets were done twice; want it succeeded, and at most %d", state.Status, twice, deathRepeats)
	}
}
