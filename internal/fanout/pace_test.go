package fanout_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/fanout"
	"meridian/internal/race"
)

// A metered server accepts a number of calls per second, and so many at once. It saves
// up what it does not use of the first, as a token bucket does.
type metered struct {
	rate, saved    float64
	limit          int // at once; 0 is none
	answer, refuse time.Duration

	mu      sync.Mutex // guards the fields below
	tokens  float64
	at      time.Time // when tokens was last worked out
	running int
	calls   int
}

// A rateError is the error of a call that was refused for the rate.
type rateError struct{ throttleError }

func (rateError) RateLimited() bool { return true }

// take returns why a call is refused.
func (m *metered) take() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if m.calls++; m.calls == 1 {
		m.tokens, m.at = m.saved, now
	}
	m.tokens, m.at = min(m.saved, m.tokens+now.Sub(m.at).Seconds()*m.rate), now
	switch {
	case m.tokens < 1:
		return rateError{}
	case m.limit > 0 && m.running >= m.limit:
		return throttleError{}
	}
	m.tokens--
	m.running++
	return nil
}

func (m *metered) call(context.Context, int, []fanout.Attempt) (int, error) {
	if err := m.take(); err != nil {
		time.Sleep(m.refuse)
		return 0, err
	}
	time.Sleep(m.answer)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running--
	return 0, nil
}

// run runs items against the server, and returns the calls an item, and how long it took.
func (m *metered) run(t *testing.T, items int) (calls float64, took time.Duration, verdict fanout.Verdict) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := adapting()
		p.Adaptation.RoundTrip = func(int) (time.Duration, bool) { return m.refuse, true }
		begin := time.Now()
		var outcomes []fanout.Outcome[int]
		outcomes, verdict = fanout.Map(t.Context(), p, make([]int, items), m.call)
		took = time.Since(begin)
		checkSucceeded(t, outcomes)
	})
	return float64(m.calls) / float64(items), took, verdict
}

// Wherever there are at least 400 items, eight times what the server saves up and four
// seconds of work, and an answer takes twice as long as a throttle, a run makes at most
// 1.25 calls an item, and takes at most 1.4 times as long as one that knows the limits. The
// servers with a limit on what runs at once have the rate of Lambda's with that limit.
func TestTheSimulationOfRates(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long, and repeats itself")
	}
	t.Parallel()
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	t.Logf("%6s %6s %6s %6s %7s %7s %6s %6s", "rate", "saved", "limit", "items", "answer", "refuse", "calls", "time")
	rates := []int{10, 100, 500}
	if race.Enabled {
		rates = rates[:1]
	}
	for _, rate := range rates {
		for _, saved := range []int{max(10, rate/10), rate} {
			for _, limit := range []int{0, rate / 10} {
				for _, answer := range []int{6, 20, 100, 1000} {
					for _, refuse := range []int{2, 10, 50} {
						m := &metered{rate: float64(rate), saved: float64(saved), limit: limit, answer: ms(answer), refuse: ms(refuse)}
						items := max(400, 8*saved, 4*rate)
						calls, took, verdict := m.run(t, items)
						ideal := time.Duration(items-saved)*time.Second/time.Duration(rate) + m.answer
						if limit > 0 {
							ideal = max(ideal, time.Duration((items+limit-1)/limit)*m.answer)
						}
						times, mark := took.Seconds()/ideal.Seconds(), ""
						if bound := limit != 1 && answer >= 2*refuse; bound && (calls > 1.25 || times > 1.4) {
							mark = "missed"
							t.Errorf("%+v, %d items: %.2f calls an item, %.2f times the ideal time; want at most 1.25, 1.4", m, items, calls, times)
						}
						if limit > 1 && verdict.Concurrency > limit+limit/10 || limit == 0 && verdict.Concurrency > 0 {
							t.Errorf("%+v, %d items: settled at %d", m, items, verdict.Concurrency)
						}
						t.Logf("%6d %6d %6d %6d %7v %7v %6.2f %6.2f %s", rate, saved, limit, items, m.answer, m.refuse, calls, times, mark)
					}
				}
			}
		}
	}
}

// However low a rate was, the lane starts more again when it has risen.
func TestThePaceFollowsARateThatChanges(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		from, to float64
		after    time.Duration
		items    int
		most     time.Duration
		calls    int // at most
	}{
		// 100 of the first second, the rest at 1,000 a second: 5 s.
		{"rises from 100 to 1,000", 100, 1000, time.Second, 4000, 7 * time.Second, 6400},
		// 1,100 in the first second, the rest at 100 a second: 20 s.
		{"falls from 1,000 to 100", 1000, 100, time.Second, 3000, 24 * time.Second, 4800},
		{"is 0 for ten seconds", 0, 100, 10 * time.Second, 400, 40 * time.Second, 700},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &metered{rate: tt.from, saved: 10, answer: 100 * time.Millisecond, refuse: 5 * time.Millisecond}
				time.AfterFunc(tt.after, func() {
					m.mu.Lock()
					m.rate = tt.to
					m.mu.Unlock()
				})
				begin := time.Now()
				outcomes, _ := fanout.Map(t.Context(), adapting(), make([]int, tt.items), m.call)
				took := time.Since(begin)
				checkSucceeded(t, outcomes)
				t.Logf("%v, %d calls", took, m.calls)
				if took > tt.most || m.calls > tt.calls {
					t.Errorf("took %v with %d calls; want at most %v, %d", took, m.calls, tt.most, tt.calls)
				}
			})
		})
	}
}

func TestAServerWhoseRateIsZeroIsAskedLessAndLess(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ items, most int }{
		{3, 3 + 40},
		{36, 36 + 40},
		{1000, 200 + 40}, // after the burst
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 29*time.Second)
			defer cancel()
			m := &metered{answer: 100 * time.Millisecond, refuse: 2 * time.Millisecond}
			_, verdict := fanout.Map(ctx, adapting(), make([]int, tt.items), m.call)
			if verdict.Status == fanout.Succeeded || m.calls > tt.most {
				t.Errorf("%d items: %s after %d calls, want it to fail after at most %d", tt.items, verdict.Status, m.calls, tt.most)
			}
		})
	}
}

// A tenth of the calls is refused, however many there are in a second.
func TestAFewThrottlesForTheRateSlowNothingDown(t *testing.T) {
	t.Parallel()
	for seed := range 5 {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			a := newAccount(1 << 30)
			a.dice = rand.New(rand.NewPCG(uint64(seed), 0)) //nolint:gosec // the same at each run
			outcomes, verdict := fanout.Map(t.Context(), adapting(), make([]int, 1000), func(ctx context.Context, i int, prior []fanout.Attempt) (int, error) {
				_, err := a.call(ctx, i, prior)
				if err != nil {
					err = rateError{}
				}
				return 0, err
			})
			checkSucceeded(t, outcomes)
			if took := time.Since(begin); took > 500*time.Millisecond || verdict.Throttled != a.refused || verdict.Concurrency != 0 {
				t.Errorf("seed %d: took %v, throttled %d of %d times, settled at %d; want at most 500ms, no limit", seed, took, verdict.Throttled, a.refused, verdict.Concurrency)
			}
		})
	}
}
