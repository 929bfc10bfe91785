//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"meridian/pkg/protocol"
)

// tryKeys sends 20 requests with one key at once, and then another request with that key.
func (k *kept) tryKeys(ctx context.Context, t *testing.T) {
	const key = "Idempotency-Key: deploy-2026-11-30"
	r := own("once", []string{home}, does("item", "square", 3))
	body := encoded(t, r)
	answers, errs := make([]apiAnswer, 20), make([]error, 20)
	var sending sync.WaitGroup
	for i := range answers {
		sending.Go(func() { answers[i], errs[i] = k.try(ctx, "POST", "/runs", body, key, "Prefer: respond-async") })
	}
	sending.Wait()
	ids := map[string]int{}
	for i, answer := range answers {
		if errs[i] != nil || answer.status != 202 {
			t.Fatalf("start %d: %d %s, %v; want 202", i, answer.status, answer.body, errs[i])
		}
		ids[answer.state(t).RunID]++
	}
	runID := answers[0].state(t).RunID
	state := k.ended(ctx, t, runID)
	k.checkLog(ctx, t, state)
	if reached := k.counter.under("once/"); len(ids) != 1 || len(reached) != 1 || reached["once/"+home+"/item"] != 1 {
		t.Errorf("20 starts with a key: runs %v, invocations %v; want one of each", ids, reached)
	}
	r.Targets[0].Name = "another"
	answer := k.send(ctx, t, "POST", "/runs", encoded(t, r), key)
	problem := decode[map[string]any](t, answer.body)
	if answer.status != 409 || problem["runId"] != runID {
		t.Errorf("another request with the key is answered %d %s, want 409 and run %s", answer.status, answer.body, runID)
	}
	t.Log(problem["detail"])
}

// tryStop stops a run while every invocation of it sleeps.
func (k *kept) tryStop(ctx context.Context, t *testing.T) {
	r := protocol.Request{Task: "sleep", Parameters: []byte(`{"seconds":60}`), Regions: regionNames()[:3], Targets: protocol.Targets("a", "b")}
	runID := k.start(ctx, t, r)
	const begun = 5 // a start of the generation, of the run, and of each attempt
	k.poll(ctx, t, runID, 1, func(s protocol.RunState) bool { return s.Events >= begun })
	stopped := time.Now()
	answer := k.send(ctx, t, "POST", "/runs/"+runID+"/stop", "")
	stopping := answer.status == 202 && answer.state(t).Stopping
	if ended := answer.status == 200 && answer.state(t).Status == protocol.StatusAborted; !stopping && !ended {
		t.Errorf("stop is answered %d %s, want 202 and a run that is stopping, or 200 and one that has been stopped", answer.status, answer.body)
	}
	state := k.ended(ctx, t, runID)
	k.checkLog(ctx, t, state)
	events := k.log(ctx, t, runID)
	took := events[len(events)-1].Time.Sub(stopped)
	t.Logf("%s %s after %v: %s", state.Status, state.Error, took.Round(time.Millisecond), state.Cause)
	limit := 5 * time.Second
	if os.Getenv("CI") != "" {
		limit = 30 * time.Second // the machine may be busy; the run has a minute's work left
	}
	if state.Status != protocol.StatusAborted || took > limit {
		t.Errorf("the run is %s %v after it was stopped, want ABORTED within %v", state.Status, took, limit)
	}
	checkOutcomes(t, state, r.Regions, 2)
}

// tryRedrive does again what failed in 3 Regions of all.
func (k *kept) tryRedrive(ctx context.Context, t *testing.T) {
	all := regionNames()
	broken := []string{all[4], all[17], all[len(all)-1]}
	input := fmt.Sprintf(`{"do":"heal","n":3,"regions":%s}`, encoded(t, broken))
	r := own("healed", all, protocol.Target{Name: "item", Input: []byte(input)})
	r.MaxConcurrency = 4
	runID := k.start(ctx, t, r)
	before := k.ended(ctx, t, runID)
	invoked := sum(k.counter.under("healed/"))
	if before.Regions.Failed != len(broken) || before.Regions.Succeeded != len(all)-len(broken) || invoked != len(all) {
		t.Fatalf("before the redrive: %+v after %d invocations, want 3 failed of %d", before.Regions, invoked, len(all))
	}
	if answer := k.send(ctx, t, "POST", "/runs/"+runID+"/redrive", "{}"); answer.status != 202 {
		t.Fatalf("redrive is answered %d %s, want 202", answer.status, answer.body)
	}
	after := k.ended(ctx, t, runID)
	k.checkLog(ctx, t, after)
	checkOutcomes(t, after, all, 1)
	reached := k.counter.under("healed/")
	t.Logf("%d Regions, %d invocations, and %d by the redrive", len(all), invoked, sum(reached)-invoked)
	if after.Status != protocol.StatusSucceeded || after.Regions.Succeeded != len(all) || after.Redrives != 1 || sum(reached) != invoked+len(broken) {
		t.Errorf("after the redrive: %s %+v, %d redrives, %d invocations more; want all succeeded after 3", after.Status, after.Regions, after.Redrives, sum(reached)-invoked)
	}
	for _, region := range broken {
		if n := reached["healed/"+region+"/item"]; n != 2 {
			t.Errorf("%s was invoked %d times, want twice", region, n)
		}
	}
}

// sum returns how many attempts there were.
func sum(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// tryRepeatedEvent invokes the coordinator twice with one event of EventBridge, as an invocation that is
// repeated, and then with another one.
func (k *kept) tryRepeatedEvent(ctx context.Context, t *testing.T) {
	event := decode[map[string]any](t, k.read(t, "events", "eventbridge.json"))
	r := own("event", []string{home}, protocol.Target{Name: "event/item", Input: []byte(`{"do":"square"}`)})
	r.Worker.Payload = nil // the target alone
	event["source"], event["detail-type"], event["detail"] = "aws.scheduler", "Scheduled Event", r
	var ids []string
	for _, id := range []string{"6a7e8feb-b491-4cf7-a9f1-bf3703467718", "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "another"} {
		event["id"] = id
		ids = append(ids, k.keptUnder(ctx, t, encoded(t, event), "event-"+id))
	}
	if n := sum(k.counter.under("event/")); ids[0] != ids[1] || ids[2] == ids[0] || n != 2 {
		t.Errorf("runs %v of one event twice and another one, %d invocations; want two runs and two invocations", ids, n)
	}
}

// tryRepeatedSchedule invokes the coordinator with what the schedule of the deployment sends, twice at one of its
// times, and then at another one.
func (k *kept) tryRepeatedSchedule(ctx context.Context, t *testing.T) {
	body, _ := k.aws.do(ctx, t, call{service: "scheduler", region: home, method: http.MethodGet, path: "/schedules/meridian-dev-reachable"})
	schedule := decode[struct{ Target struct{ Input string } }](t, body)
	var ids []string
	for _, at := range []string{"2026-11-30T08:00:00Z", "2026-11-30T08:00:00Z", "2026-11-30T09:00:00Z"} {
		input := strings.Replace(schedule.Target.Input, "<aws.scheduler.scheduled-time>", at, 1)
		ids = append(ids, k.keptUnder(ctx, t, input, "meridian-dev-reachable-"+at))
	}
	if ids[0] != ids[1] || ids[2] == ids[0] {
		t.Errorf("runs %v of one time twice and another one, want two runs", ids)
	}
	events := k.log(ctx, t, ids[0])
	if e := events[len(events)-1]; e.Ended == nil || e.Ended.Summary.Attempts != 3 {
		t.Errorf("the run of one time ends with %+v, want 3 invocations", e.Ended)
	}
}

// keptUnder invokes the coordinator with a payload, and checks the key of the run. It returns its id.
func (k *kept) keptUnder(ctx context.Context, t *testing.T, payload, key string) (runID string) {
	t.Helper()
	answer, functionError := k.aws.invoke(ctx, t, coordinator, payload)
	result, err := protocol.DecodeResult([]byte(answer))
	if functionError != "" || err != nil || result.Status != protocol.StatusSucceeded {
		t.Fatalf("%s: %s %v: %s", key, functionError, err, answer)
	}
	if state := k.show(ctx, t, result.RunID); state.Key != key || state.Status != protocol.StatusSucceeded {
		t.Errorf("run %s is %s and has key %q, want it succeeded and key %s", result.RunID, state.Status, state.Key, key)
	}
	return result.RunID
}
