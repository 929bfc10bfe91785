package fanout_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/fanout"
)

// An account accepts a number of calls at once, and refuses the rest.
type account struct {
	limit          int
	answer, refuse time.Duration // how long it takes to
	running, peak  int
	calls, refused int
	dice           *rand.Rand // refuses a tenth of the calls, however many run; nil refuses none
	mu             sync.Mutex // guards the fields above
}

func newAccount(limit int) *account {
	return &account{limit: limit, answer: 100 * time.Millisecond, refuse: 2 * time.Millisecond}
}

// become changes the limit, after so long.
func (a *account) become(limit int, after time.Duration) {
	time.AfterFunc(after, func() {
		a.mu.Lock()
		a.limit = limit
		a.mu.Unlock()
	})
}

// A throttle is the error of a refused call.
type throttleError struct{}

func (throttleError) Error() string { return "rate exceeded" }

func (throttleError) ErrorName() string { return "Throttled" }

func (a *account) call(context.Context, int, []fanout.Attempt) (int, error) {
	a.mu.Lock()
	a.calls++
	accepted := a.running < a.limit && (a.dice == nil || a.dice.IntN(10) > 0)
	if accepted {
		a.running++
		a.peak = max(a.peak, a.running)
	} else {
		a.refused++
	}
	a.mu.Unlock()
	if !accepted {
		time.Sleep(a.refuse)
		return 0, throttleError{}
	}
	time.Sleep(a.answer)
	a.mu.Lock()
	a.running--
	a.mu.Unlock()
	return 0, nil
}

// adapting is a policy that adapts to throttles, and retries them.
func adapting() fanout.Policy {
	return fanout.Policy{
		Adaptation: fanout.Adaptation{ErrorEquals: []string{"Throttled"}},
		Retry: []fanout.Retrier{{
			ErrorEquals: []string{"Throttled"}, IntervalSeconds: 0.2, MaxAttempts: new(4), MaxDelaySeconds: 5, JitterStrategy: "FULL",
		}},
	}
}

func TestTheNumberAtOnceFollowsWhatTheOtherSideCanTake(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		limit, items int
		most         time.Duration // of time
		mostCalls    int
	}{
		// Ideal: 200 of 100 ms, 10 at once, take 2 s; within 1.15 times that, and
		// at most 1.25 calls an item.
		{"an account of 10", 10, 200, 2300 * time.Millisecond, 250},
		{"an account of 50", 50, 1000, 2300 * time.Millisecond, 1250},
		// The first burst meets no limit here, and the next one is a fifth.
		{"an account of 50, and twice as many", 50, 100, 320 * time.Millisecond, 125},
		{"an account of 40, and little more", 40, 60, 320 * time.Millisecond, 75},
		{"an account of 10, for long", 10, 2000, 20500 * time.Millisecond, 2500},
		{"an account of 1", 1, 20, 2500 * time.Millisecond, 60},
		// The fifth burst starts after 32 ms; the account does not refuse 900 at once.
		{"an account of 1,000", 1000, 900, 140 * time.Millisecond, 900},
		{"an account just under a burst", 195, 1000, 1000 * time.Millisecond, 1250},
		{"an account just over a burst", 205, 1000, 1000 * time.Millisecond, 1250},
		{"an account of half a burst", 90, 1000, 1400 * time.Millisecond, 1250},
		{"an account of two thirds", 666, 1000, 300 * time.Millisecond, 1250},
		{"every Region once", 1000, 36, 100 * time.Millisecond, 36},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				a := newAccount(tt.limit)
				outcomes, verdict := fanout.Map(t.Context(), adapting(), make([]int, tt.items), a.call)
				took := time.Since(begin)
				checkSucceeded(t, outcomes)
				t.Logf("%v, %d calls, %d refused, settled at %d", took, a.calls, a.refused, verdict.Concurrency)
				if took > tt.most || a.calls > tt.mostCalls {
					t.Errorf("took %v with %d calls; want at most %v, %d", took, a.calls, tt.most, tt.mostCalls)
				}
				if verdict.Throttled != a.refused || a.refused > 0 && (10*verdict.Concurrency < 9*tt.limit || verdict.Concurrency > tt.limit+2) {
					t.Errorf("verdict: %d throttled, settled at %d; want %d, about %d", verdict.Throttled, verdict.Concurrency, a.refused, tt.limit)
				}
			})
		})
	}
}

// Fewer items than there are places do not show how many there are.
func TestAThrottleAmongTheLastItemsDoesNotLowerWhatTheRunSaysItSettledAt(t *testing.T) {
	t.Parallel()
	const items = 1000
	for _, tt := range []struct {
		name        string
		limit, last int
		times       int    // that each of the last is throttled
		want        [2]int // from and to
	}{
		{"none", 185, 0, 0, [2]int{167, 187}},
		{"two of them", 185, 2, 60, [2]int{167, 187}},
		{"most of the last 75", 185, 50, 3, [2]int{167, 187}},
		{"two of them, without a limit", 1 << 30, 2, 200, [2]int{items, items}},
		// More than may be throttled at once do show it.
		{"many rounds", 185, 500, 3, [2]int{1, 100}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(tt.limit)
				outcomes, verdict := fanout.Map(t.Context(), adapting(), numbers(items), func(ctx context.Context, i int, prior []fanout.Attempt) (int, error) {
					if i >= items-tt.last && len(prior) < tt.times {
						time.Sleep(a.refuse)
						return 0, throttleError{}
					}
					return a.call(ctx, i, prior)
				})
				checkSucceeded(t, outcomes)
				if c := verdict.Concurrency; c < tt.want[0] || c > tt.want[1] {
					t.Errorf("settled at %d after %d throttles, want %d to %d", c, verdict.Throttled, tt.want[0], tt.want[1])
				}
			})
		})
	}
}

// All are asked for at once, and the throttles are not heard before some answers.
func TestTheFirstThrottlesShowTheLimitThoughFewerItemsAreLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const items, limit, quick = 24, 10, 4
		a := newAccount(limit)
		_, verdict := fanout.Map(t.Context(), adapting(), numbers(items), func(ctx context.Context, i int, prior []fanout.Attempt) (int, error) {
			if i < quick {
				time.Sleep(a.refuse / 2)
				return 0, nil
			}
			return a.call(ctx, i, prior)
		})
		if c := verdict.Concurrency; c < limit*9/10 || c > limit+2 {
			t.Errorf("settled at %d, want about %d", c, limit)
		}
	})
}

// Those accepted have ended before the first refusal is heard, and few refused ones run.
func TestAThrottleIsJudgedByWhatRanWhenItsAttemptWasSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const limit, items = 10, 20
		p := adapting()
		p.Retry = nil
		_, verdict := fanout.Map(t.Context(), p, numbers(items), func(_ context.Context, i int, _ []fanout.Attempt) (int, error) {
			if i < limit {
				time.Sleep(time.Millisecond)
				return 0, nil
			}
			time.Sleep(time.Duration(i) * time.Millisecond) // so that they are heard in order
			return 0, throttleError{}
		})
		if w := verdict.Windows[0]; w != (fanout.Window{AtOnce: limit, Limit: true}) {
			t.Errorf("a side that takes %d at once shows a window of %+v", limit, w)
		}
	})
}

// Some throttles say nothing about how much runs at once, such as those of a limit
// on the rate of calls: the number at once does not follow them.
func TestAFewThrottlesAreNoLimit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name            string
		items, at, most int // most: milliseconds
	}{
		// Ideal: 100 ms, and as much for each of the few that are throttled twice.
		{"all at once", 1000, 0, 500},
		// Ideal: 10,000 of 100 ms, 1,000 at once, and a tenth more calls.
		{"ten rounds", 10_000, 1000, 1600},
	} {
		for seed := range 5 {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				a := newAccount(1 << 30)
				a.dice = rand.New(rand.NewPCG(uint64(seed), 0)) //nolint:gosec // the same at each run
				p := adapting()
				p.MaxConcurrency = tt.at
				outcomes, verdict := fanout.Map(t.Context(), p, make([]int, tt.items), a.call)
				took := time.Since(begin)
				checkSucceeded(t, outcomes)
				t.Logf("%s: %v, %d calls, %d refused, settled at %d", tt.name, took, a.calls, a.refused, verdict.Concurrency)
				if most := time.Duration(tt.most) * time.Millisecond; took > most {
					t.Errorf("%s, seed %d: took %v, want at most %v", tt.name, seed, took, most)
				}
				if verdict.Concurrency != 0 {
					t.Errorf("%s, seed %d: settled at %d, want no limit", tt.name, seed, verdict.Concurrency)
				}
			})
		}
	}
}

func TestWhateverTheLimitItTakesAQuarterMoreCallsAtMost(t *testing.T) {
	t.Parallel()
	const items = 1000
	for limit := 10; limit < items; limit += 1 + limit/10 {
		synctest.Test(t, func(t *testing.T) {
			a := newAccount(limit)
			begin := time.Now()
			fanout.Map(t.Context(), adapting(), make([]int, items), a.call)
			took, ideal := time.Since(begin), time.Duration((items+limit-1)/limit)*a.answer
			if a.calls > items*125/100 || took > ideal*115/100+150*time.Millisecond {
				t.Errorf("limit %d: %d calls for %d items, %v; want at most a quarter more, about %v", limit, a.calls, items, took, ideal)
			}
		})
	}
}

// However low a limit was, the number at once grows again when it is gone: twice as
// much after every two rounds.
func TestTheNumberAtOnceFollowsALimitThatChanges(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		from, to    int
		after       time.Duration
		items       int
		most        time.Duration // of time
		calls       int           // at most
		concurrency [2]int        // settled at, from and to
	}{
		// Ten doublings, of two rounds each, reach 1,000 after 2.5 s.
		{"rises from 10 to 1,000", 10, 1000, 500 * time.Millisecond, 10_000, 4 * time.Second, 12_500, [2]int{900, 1000}},
		// From 1 up, 1,000 take 2.2 s, after the second.
		{"is 0 for a second", 0, 1000, time.Second, 1000, 4 * time.Second, 1250, [2]int{200, 1000}},
		{"is 0 for ten seconds", 0, 1000, 10 * time.Second, 36, 15 * time.Second, 90, [2]int{8, 36}},
		// 5 rounds of 1,000, and 5,000 of 10 at once. All that run end at once, and
		// as many are asked for again before the first is refused: a tenth more calls,
		// beside the first burst's.
		{"falls from 1,000 to 10", 1000, 10, 450 * time.Millisecond, 10_000, 52 * time.Second, 12_500, [2]int{9, 12}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				a := newAccount(tt.from)
				a.become(tt.to, tt.after)
				outcomes, verdict := fanout.Map(t.Context(), adapting(), make([]int, tt.items), a.call)
				took := time.Since(begin)
				checkSucceeded(t, outcomes)
				t.Logf("%v, %d calls, settled at %d", took, a.calls, verdict.Concurrency)
				if took > tt.most || a.calls > tt.calls {
					t.Errorf("took %v with %d calls; want at most %v, %d", took, a.calls, tt.most, tt.calls)
				}
				if c := verdict.Concurrency; c < tt.concurrency[0] || c > tt.concurrency[1] {
					t.Errorf("settled at %d, want %d to %d", c, tt.concurrency[0], tt.concurrency[1])
				}
			})
		})
	}
}

func TestThrottledAttemptsDoNotUseUpARetriersAttempts(t *testing.T) {
	t.Parallel()
	for _, counted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := adapting()
			p.Adaptation.CountRetries = counted
			calls := 0
			outcomes, _ := fanout.Map(t.Context(), p, []int{0}, func(context.Context, int, []fanout.Attempt) (int, error) {
				if calls++; calls <= 20 {
					return 0, throttleError{}
				}
				return 0, nil
			})
			want, status := 21, fanout.Succeeded
			if counted {
				want, status = 5, fanout.Failed
			}
			if calls != want || outcomes[0].Status != status {
				t.Errorf("counted %v: %d calls, %s; want %d, %s", counted, calls, outcomes[0].Status, want, status)
			}
		})
	}
}

func TestAThrottledAttemptWithoutARetrierIsAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := adapting()
		p.Retry = nil
		outcomes, _ := fanout.Map(t.Context(), p, make([]int, 20), newAccount(10).call)
		failed := 0
		for _, o := range outcomes {
			if o.Status == fanout.Failed {
				failed++
			}
		}
		if failed != 10 {
			t.Errorf("%d failed, want 10", failed)
		}
	})
}

func TestOneLaneDoesNotSlowAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		accounts := []*account{newAccount(1), newAccount(1000)}
		items := make([]int, 200)
		p := adapting()
		p.Adaptation.PerGroup, p.Groups = true, make([]int, len(items))
		for i := range items {
			items[i] = i % 2
			p.Groups[i] = i % 2
		}
		begin := time.Now()
		var slow, fast time.Duration
		outcomes, _ := fanout.Each(t.Context(), p, items, func(ctx context.Context, at int, prior []fanout.Attempt) (int, error) {
			return accounts[at].call(ctx, at, prior)
		})
		for i := range outcomes {
			if items[i] == 0 {
				slow = time.Since(begin)
			} else {
				fast = time.Since(begin)
			}
		}
		if fast > 200*time.Millisecond || slow < 10*time.Second || slow > 13*time.Second {
			t.Errorf("the lane of the large account took %v, that of the small one %v; want under 200ms, over 10s", fast, slow)
		}
	})
}

// A slow attempt in a lane without room does not hold up the hedging of others.
func TestOneLaneDoesNotHoldUpTheHedgesOfAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := adapting()
		p.Adaptation.PerGroup, p.Groups = true, []int{0, 0, 1}
		p.Hedge = fanout.Hedge{After: time.Second, MaxExtraPercentage: 100}
		begin := time.Now()
		var other atomic.Int32
		var took time.Duration
		outcomes, _ := fanout.Each(t.Context(), p, []int{0, 1, 2}, func(ctx context.Context, i int, _ []fanout.Attempt) (int, error) {
			switch {
			case i == 0: // takes all the room there is in its lane
				return 0, sleep(ctx, 10*time.Second)
			case i == 1 && time.Since(begin) < 10*time.Second:
				return 0, throttleError{}
			case i == 2 && other.Add(1) == 1:
				return 0, sleep(ctx, time.Minute)
			}
			return 0, sleep(ctx, 100*time.Millisecond)
		})
		for i := range outcomes {
			if i == 2 {
				took = time.Since(begin)
			}
		}
		if want := 1100 * time.Millisecond; took != want {
			t.Errorf("the item of the other lane took %v, want %v", took, want)
		}
	})
}

func TestAnAccountThatRefusesEverythingIsAskedLessAndLess(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ items, most int }{
		{3, 3 + 30},
		{36, 36 + 30},
		{1000, 200 + 30}, // after the burst, one at a time
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 29*time.Second)
			defer cancel()
			a := newAccount(0)
			outcomes, verdict := fanout.Map(ctx, adapting(), make([]int, tt.items), a.call)
			if verdict.Status == fanout.Succeeded || len(outcomes[0].Attempts) == 0 || a.calls > tt.most {
				t.Errorf("%d items: %s after %d calls, want it to fail after at most %d", tt.items, verdict.Status, a.calls, tt.most)
			}
		})
	}
}

// The wait before the next try never is what makes an item fail: one that was
// throttled shortly before the run's end is tried once more.
func TestAThrottledAttemptIsTriedOnceMoreBeforeTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const limit = 10 * time.Second
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		begin := time.Now()
		outcomes, _ := fanout.Map(ctx, adapting(), []item{func(ctx context.Context, _ []fanout.Attempt) (string, error) {
			if time.Since(begin) < limit-500*time.Millisecond {
				return "", throttleError{}
			}
			return "done", sleep(ctx, 10*time.Millisecond)
		}}, play)
		if o := outcomes[0]; o.Status != fanout.Succeeded {
			t.Errorf("%s after %v and %d attempts, want SUCCEEDED: %v", o.Status, o.Elapsed, len(o.Attempts), o.Err)
		}
	})
}

// A throttle that asks for more time than the run has is tried again all the same.
func TestAThrottleMayAskForMoreThanTheRunHas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		begin := time.Now()
		outcomes, _ := fanout.Map(ctx, adapting(), []item{func(ctx context.Context, _ []fanout.Attempt) (string, error) {
			if time.Since(begin) < 20*time.Second {
				return "", asking{"Throttled", time.Minute}
			}
			return "done", sleep(ctx, time.Second)
		}}, play)
		o := outcomes[0]
		if o.Status != fanout.Succeeded || len(o.Attempts) > 6 || o.Elapsed > 28*time.Second {
			t.Errorf("%s after %v and %d attempts; want SUCCEEDED within 28s and 6", o.Status, o.Elapsed, len(o.Attempts))
		}
		for _, a := range o.Attempts[:len(o.Attempts)-1] {
			if a.Wait < 5*time.Second || a.Wait > 5*time.Second+longestPause {
				t.Errorf("a wait of %v, want 5s and a pause", a.Wait)
			}
		}
	})
}

// longestPause is what the engine waits at most before it asks an account again.
const longestPause = 4 * time.Second

func TestTheThrottlesOfHedgesAreAFewOfAllAttempts(t *testing.T) {
	t.Parallel()
	for seed := range 5 {
		synctest.Test(t, func(t *testing.T) {
			const items = 1000
			a := newAccount(1 << 30)
			a.dice = rand.New(rand.NewPCG(uint64(seed), 0)) //nolint:gosec // the same at each run
			p := adapting()
			p.Hedge = fanout.Hedge{After: a.answer / 2, MaxExtraPercentage: 100}
			outcomes, verdict := fanout.Map(t.Context(), p, make([]int, items), a.call)
			checkSucceeded(t, outcomes)
			t.Logf("%d calls, %d refused, settled at %d", a.calls, a.refused, verdict.Concurrency)
			if verdict.Concurrency != 0 {
				t.Errorf("settled at %d after %d throttles of %d calls, want no limit", verdict.Concurrency, a.refused, a.calls)
			}
			time.Sleep(time.Second) // the account's calls ignore their contexts
		})
	}
}
