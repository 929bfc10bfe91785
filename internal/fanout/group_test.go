package fanout_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"meridian/internal/fanout"
)

// Two groups of six items of a second each, two at once in each: three seconds.
func TestGroupConcurrencyBoundsWhatAGroupHasRunning(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                       string
		maxConcurrency, bound, all int // all is the peak of both groups together
		want                       time.Duration
	}{
		{"a bound for each group", 0, 2, 4, 3 * time.Second},
		{"one at a time in each group", 0, 1, 2, 6 * time.Second},
		{"MaxConcurrency is a bound too", 3, 2, 3, 4 * time.Second},
		{"a bound above the number of items", 0, 7, 12, time.Second},
		{"no bound", 0, 0, 12, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := crowd(2, 6)
				p.MaxConcurrency, p.GroupConcurrency = tt.maxConcurrency, tt.bound
				var all gauge
				groups := make([]gauge, 2)
				begin := time.Now()
				outcomes, _ := fanout.Map(t.Context(), p, numbers(12), func(ctx context.Context, i int, prior []fanout.Attempt) (string, error) {
					return all.watch(groups[p.Groups[i]].watch(ok(time.Second, "")))(ctx, prior)
				})
				checkSucceeded(t, outcomes)
				if took := time.Since(begin); took != tt.want {
					t.Errorf("took %v, want %v", took, tt.want)
				}
				if _, peak, _ := all.read(); peak != tt.all {
					t.Errorf("%d attempts at once, want %d", peak, tt.all)
				}
				for g := range groups {
					if _, peak, _ := groups[g].read(); tt.bound > 0 && peak > tt.bound {
						t.Errorf("group %d had %d attempts at once, want at most %d", g, peak, tt.bound)
					}
				}
			})
		})
	}
}

// A group at its bound does not hold up the others: they take what they would take alone.
func TestAGroupAtItsBoundDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		p := crowd(3, 10)
		p.MaxConcurrency, p.GroupConcurrency = 6, 2
		begin := time.Now()
		outcomes, _ := fanout.Each(ctx, p, numbers(30), func(ctx context.Context, i int, _ []fanout.Attempt) (string, error) {
			if p.Groups[i] == 0 {
				return "", sleep(ctx, time.Hour)
			}
			return "", sleep(ctx, time.Second)
		})
		for i, o := range outcomes {
			if at := time.Since(begin); p.Groups[i] > 0 && (o.Status != fanout.Succeeded || at != time.Duration(1+i%10/2)*time.Second) {
				t.Errorf("item %d is %s after %v, want two of its group each second", i, o.Status, at)
			}
		}
	})
}

// A hedge and a retry count as every attempt does, so at one at a time there is no hedge.
func TestHedgesAndRetriesCountInTheirGroup(t *testing.T) {
	t.Parallel()
	for bound, want := range map[int]int{1: 0, 2: 3} {
		synctest.Test(t, func(t *testing.T) {
			p := crowd(1, 3)
			p.GroupConcurrency, p.Retry = bound, always(1)
			p.Hedge = fanout.Hedge{After: time.Second, MaxExtraPercentage: 100}
			var group gauge
			outcomes, _ := fanout.Map(t.Context(), p, numbers(3), func(ctx context.Context, i int, prior []fanout.Attempt) (string, error) {
				return group.watch(inTurn(fail(0, named("A")), ok(5*time.Second, "")))(ctx, prior)
			})
			checkSucceeded(t, outcomes)
			hedges := 0
			for _, o := range outcomes {
				for _, a := range o.Attempts {
					if a.Hedge {
						hedges++
					}
				}
			}
			if _, peak, _ := group.read(); peak > bound || hedges > want || bound == 1 && hedges != 0 {
				t.Errorf("bound %d: %d attempts at once, %d hedges; want at most %d and %d", bound, peak, hedges, bound, want)
			}
		})
	}
}

// A group that has room has no item waiting that was never tried, whatever the others do.
func TestNoGroupWaitsBelowItsBound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		groups, n := rapid.IntRange(1, 6).Draw(t, "groups"), rapid.IntRange(1, 40).Draw(t, "items")
		p := fanout.Policy{GroupConcurrency: rapid.IntRange(1, 5).Draw(t, "groupConcurrency"), Retry: always(2)}
		p.Groups = rapid.SliceOfN(rapid.IntRange(0, groups-1), n, n).Draw(t, "groupOf")
		works := rapid.SliceOfN(rapid.IntRange(-2000, 5000), n, n).Draw(t, "works") // below 0: fails at first
		rapid.SyncTest(t, func(t *rapid.T) {
			var mu sync.Mutex
			running, fresh := make([]int, groups), make([]int, groups)
			for _, g := range p.Groups {
				fresh[g]++
			}
			watch := func(e fanout.Event[int]) {
				mu.Lock()
				defer mu.Unlock()
				g := p.Groups[e.Item]
				switch {
				case e.Ended:
					running[g]--
					return
				case e.Number == 1:
					fresh[g]--
				}
				if running[g]++; running[g] > p.GroupConcurrency {
					t.Errorf("group %d has %d attempts at once, want at most %d", g, running[g], p.GroupConcurrency)
				}
			}
			check := func() {
				mu.Lock()
				defer mu.Unlock()
				for g := range groups {
					if running[g] < p.GroupConcurrency && fresh[g] > 0 {
						t.Errorf("group %d has %d running and %d that were never tried, want %d running", g, running[g], fresh[g], p.GroupConcurrency)
					}
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				for sleep(ctx, 7*time.Millisecond+time.Microsecond) == nil { // when nothing else happens
					check()
				}
			}()
			outcomes, _ := fanout.Watch(ctx, p, numbers(n), func(ctx context.Context, i int, prior []fanout.Attempt) (int, error) {
				if err := sleep(ctx, time.Duration(max(works[i], -works[i]))*time.Millisecond); err != nil || works[i] >= 0 || len(prior) > 0 {
					return 0, err
				}
				return 0, named("A")
			}, watch)
			for range outcomes { // only what runs meanwhile matters
			}
			cancel()
		})
	})
}
