package fanout_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"meridian/internal/fanout"
)

// crowd is a policy for a number of groups with as many items each, one group after the
// other.
func crowd(groups, items int) fanout.Policy {
	p := fanout.Policy{MaxConcurrency: 20}
	for i := range groups * items {
		p.Groups = append(p.Groups, i/items)
	}
	return p
}

// One group of four hangs. The others take at most 1.4 times as long as without it,
// where a third more is ideal, because the fourth holds a quarter of the slots.
func TestAGroupThatHangsHoldsNoMoreThanItsShare(t *testing.T) {
	t.Parallel()
	const groups, items, hung = 4, 40, 1
	failsAtFirst := func(ctx context.Context, prior []fanout.Attempt) error {
		if len(prior) == 0 {
			return errors.Join(sleep(ctx, time.Second/2), named("A"))
		}
		return sleep(ctx, time.Second)
	}
	for _, tt := range []struct {
		name   string
		change func(*fanout.Policy)
		limit  int // of what the other side accepts, for all or for each group; 0 is no limit
		do     func(ctx context.Context, prior []fanout.Attempt) error
	}{
		{name: "plain"},
		{name: "after retries", do: failsAtFirst, change: func(p *fanout.Policy) {
			p.Retry = []fanout.Retrier{{ErrorEquals: []string{"A"}, IntervalSeconds: 0.5}}
		}},
		{name: "with throttles", limit: 16, change: func(p *fanout.Policy) { p.Retry = adapting().Retry }},
		{name: "without MaxConcurrency", limit: 24, change: func(p *fanout.Policy) { p.MaxConcurrency, p.Retry = 0, adapting().Retry }},
		{name: "after retries, with throttles", limit: 24, do: failsAtFirst, change: func(p *fanout.Policy) {
			p.MaxConcurrency = 0
			p.Retry = append(adapting().Retry, fanout.Retrier{ErrorEquals: []string{"A"}, IntervalSeconds: 0.5})
		}},
		{name: "after retries, hedged", do: failsAtFirst, change: func(p *fanout.Policy) {
			p.Hedge = fanout.Hedge{After: 1500 * time.Millisecond, MaxExtraPercentage: 100}
			p.Retry = []fanout.Retrier{{ErrorEquals: []string{"A"}, IntervalSeconds: 1}}
		}},
	} {
		for _, perGroup := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, a limit per group %t", tt.name, perGroup), func(t *testing.T) {
				t.Parallel()
				took := map[bool]time.Duration{}
				for _, hangs := range []bool{false, true} {
					synctest.Test(t, func(t *testing.T) {
						ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
						defer cancel()
						p := crowd(groups, items)
						p.Adaptation = adapting().Adaptation
						p.Adaptation.PerGroup = perGroup
						if tt.change != nil {
							tt.change(&p)
						}
						accounts := make([]gauge, groups)
						begin := time.Now()
						outcomes, _ := fanout.Each(ctx, p, numbers(groups*items), func(ctx context.Context, i int, prior []fanout.Attempt) (int, error) {
							g := p.Groups[i]
							if g == hung && !hangs {
								return 0, nil
							}
							time.Sleep(time.Duration(i%items*groups+g) * time.Microsecond) // they arrive in turn
							account := &accounts[0]
							if perGroup {
								account = &accounts[g]
							}
							account.add(1)
							defer account.add(-1)
							if running, _, _ := account.read(); tt.limit > 0 && running > tt.limit {
								return 0, throttleError{}
							}
							switch {
							case g == hung:
								return 0, sleep(ctx, time.Hour)
							case tt.do != nil:
								return 0, tt.do(ctx, prior)
							}
							return 0, sleep(ctx, time.Second)
						})
						for i, o := range outcomes {
							if p.Groups[i] == hung {
								continue
							}
							took[hangs] = time.Since(begin)
							if o.Status != fanout.Succeeded {
								t.Fatalf("item %d is %s: %v", i, o.Status, o.Err)
							}
						}
					})
				}
				t.Logf("%v beside a group that hangs, %v without", took[true], took[false])
				if took[true] > took[false]*14/10 {
					t.Errorf("the others took %v, without the group that hangs %v; want at most 1.4 times that", took[true], took[false])
				}
			})
		}
	}
}

// A standing is what a watcher knows of a group.
type standing struct{ running, waiting int }

// No group starts an attempt unless each of the others could still have as many running,
// or as many as it has items.
func TestNoGroupHoldsMoreThanItsShareWhileOthersWait(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		groups := rapid.IntRange(1, 6).Draw(t, "groups")
		n := rapid.IntRange(1, 60).Draw(t, "items")
		p := fanout.Policy{MaxConcurrency: rapid.IntRange(1, 12).Draw(t, "maxConcurrency"), Retry: always(2)}
		p.Groups = rapid.SliceOfN(rapid.IntRange(0, groups-1), n, n).Draw(t, "groupOf")
		works := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(-2000, 5000), 1, 3), n, n).Draw(t, "works") // below 0: fails
		rapid.SyncTest(t, func(t *rapid.T) {
			standings := make([]standing, groups)
			for _, g := range p.Groups {
				standings[g].waiting++
			}
			watch := func(e fanout.Event[int]) {
				g := p.Groups[e.Item]
				if e.Ended {
					standings[g].running--
					if e.Status == "" {
						standings[g].waiting++
					}
					return
				}
				others := 0
				for h, s := range standings {
					if h != g {
						others += max(s.running, min(standings[g].running, s.running+s.waiting))
					}
				}
				if standings[g].running+1+others > p.MaxConcurrency {
					t.Errorf("group %d starts one more of %d at once: %+v", g, p.MaxConcurrency, standings)
				}
				standings[g].running++
				standings[g].waiting--
			}
			outcomes, _ := fanout.Watch(t.Context(), p, numbers(n), func(ctx context.Context, i int, prior []fanout.Attempt) (int, error) {
				work := works[i][min(len(prior), len(works[i])-1)]
				if err := sleep(ctx, time.Duration(max(work, -work))*time.Millisecond+time.Duration(i)); err != nil || work >= 0 {
					return 0, err
				}
				return 0, named("A")
			}, watch)
			for range outcomes { // only the starts matter
			}
		})
	})
}

// Within a group the order is that of the input, and retries come first.
func TestAGroupKeepsTheOrderOfItsItems(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := crowd(3, 4)
		p.MaxConcurrency = 3
		p.Retry = []fanout.Retrier{{ErrorEquals: []string{"A"}, IntervalSeconds: 0.5}}
		var got [3][]int
		watch := func(e fanout.Event[int]) {
			if !e.Ended {
				got[p.Groups[e.Item]] = append(got[p.Groups[e.Item]], e.Item)
			}
		}
		outcomes, _ := fanout.Watch(t.Context(), p, numbers(12), func(ctx context.Context, i int, prior []fanout.Attempt) (int, error) {
			if i%4 == 1 && len(prior) == 0 {
				return 0, named("A")
			}
			return 0, sleep(ctx, time.Second)
		}, watch)
		for range outcomes { // only the starts matter
		}
		if want := [3][]int{{0, 1, 2, 1, 3}, {4, 5, 6, 5, 7}, {8, 9, 10, 9, 11}}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("started %v, want %v", got, want)
		}
	})
}
