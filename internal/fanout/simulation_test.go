package fanout_test

import (
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/fanout"
	"meridian/internal/race"
)

// A simulated run against an account with a limit on what runs at once.
type simulated struct {
	limit, items   int
	answer, refuse time.Duration
}

// run returns the calls an item, and the time as a multiple of the ideal one.
func (s simulated) run(t *testing.T) (calls, times float64, took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(s.limit)
		a.answer, a.refuse = s.answer, s.refuse
		p := adapting()
		p.Adaptation.RoundTrip = func(int) (time.Duration, bool) { return s.refuse, true }
		begin := time.Now()
		fanout.Map(t.Context(), p, make([]int, s.items), a.call)
		took = time.Since(begin)
		calls = float64(a.calls) / float64(s.items)
	})
	rounds := (s.items + s.limit - 1) / s.limit
	return calls, float64(took) / float64(time.Duration(rounds)*s.answer), took
}

// Wherever there are at least 150 items, four times as many as the limit, and an answer
// takes twice as long as a throttle, a run makes at most 1.25 calls an item, and takes at
// most 1.4 times as long as one that knows the limit. Elsewhere the table has figures.
func TestTheSimulationOfLimits(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long, and repeats itself")
	}
	t.Parallel()
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	t.Logf("%6s %6s %7s %7s %6s %6s", "limit", "items", "answer", "refuse", "calls", "time")
	limits := []int{10, 50, 200, 1000}
	if race.Enabled {
		limits = limits[:1]
	}
	for _, limit := range limits {
		for _, answer := range []int{6, 20, 100, 400, 1000} {
			for _, refuse := range []int{2, 10, 50, 200} {
				for _, items := range []int{max(limit, 24), 4 * limit, max(10*limit, 150)} {
					s := simulated{limit, items, ms(answer), ms(refuse)}
					calls, took, _ := s.run(t)
					bound, mark := items >= 150 && items >= 4*limit && answer >= 2*refuse, ""
					if bound && (calls > 1.25 || took > 1.4) {
						mark = "missed"
						t.Errorf("%+v: %.2f calls an item, %.2f times the ideal time; want at most 1.25, 1.4", s, calls, took)
					}
					t.Logf("%6d %6d %7v %7v %6.2f %6.2f %s", limit, s.items, s.answer, s.refuse, calls, took, mark)
				}
			}
		}
	}
}

// A run that meets no limit takes at most four throttles' time and 0.1 s longer.
func TestARunThatMeetsNoLimitIsHardlySlowed(t *testing.T) {
	t.Parallel()
	for _, items := range []int{20, 150, 1000, 5000} {
		for _, answer := range []time.Duration{6 * time.Millisecond, 100 * time.Millisecond, time.Second} {
			for _, refuse := range []time.Duration{2 * time.Millisecond, 20 * time.Millisecond, 200 * time.Millisecond} {
				_, _, took := simulated{1 << 30, items, answer, refuse}.run(t)
				if most := answer + 4*refuse + 100*time.Millisecond; took > most {
					t.Errorf("%d items of %v, throttles of %v: took %v, want at most %v", items, answer, refuse, took, most)
				}
			}
		}
	}
}
