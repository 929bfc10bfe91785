package fanout_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"meridian/internal/fanout"
)

// After MaxAttempts nothing is retried, every item still gets its first attempt, and what
// fails says why it was not tried again.
func TestNothingIsRetriedAfterMaxAttempts(t *testing.T) {
	t.Parallel()
	for _, at := range []int{1, 10} { // once
		t.Run(fmt.Sprintf("%d at once", at), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const items, most = 40, 100
				p := fanout.Policy{
					MaxConcurrency: at, MaxAttempts: most,
					Retry: []fanout.Retrier{{ErrorEquals: []string{"States.ALL"}, IntervalSeconds: 0.001, MaxAttempts: new(1000), BackoffRate: 1}},
				}
				outcomes, _ := fanout.Map(t.Context(), p, numbers(items), func(context.Context, int, []fanout.Attempt) (int, error) {
					return 0, named("Test.Broken")
				})
				attempts, told := 0, 0
				for i, o := range outcomes {
					attempts += len(o.Attempts)
					if o.Status != fanout.Failed || len(o.Attempts) == 0 || fanout.ErrorName(o.Err) != "Test.Broken" {
						t.Errorf("item %d: %s after %d attempts, %v; want FAILED with its own error", i, o.Status, len(o.Attempts), o.Err)
					}
					if strings.Contains(o.Err.Error(), "not tried again: 1") {
						told++
					}
				}
				if attempts < most || attempts > most+items || told != items {
					t.Errorf("%d attempts, %d outcomes say that they were not tried again; want %d to %d, %d", attempts, told, most, most+items, items)
				}
			})
		})
	}
}
