package coordinator_test

import (
	"testing"
	"time"

	"meridian/pkg/protocol"
)

// An attempt that failed keeps its error when the run ends before its retry.
func TestAnAttemptThatFailedKeepsItsErrorWhenItsRetryIsGivenUp(t *testing.T) {
	t.Parallel()
	got, _ := run(t, world{"us-east-1": {way: crashed}, "eu-west-1": {target: slowly(time.Second)}}, protocol.Request{
		Task: "act", Regions: []string{"us-east-1", "eu-west-1"}, Targets: protocol.Targets("s3"), MinSuccessful: 1,
		Retry: []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorAll}, IntervalSeconds: 60}},
	}, 0)
	if a := got.Regions[0].Attempts; statuses(got) != "SUCCEEDED: ABORTED SUCCEEDED" || a[0].Error != "Runtime.ExitError" || a[0].WaitMs != 60_000 {
		t.Errorf("Run = %s, attempts %+v; want ABORTED after Runtime.ExitError", statuses(got), a)
	}
}

// When a run stops, neither of two attempts in flight at the same invocation has failed.
func TestAHedgedInvocationThatIsAbortedHasNoError(t *testing.T) {
	t.Parallel()
	w := world{"us-east-1": {way: lost}, "eu-west-1": {target: slowly(5 * time.Second)}}
	w.idempotent(true)
	got, _ := run(t, w, protocol.Request{
		Task: "act", Regions: []string{"us-east-1", "eu-west-1"}, Targets: protocol.Targets("s3"), MinSuccessful: 1,
		Hedge: &protocol.Hedge{AfterSeconds: 1, MaxExtraPercentage: 100},
	}, 0)
	attempts := got.Regions[0].Attempts
	if statuses(got) != "SUCCEEDED: ABORTED SUCCEEDED" || len(attempts) != 2 || attempts[0].Error != "" || attempts[1].Error != "" {
		t.Errorf("Run = %s, attempts %+v; want ABORTED after two attempts without an error", statuses(got), attempts)
	}
}
