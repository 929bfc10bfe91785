package coordinator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/internal/coordinator"
	"meridian/pkg/protocol"
)

// executed runs a plan in a world and in virtual time, and returns the result and the
// events, as copies.
func executed(t *testing.T, w world, p coordinator.Plan, limit time.Duration) (result protocol.Result, events []protocol.Event) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		c := &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks(), Events: func(e protocol.Event) {
			checkEvent(t, e)
			line, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			again, err := protocol.DecodeEvent(line)
			if err != nil {
				t.Errorf("DecodeEvent(%s) = %v", line, err)
			}
			events = append(events, again)
		}}
		result = c.Execute(ctx, p)
		time.Sleep(time.Hour) // let what was abandoned end, so that the bubble can
	})
	return result, events
}

// checkEvent checks that an event has the fields of its type, and no others.
func checkEvent(t *testing.T, e protocol.Event) {
	t.Helper()
	attempt := e.Type == protocol.EventAttemptStarted || e.Type == protocol.EventAttemptEnded
	for _, field := range []struct {
		name     string
		is, want bool
	}{
		{"version", e.Version == protocol.EventVersion, true},
		{"runId", e.RunID != "", true},
		{"sequence", e.Sequence > 0, true},
		{"time in UTC", !e.Time.IsZero() && e.Time.Location() == time.UTC, true},
		{"type", slices.Contains(protocol.EventTypes(), e.Type), true},
		{"started", e.Started != nil, e.Type == protocol.EventRunStarted},
		{"ended", e.Ended != nil, e.Type == protocol.EventRunEnded},
		{"notice", e.Notice != "", e.Type == protocol.EventNotice},
		{"region", e.Region != "", attempt || e.Type == protocol.EventRegionSettled},
		{"number", e.Number > 0, attempt},
		{"attempt", e.Attempt != nil, attempt},
		{"outcome", e.Outcome != nil, e.Type == protocol.EventRegionSettled},
	} {
		if field.is != field.want {
			t.Errorf("event %+v has a valid %s: %t, want %t", e, field.name, field.is, field.want)
		}
	}
}

// A scene is a random request and world, and the time that the function has. Unless it
// is wild, no two things in it happen at the same time and depend on their order.
type scene struct {
	request protocol.Request
	world   world
	limit   time.Duration
}

func scenes(t *rapid.T, wild bool) scene {
	s := scene{world: world{}, limit: time.Duration(rapid.IntRange(1, 60).Draw(t, "limit")) * time.Second}
	s.request = protocol.Request{
		Name: "scene", Task: "act", Targets: protocol.Targets("a", "b<&>", "c"),
		Parameters:              json.RawMessage(rapid.SampledFrom([]string{"", "{}"}).Draw(t, "parameters")),
		MaxTargetsPerInvocation: rapid.IntRange(0, 3).Draw(t, "per invocation"),
		MaxConcurrency:          rapid.IntRange(0, 1).Draw(t, "max concurrency"),
		TimeoutSeconds:          rapid.SampledFrom([]float64{0, 2.5, 30}).Draw(t, "timeout"),
		RegionTimeoutSeconds:    rapid.SampledFrom([]float64{0, 1.75}).Draw(t, "region timeout"),
		TargetTimeoutSeconds:    rapid.SampledFrom([]float64{0, 0.5}).Draw(t, "target timeout"),
		ToleratedFailureCount:   rapid.SampledFrom([]*int{nil, new(0), new(2)}).Draw(t, "tolerated"),
		Retry: []protocol.Retrier{{ // without jitter
			ErrorEquals: []string{protocol.ErrorAll}, IntervalSeconds: 0.3, MaxAttempts: new(2), JitterStrategy: protocol.JitterNone,
		}},
	}
	if len(s.request.Parameters) == 0 {
		s.request.Parameters = nil
	}
	s.world.idempotent(true)
	kinds := []happening{
		{target: fails("Test.Flawed")}, {target: skips}, {target: panics}, {way: lost}, {way: garbled}, {way: crashed}, {way: panicsOnTheWay},
	}
	if wild {
		s.request.Hedge = &protocol.Hedge{AfterSeconds: 0.9, MaxExtraPercentage: rapid.Float64Range(0, 50).Draw(t, "extra")}
		s.request.MaxConcurrency = rapid.IntRange(0, 4).Draw(t, "more concurrency")
		s.request.MinSuccessful = rapid.IntRange(0, 1).Draw(t, "min successful")
		kinds = append(kinds, happening{way: throttled(1)})
	}
	for i, region := range []string{"us-east-1", "eu-west-1", "ap-south-1", "sa-east-1"}[:rapid.IntRange(1, 4).Draw(t, "regions")] {
		s.request.Regions = append(s.request.Regions, region)
		own := time.Duration(7*i+1) * time.Millisecond
		s.world[region] = rapid.SampledFrom(append(kinds,
			happening{target: slowly(100*time.Millisecond + own)}, happening{target: slowly(time.Second + own)})).Draw(t, region)
	}
	return s
}

// A plan is a value: what is read back from its JSON gives the same result, and
// a run does not change it.
func TestAPlanThatIsReadBackRunsTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := scenes(rt, false)
		c := &coordinator.Coordinator{Tasks: s.world.tasks(), Regional: rapid.Bool().Draw(rt, "regional")}
		plan, err := c.Plan(s.request, 0)
		if err != nil {
			rt.Fatal(err)
		}
		stored, err := storedPlan(plan)
		if err != nil {
			rt.Fatal(err)
		}
		read, err := readPlan(stored)
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(plan, read); diff != "" {
			rt.Errorf("DecodeReady(Encode) (-want +got):\n%s", diff)
		}
		want, _ := executed(t, s.world, plan, s.limit)
		got, _ := executed(t, s.world, read, s.limit)
		if want.Status == protocol.StatusTimedOut { // the cause is of one of those that the run's end stopped
			want.Cause, got.Cause = "", ""
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Errorf("result (-plan +read back):\n%s", diff)
		}
		if again, err := storedPlan(plan); err != nil || string(again) != string(stored) {
			rt.Errorf("after its run the plan is\n%s, %v; was\n%s", again, err, stored)
		}
	})
}

// Whatever happens in a run, its events tell it, and tell what the result tells.
func TestTheEventsOfARunAreItsResult(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := scenes(rt, rapid.Bool().Draw(rt, "wild"))
		plan, err := (&coordinator.Coordinator{Tasks: s.world.tasks()}).Plan(s.request, 0)
		if err != nil {
			rt.Fatal(err)
		}
		result, events := executed(t, s.world, plan, s.limit)
		assertAccounted(t, s.request, result)
		checkEvents(rt, result, events)
	})
}

// checkEvents compares the events of a run with its result: each attempt starts and
// ends once, each Region settles once, and all of them say what the result says.
func checkEvents(t *rapid.T, r protocol.Result, events []protocol.Event) {
	settled, running := map[string]protocol.RegionOutcome{}, map[string]float64{}
	ended := map[string]map[int][]protocol.Attempt{}
	for i, e := range events {
		attempt := ""
		if e.Attempt != nil {
			attempt = fmt.Sprint(e.Region, " ", e.Attempt.Batch, " ", e.Number)
		}
		start, known := running[attempt]
		if _, over := settled[e.Region]; over {
			t.Errorf("event %d comes after its Region has settled: %+v", i+1, e)
		}
		switch {
		case e.Sequence != i+1 || e.RunID != r.RunID || (e.Type == protocol.EventRunStarted) != (i == 0) || (e.Type == protocol.EventRunEnded) != (i == len(events)-1):
			t.Errorf("event %d of %d is %+v", i+1, len(events), e)
		case e.Type == protocol.EventAttemptStarted && known, e.Type == protocol.EventAttemptEnded && (!known || start != e.Attempt.StartMs):
			t.Errorf("attempt %s: started already %t, at %v; %+v", attempt, known, start, e.Attempt)
		case e.Type == protocol.EventAttemptStarted:
			running[attempt] = e.Attempt.StartMs
		case e.NotMade:
			if diff := cmp.Diff(protocol.Attempt{
				StartMs: start, Batch: e.Attempt.Batch, Hedge: e.Attempt.Hedge, Cause: e.Attempt.Cause,
			}, *e.Attempt); diff != "" || e.Attempt.Cause == "" {
				t.Errorf("attempt %s, not made (-want +got):\n%s", attempt, diff)
			}
		case e.Type == protocol.EventAttemptEnded:
			if ended[e.Region] == nil {
				ended[e.Region] = map[int][]protocol.Attempt{}
			}
			ended[e.Region][e.Attempt.Batch] = append(ended[e.Region][e.Attempt.Batch], *e.Attempt)
		case e.Type == protocol.EventRegionSettled:
			settled[e.Region] = *e.Outcome
		}
	}
	for _, want := range r.Regions {
		attempts := []protocol.Attempt{}
		for batch := range 3 {
			attempts = append(attempts, ended[want.Region][batch]...)
		}
		if diff := cmp.Diff(want.Attempts, attempts); diff != "" {
			t.Errorf("%s: attempts (-result +events):\n%s", want.Region, diff)
		}
		for i := range want.Targets {
			want.Targets[i].Output = nil
		}
		if diff := cmp.Diff(want, settled[want.Region]); diff != "" {
			t.Errorf("%s: outcome (-result +event):\n%s", want.Region, diff)
		}
	}
	first, last := events[0], events[len(events)-1]
	wantEnd := protocol.RunEnded{
		Status: r.Status, Error: r.Error, Cause: r.Cause, ElapsedMs: r.ElapsedMs, Message: r.Message, Summary: r.Summary,
	}
	if diff := cmp.Diff(wantEnd, *last.Ended); diff != "" || first.Started.Regions != len(r.Regions) || first.Started.Targets != r.Summary.Targets.Total || !first.Time.Equal(r.StartedAt) {
		t.Errorf("started %+v; ended (-result +event):\n%s", first.Started, diff)
	}
}

// storedPlan returns a plan as it is stored, and readPlan reads it.
func storedPlan(p coordinator.Plan) ([]byte, error) {
	return (&coordinator.Ready{Version: 1, Plan: p}).Encode()
}

func readPlan(data []byte) (coordinator.Plan, error) {
	ready, err := coordinator.DecodeReady(data)
	return ready.Plan, err
}

func TestDecodeReadyRefusesWhatCannotBeRun(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]string{
		"no JSON":                    `{"version":1,` + "\x00",
		"another version":            `"version":1 "version":2`,
		"no run id":                  `"runId": "runId":"","other":`,
		"a Region without a name":    `"region":"us-east-1" "region":""`,
		"no Regions":                 `"regions":[{"region":"us-east-1","targets":["a","b"],"batches":[2]}] "regions":[]`,
		"a target in no batch":       `[2] [1]`,
		"a batch of too many":        `[2] [3]`,
		"a batch that is too long":   `"regions":["us-east-1"] "regions":["us-east-1"],"maxTargetsPerInvocation":1`,
		"an empty batch":             `[2] [0,2]`,
		"nothing at once":            `"maxConcurrency":1 "maxConcurrency":0`,
		"a request that was refused": `"request":{ "request":{"timeoutSeconds":-1,`,
	} {
		c := &coordinator.Coordinator{Tasks: world{}.tasks()}
		plan, err := c.Plan(protocol.Request{Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets("a", "b")}, 0)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := storedPlan(plan)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readPlan(stored); err != nil {
			t.Fatalf("DecodeReady(%s) = %v, want nil", stored, err)
		}
		old, edited, isEdit := strings.Cut(edit, " ")
		document := edit
		if isEdit {
			if document = strings.Replace(string(stored), old, edited, 1); document == string(stored) {
				t.Fatalf("%s: the plan is not changed: %s", name, stored)
			}
		}
		if _, err := readPlan([]byte(document)); err == nil || !strings.HasPrefix(err.Error(), "decode plan: ") {
			t.Errorf("%s: DecodeReady(%s) = %v, want an error", name, document, err)
		}
	}
}

// A plan that is accepted can be run, whatever it says.
func FuzzDecodeReady(f *testing.F) {
	tasks := world{}.tasks()
	for _, r := range []protocol.Request{
		{Task: "act"}, {Task: "act", Targets: protocol.Targets(numbered(5)...), MaxTargetsPerInvocation: 2, MinSuccessful: 1, Regions: []string{"us-east-1"}},
	} {
		plan, err := (&coordinator.Coordinator{Tasks: tasks, Regional: true}).Plan(r, protocol.MaxPayloadBytes)
		if err != nil {
			f.Fatal(err)
		}
		stored, err := storedPlan(plan)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(stored)
	}
	broken := invokerFunc(func(context.Context, string, []byte) ([]byte, protocol.Attempt, error) {
		return nil, protocol.Attempt{}, named("Test.Broken")
	})
	f.Fuzz(func(t *testing.T, data []byte) {
		plan, err := readPlan(data)
		if err != nil {
			return
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		got := (&coordinator.Coordinator{Invoker: broken, Tasks: tasks}).Execute(ctx, plan)
		if len(got.Regions) != len(plan.Regions) {
			t.Errorf("the result has %d Regions, the plan %d", len(got.Regions), len(plan.Regions))
		}
	})
}
