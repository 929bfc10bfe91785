package fanout_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/fanout"
)

func TestTheFirstAnswerWinsAndTheLoserIsCancelledAndInTheRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var cancelled time.Duration
		var calls atomic.Int32 // the two attempts run at the same time
		p := fanout.Policy{Hedge: fanout.Hedge{After: time.Second, MaxExtraPercentage: 100}}
		const other = 1 // goes on for longer, so that the run does
		outcomes, verdict := fanout.Map(t.Context(), p, []int{0, other}, func(ctx context.Context, i int, _ []fanout.Attempt) (string, error) {
			switch {
			case i == other:
				return "", sleep(ctx, 10*time.Second)
			case calls.Add(1) == 1:
				err := sleep(ctx, time.Hour)
				cancelled = time.Since(begin)
				return "late", err
			}
			return "early", sleep(ctx, 2*time.Second)
		})
		synctest.Wait()
		o := outcomes[0]
		if o.Status != fanout.Succeeded || o.Value != "early" || verdict.Status != fanout.Succeeded {
			t.Errorf("%s %q, %v; want SUCCEEDED early", o.Status, o.Value, verdict)
		}
		if cancelled != 3*time.Second {
			t.Errorf("the loser was cancelled after %v, want 3s", cancelled)
		}
		type record struct {
			at, took time.Duration
			hedge    bool
			failed   bool
			name     string
		}
		var got []record
		for _, a := range o.Attempts {
			got = append(got, record{a.Start.Sub(begin), a.Elapsed, a.Hedge, a.Err != nil, a.Name})
		}
		want := []record{{0, 3 * time.Second, false, true, ""}, {time.Second, 2 * time.Second, true, false, ""}}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(record{})); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
	})
}

// The run waits for a loser as long as for its own end: for Grace at most.
func TestHowAHedgedItemEnds(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	const grace = 2 * time.Second
	tests := []struct {
		name          string
		first, second func(context.Context) error
		retry         bool
		want          fanout.Status
		attempts      int
		took          time.Duration
	}{
		{
			"the first fails, the second answers",
			func(ctx context.Context) error { return errors.Join(sleep(ctx, 2*time.Second), broken) },
			func(ctx context.Context) error { return sleep(ctx, 3*time.Second) }, false, fanout.Succeeded, 2, 4 * time.Second,
		},
		{
			"the second fails, the first answers",
			func(ctx context.Context) error { return sleep(ctx, 5*time.Second) },
			func(context.Context) error { return broken }, false, fanout.Succeeded, 2, 5 * time.Second,
		},
		{
			"both fail",
			func(ctx context.Context) error { return errors.Join(sleep(ctx, 2*time.Second), broken) },
			func(context.Context) error { return broken }, false, fanout.Failed, 2, 2 * time.Second,
		},
		{
			"both fail, a retry answers",
			func(ctx context.Context) error { return errors.Join(sleep(ctx, 2*time.Second), broken) },
			func(context.Context) error { return broken }, true, fanout.Succeeded, 3, 3 * time.Second,
		},
		{
			"the first answers in time",
			func(ctx context.Context) error { return sleep(ctx, time.Second/2) },
			func(context.Context) error { panic("not wanted") }, false, fanout.Succeeded, 1, time.Second / 2,
		},
		{
			"the run's time is over",
			func(ctx context.Context) error { return sleep(ctx, time.Hour) },
			func(ctx context.Context) error { return sleep(ctx, time.Hour) }, false, fanout.TimedOut, 2, 10 * time.Second,
		},
		{
			"the run's time is over and both ignore it",
			func(context.Context) error { time.Sleep(time.Hour); return nil },
			func(context.Context) error { time.Sleep(time.Hour); return nil }, false, fanout.TimedOut, 2, 10*time.Second + grace,
		},
		{
			"the loser takes its time to unwind",
			func(ctx context.Context) error { <-ctx.Done(); time.Sleep(30 * time.Millisecond); return ctx.Err() },
			func(ctx context.Context) error { return sleep(ctx, time.Second) }, false, fanout.Succeeded, 2, 2*time.Second + 30*time.Millisecond,
		},
		{
			"the loser ignores its end",
			func(context.Context) error { time.Sleep(time.Minute); return nil },
			func(ctx context.Context) error { return sleep(ctx, time.Second) }, false, fanout.Succeeded, 2, 2*time.Second + grace,
		},
		{
			"the loser ignores its end, near the run's end",
			func(context.Context) error { time.Sleep(time.Minute); return nil },
			func(context.Context) error { time.Sleep(10 * time.Second); return nil }, false, fanout.Succeeded, 2, 10*time.Second + grace,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				p := fanout.Policy{Grace: grace, Hedge: fanout.Hedge{After: time.Second, MaxExtraPercentage: 100}}
				if tt.retry {
					p.Retry = []fanout.Retrier{{ErrorEquals: []string{fanout.NameAll}}}
				}
				var calls atomic.Int32
				begin := time.Now()
				outcomes, _ := fanout.Map(ctx, p, []int{0}, func(ctx context.Context, _ int, _ []fanout.Attempt) (int, error) {
					switch calls.Add(1) {
					case 1:
						return 0, tt.first(ctx)
					case 2:
						return 0, tt.second(ctx)
					}
					return 0, nil
				})
				o := outcomes[0]
				if took := time.Since(begin); o.Status != tt.want || len(o.Attempts) != tt.attempts || took != tt.took {
					t.Errorf("%s after %d attempts in %v: %v; want %s, %d, %v", o.Status, len(o.Attempts), took, o.Err, tt.want, tt.attempts, tt.took)
				}
				time.Sleep(2 * time.Hour) // let what was abandoned end
			})
		})
	}
}

// An attempt that was outrun and does not notice is given up once, with its item:
// neither the end of its own time nor the run's settles that again.
func TestALoserThatIgnoresItsEndIsGivenUpOnce(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]fanout.Policy{
		"the end of its time":   {Timeout: 5 * time.Second},
		"the end of the run's":  {},
		"the end of both times": {Timeout: 9 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				p.Hedge = fanout.Hedge{After: time.Second, MaxExtraPercentage: 100}
				begin, settled := time.Now(), map[int]int{}
				outcomes, verdict := fanout.Each(ctx, p, []int{0, 1}, func(ctx context.Context, i int, _ []fanout.Attempt) (int, error) {
					switch {
					case i == 1: // keeps the run going
						return 0, sleep(ctx, time.Hour)
					case time.Since(begin) == 0:
						time.Sleep(time.Minute) // ignoring its context
					}
					return 0, nil
				})
				for i, o := range outcomes {
					settled[i]++
					if want := []fanout.Status{fanout.Succeeded, fanout.TimedOut}[i]; o.Status != want {
						t.Errorf("item %d is %s, want %s", i, o.Status, want)
					}
				}
				if settled[0] != 1 || settled[1] != 1 {
					t.Errorf("settled %v times, want each once; the run %v", settled, verdict())
				}
				time.Sleep(time.Hour) // let what was abandoned end
			})
		})
	}
}

// The record has the attempts by their ends, so the first one may come last.
func TestAHedgedItemLastsFromItsFirstAttempt(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, second := range map[string]func(context.Context) error{
		"the hedge loses": func(ctx context.Context) error { return sleep(ctx, time.Hour) },
		"the hedge fails": func(context.Context) error { return broken },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := fanout.Policy{Hedge: fanout.Hedge{After: time.Second, MaxExtraPercentage: 100}}
				begin := time.Now()
				outcomes, _ := fanout.Map(t.Context(), p, []int{0}, func(ctx context.Context, _ int, _ []fanout.Attempt) (int, error) {
					if time.Since(begin) == 0 {
						return 0, sleep(ctx, 5*time.Second)
					}
					return 0, second(ctx)
				})
				o := outcomes[0]
				if !o.Attempts[0].Hedge || !o.Started().Equal(begin) || o.Elapsed != 5*time.Second {
					t.Errorf("started after %v, took %v; want 0s, 5s: %+v", o.Started().Sub(begin), o.Elapsed, o.Attempts)
				}
			})
		})
	}
}

func TestNoMoreItemsAreHedgedThanThePolicyAllows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			percentage float64
			want       int
		}{{0, 2}, {10, 4}, {2, 0}, {100, 40}} {
			hedges := 0
			p := fanout.Policy{Hedge: fanout.Hedge{After: time.Second, MaxExtraPercentage: tt.percentage}}
			outcomes, _ := fanout.Map(t.Context(), p, make([]int, 40), func(ctx context.Context, _ int, _ []fanout.Attempt) (int, error) {
				return 0, sleep(ctx, 3*time.Second)
			})
			for _, o := range outcomes {
				hedges += len(o.Attempts) - 1
			}
			if hedges != tt.want || p.Hedge.Most(40) != tt.want {
				t.Errorf("%v %% of 40: %d hedged, Most = %d, want %d", tt.percentage, hedges, p.Hedge.Most(40), tt.want)
			}
		}
	})
}

// With one call of a hundred 20 times slower, the p99 of 200 runs falls at least
// five-fold, for at most 5 % more calls.
func TestHedgingCutsTheTail(t *testing.T) {
	t.Parallel()
	const runs, items = 200, 100
	for name, hedge := range map[string]fanout.Hedge{
		"after a time":       {After: 150 * time.Millisecond},
		"after a percentile": {AfterPercentile: 95},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tail := map[bool]time.Duration{}
			calls := map[bool]int{}
			for _, hedged := range []bool{false, true} {
				var p fanout.Policy
				if hedged {
					p.Hedge = hedge
				}
				var took []time.Duration
				random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a seed makes the test the same every time
				for range runs {
					synctest.Test(t, func(t *testing.T) {
						slow := make([]bool, 2*items)
						for i := range slow {
							slow[i] = random.IntN(100) == 0
						}
						begin := time.Now()
						outcomes, _ := fanout.Map(t.Context(), p, numbers(items), func(ctx context.Context, i int, _ []fanout.Attempt) (int, error) {
							d := 100 * time.Millisecond
							if at := time.Since(begin); slow[i] && at == 0 || slow[items+i] && at > 0 {
								d *= 20
							}
							return 0, sleep(ctx, d)
						})
						took = append(took, time.Since(begin))
						for _, o := range outcomes {
							calls[hedged] += len(o.Attempts)
						}
					})
				}
				slices.Sort(took)
				tail[hedged] = took[runs*99/100]
			}
			t.Logf("p99 %v, hedged %v; %d calls, hedged %d", tail[false], tail[true], calls[false], calls[true])
			if tail[false] < 5*tail[true] || 100*calls[true] > 105*calls[false] {
				t.Errorf("p99 %v, hedged %v; %d calls, hedged %d: want a fifth, for 5 %% more", tail[false], tail[true], calls[false], calls[true])
			}
		})
	}
}

// Throttled and failed attempts are no answers: neither they nor their number decides
// after how long an attempt is slow.
func TestAttemptsThatFailedDoNotCountForThePercentile(t *testing.T) {
	t.Parallel()
	const items, answer, slow = 500, 40 * time.Millisecond, 20 * time.Second // one of a hundred is slow
	for _, tt := range []struct {
		name  string
		limit int // of the account
		fails int // the first attempt at every item of this many fails; 0 is none
		after time.Duration
		most  time.Duration
	}{
		{"throttled", 100, 0, 0, time.Second}, // five rounds take 0.2 s
		{"failed at once", 1 << 30, 2, 0, time.Second},
		{"throttled and failed", 200, 3, 0, time.Second},
		{"failed late", 1 << 30, 2, 2 * time.Second, 2*time.Second + 3*answer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := adapting()
				p.Retry = append(p.Retry, fanout.Retrier{ErrorEquals: []string{"A"}, IntervalSeconds: 0.01})
				p.Hedge = fanout.Hedge{AfterPercentile: 95}
				var account gauge
				var accepted [items]atomic.Int32
				begin := time.Now()
				outcomes, _ := fanout.Map(t.Context(), p, numbers(items), func(ctx context.Context, i int, prior []fanout.Attempt) (int, error) {
					account.add(1)
					defer account.add(-1)
					running, _, _ := account.read()
					switch {
					case running > tt.limit:
						return 0, errors.Join(sleep(ctx, 2*time.Millisecond), throttleError{})
					case tt.fails > 0 && i%tt.fails == 0 && len(prior) == 0:
						return 0, errors.Join(sleep(ctx, tt.after), named("A"))
					case accepted[i].Add(1) == 1 && i%100 == 99:
						return 0, sleep(ctx, slow)
					}
					return 0, sleep(ctx, answer)
				})
				if took := time.Since(begin); took > tt.most {
					t.Errorf("took %v, want at most %v", took, tt.most)
				}
				checkSucceeded(t, outcomes)
			})
		})
	}
}

// However many items a lane's bursts take, the last ones are hedged too.
func TestAHedgeIsMadeAlsoWhenTheLaneHasRoomForTheItemsOnly(t *testing.T) {
	t.Parallel()
	for _, items := range []int{1, 28, 36, 37, 180, 200} {
		for _, groups := range []int{1, 2} {
			synctest.Test(t, func(t *testing.T) {
				p := adapting()
				p.Hedge = fanout.Hedge{After: time.Second, MaxExtraPercentage: 100}
				for i := range items * groups {
					p.Groups = append(p.Groups, i/items)
				}
				p.Adaptation.PerGroup = true
				begin := time.Now()
				outcomes, _ := fanout.Map(t.Context(), p, p.Groups, func(ctx context.Context, _ int, _ []fanout.Attempt) (int, error) {
					if time.Since(begin) < time.Second/2 {
						return 0, sleep(ctx, time.Minute)
					}
					return 0, sleep(ctx, time.Second)
				})
				// The last of many are hedged with their lane's last bursts.
				if took, most := time.Since(begin), 2*time.Second+200*time.Millisecond; took > most {
					t.Errorf("%d items took %v, want at most %v", items, took, most)
				}
				checkSucceeded(t, outcomes)
			})
		}
	}
}
