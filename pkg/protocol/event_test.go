package protocol_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"meridian/pkg/protocol"
)

// eventGoldens returns the values of the golden files of events, one of each type of a run
// that is not kept, and of an attempt that was not made.
func eventGoldens() map[string]any {
	event := func(n int, t protocol.EventType) protocol.Event {
		return protocol.Event{
			Version: 1, RunID: runID, Sequence: n, Type: t,
			Time: time.Date(2026, 11, 23, 9, 30, 0, n*int(time.Millisecond), time.UTC),
		}
	}
	started := event(1, protocol.EventRunStarted)
	started.Started = &protocol.RunStarted{Name: "nightly", Task: "resolve", Regions: 2, Targets: 600, Invocations: 4}
	notice := event(2, protocol.EventNotice)
	notice.Notice = "maxConcurrency is 900 here: an invocation in flight needs a file descriptor"
	attempt := event(3, protocol.EventAttemptStarted)
	attempt.Region, attempt.Number = "us-east-1", 2
	attempt.Attempt = &protocol.Attempt{StartMs: 2.5, Batch: 1, Hedge: true}
	ended := event(4, protocol.EventAttemptEnded)
	ended.Region, ended.Number = "us-east-1", 2
	ended.Attempt = &protocol.Attempt{
		StartMs: 2.5, ElapsedMs: 1.5, Error: protocol.ErrorLambdaThrottled, Cause: "rate exceeded", WaitMs: 200, Batch: 1,
		RequestID: "req-2", Hedge: true,
	}
	notMade := event(5, protocol.EventAttemptEnded)
	notMade.Region, notMade.Number, notMade.NotMade = "us-east-1", 3, true
	notMade.Attempt = &protocol.Attempt{StartMs: 204, Batch: 1, Cause: "interrupt signal received"}
	settled := event(5, protocol.EventRegionSettled)
	settled.Region = "eu-west-1"
	settled.Outcome = &resultMinimal().Regions[0]
	end := event(6, protocol.EventRunEnded)
	failed := resultFailed()
	end.Ended = &protocol.RunEnded{
		Status: failed.Status, Error: failed.Error, Cause: failed.Cause, ElapsedMs: failed.ElapsedMs,
		Message: failed.Message, Summary: failed.Summary,
	}
	return map[string]any{
		"event_run_started": started, "event_notice": notice, "event_attempt_started": attempt,
		"event_attempt_ended": ended, "event_attempt_not_made": notMade, "event_region_settled": settled, "event_run_ended": end,
	}
}

// Every constant of a type is in EventTypes, each once, and a golden file has it.
func TestEventTypesReturnsEveryTypeThereIs(t *testing.T) {
	t.Parallel()
	golden := map[protocol.EventType]bool{}
	for _, value := range goldens() {
		if e, ok := value.(protocol.Event); ok {
			golden[e.Type] = true
		}
	}
	declared := constants(t, "Event")
	for _, typ := range protocol.EventTypes() {
		if !golden[typ] {
			t.Errorf("no golden file has an event of type %s", typ)
		}
	}
	if len(declared) != len(protocol.EventTypes()) || len(golden) != len(declared) {
		t.Errorf("EventTypes() has %d entries for %d constants and %d goldens", len(protocol.EventTypes()), len(declared), len(golden))
	}
}

// An event is one line of JSON; what a newer coordinator adds is passed over.
func ExampleDecodeEvent() {
	e, err := protocol.DecodeEvent([]byte(`{"version":1,"runId":"01JDCX4T9Q8Z6W3M5K7N2P0RSV","sequence":4,` +
		`"time":"2026-11-23T09:30:00.004Z","type":"ATTEMPT_ENDED","region":"us-east-1","number":1,` +
		`"attempt":{"startMs":2.5,"elapsedMs":1.5,"error":"Lambda.TooManyRequestsException","waitMs":200},"later":true}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	line, _ := json.Marshal(e.Attempt)
	fmt.Println(e.Sequence, e.Type, e.Region, e.Number, string(line))
	// Output:
	// 4 ATTEMPT_ENDED us-east-1 1 {"startMs":2.5,"elapsedMs":1.5,"error":"Lambda.TooManyRequestsException","waitMs":200}
}

// An event is read as encoding/json reads it, or refused.
func FuzzDecodeEvent(f *testing.F) {
	seed(f, protocol.Event{}, `{}`, `{"type":"RUN_EXPLODED","later":[1]}`, `[]`, `{"attempt":{"startMs":"soon"}}`)
	f.Fuzz(func(t *testing.T, data []byte) {
		if e, err := protocol.DecodeEvent(data); err == nil {
			checkAccepted(t, data, e, protocol.DecodeEvent)
		}
	})
}
