package fanout_test

import (
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/fanout"
)

func TestStartedAndElapsedSpanAllAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		outcomes, _ := fanout.Map(t.Context(), fanout.Policy{MaxConcurrency: 1, Retry: always(2)}, []item{
			ok(time.Second, "a"),
			inTurn(fail(time.Second, named("A")), fail(time.Second, named("A")), ok(time.Second/2, "b")),
		}, play)
		for i, want := range []struct{ started, elapsed time.Duration }{
			{0, time.Second},
			{time.Second, 5500 * time.Millisecond}, // with waits of 1 s and 2 s
		} {
			o := outcomes[i]
			if got := o.Started().Sub(start); got != want.started {
				t.Errorf("item %d: Started() = %v after the start, want %v", i, got, want.started)
			}
			if o.Elapsed != want.elapsed {
				t.Errorf("item %d: Elapsed = %v, want %v", i, o.Elapsed, want.elapsed)
			}
		}
		if got := (fanout.Outcome[string]{}).Started(); !got.IsZero() {
			t.Errorf("Started() without an attempt = %v, want the zero time", got)
		}
	})
}
