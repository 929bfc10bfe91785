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
		Task: "act", Regions: []string{"us-east-1", "eu-west-1"}, Targets: []string{"s3"}, MinSuccessful: 1,
		Retry: []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorAll}, IntervalSeconds: 60}},
	}, 0)
	if a := got.Regions[0].Attempts; statuses(got) != "SUCCEEDED: ABORTED SUCCEEDED" || a[0].Error != "Runtime.ExitError" || a[0].WaitMs != 60_000 {
		t.Errorf("Run = %s, attempts %+v; want ABORTED after Runtime.ExitError", statuses(got), a)
	}
}
