package coordinator_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/coordinator"
	"meridian/pkg/protocol"
)

// A run whose function's deadline is past has no time for anything, and is
// accounted for all the same.
func TestARunThatBeginsAfterItsDeadlineGivesACompleteResult(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]time.Duration{"now": 0, "a second ago": time.Second, "long ago": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-late))
				defer cancel()
				w := world{}
				c := &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}
				r := protocol.Request{Task: "act", Regions: []string{"us-east-1", "eu-west-1"}, Targets: []string{"s3"}}
				got, err := c.Run(ctx, r)
				if err != nil {
					t.Fatalf("Run = %v", err)
				}
				assertAccounted(t, r, got)
				if want := "TIMED_OUT: NOT_STARTED NOT_STARTED"; statuses(got) != want || got.Error != protocol.ErrorTimeout {
					t.Errorf("Run = %s, %s; want %s, %s", statuses(got), got.Error, want, protocol.ErrorTimeout)
				}
			})
		})
	}
}
