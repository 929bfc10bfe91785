package fanout_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/internal/fanout"
)

// events are the events of items that have not been yielded.
type events []fanout.Event[string]

func (e *events) add(event fanout.Event[string]) { *e = append(*e, event) }

// check compares the events of an item with its outcome, and removes them.
func (e *events) check(t *rapid.T, i int, o fanout.Outcome[string]) {
	started := map[int]fanout.Attempt{}
	var ended []fanout.Attempt
	notMade := 0
	var value string
	var status fanout.Status
	for _, event := range *e {
		switch {
		case event.Item != i:
		case !event.Ended:
			if started[event.Number] = event.Attempt; len(started) != event.Number || event.Value != "" {
				t.Errorf("item %d: the start of attempt %d came when %d had started", i, event.Number, len(started))
			}
		default:
			if a, running := started[event.Number]; !running || !a.Start.Equal(event.Attempt.Start) || a.Hedge != event.Attempt.Hedge {
				t.Errorf("item %d: attempt %d started as %+v (%t) and ended as %+v", i, event.Number, a, running, event.Attempt)
			}
			if status != "" {
				t.Errorf("item %d: attempt %d ended after the item had settled", i, event.Number)
			}
			if event.NotMade {
				notMade, status = notMade+1, event.Status
				continue
			}
			ended, value, status = append(ended, event.Attempt), event.Value, event.Status
		}
	}
	if diff := cmp.Diff(o.Attempts, ended, cmp.Comparer(func(a, b error) bool { return a == b })); diff != "" || len(started) != len(ended)+notMade || value != o.Value { //nolint:errorlint // these very errors
		t.Errorf("item %d: %d attempts started, the last value is %q, want %q; ends (-recorded +events):\n%s", i, len(started), value, o.Value, diff)
	}
	if status != o.Status && status != "" || status == "" && len(ended) > 0 && ended[len(ended)-1].Wait == 0 {
		t.Errorf("item %d: the last event says %q, the outcome %s", i, status, o.Status)
	}
	*e = slices.DeleteFunc(*e, func(event fanout.Event[string]) bool { return event.Item == i })
}

func TestWatchTellsOfEachAttemptInTheOrderOfWhatHappens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var got []string
		policy := fanout.Policy{
			MaxConcurrency: 3, Timeout: time.Minute, Retry: always(1),
			Hedge: fanout.Hedge{After: 10 * time.Second, MaxExtraPercentage: 100},
		}
		slow := inTurn(ok(20*time.Second, "slow"))
		var calls atomic.Int32
		hedged := func(ctx context.Context, prior []fanout.Attempt) (string, error) {
			if calls.Add(1) == 2 {
				return "quick", sleep(ctx, 500*time.Millisecond)
			}
			return slow(ctx, prior)
		}
		outcomes, _ := fanout.Watch(t.Context(), policy, []item{
			inTurn(fail(time.Second, named("A")), ok(time.Second, "again")), ok(2*time.Second, "once"), hedged, ignoring(time.Hour, ""),
		}, play, func(e fanout.Event[string]) {
			what := "starts"
			if e.Ended {
				what = fmt.Sprintf("ends %q %s", e.Value, e.Attempt.Name)
			}
			if e.Attempt.Wait > 0 {
				what += fmt.Sprintf(", wait %v", e.Attempt.Wait)
			}
			got = append(got, fmt.Sprintf("%v: %d.%d %s", time.Since(begin).Round(time.Millisecond), e.Item, e.Number, what))
		})
		for i, o := range outcomes {
			got = append(got, fmt.Sprintf("%v: %d %s", time.Since(begin), i, o.Status))
			if i == 2 {
				break
			}
		}
		if diff := cmp.Diff([]string{
			"0s: 0.1 starts", "0s: 1.1 starts", "0s: 2.1 starts",
			`1s: 0.1 ends "" A, wait 1s`, "1s: 3.1 starts",
			`2s: 1.1 ends "once" `, "2s: 1 SUCCEEDED", "2s: 0.2 starts",
			`3s: 0.2 ends "again" `, "3s: 0 SUCCEEDED",
			"10s: 2.2 starts",
			`10.5s: 2.1 ends "" `, `10.5s: 2.2 ends "quick" `, "10.5s: 2 SUCCEEDED",
			`10.6s: 3.1 ends "" States.TaskFailed`, // abandoned
		}, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		time.Sleep(2 * time.Hour)
	})
}

func TestNoAttemptStartsWhileWatchRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g gauge
		outcomes, _ := fanout.Watch(t.Context(), fanout.Policy{MaxConcurrency: 2}, slices.Repeat([]item{g.watch(ok(time.Second, ""))}, 4), play,
			func(fanout.Event[string]) {
				synctest.Wait()
				_, _, before := g.read()
				time.Sleep(10 * time.Second)
				if _, _, after := g.read(); after != before {
					t.Errorf("%d attempts started while watch ran, want none", after-before)
				}
			})
		for range outcomes {
			continue
		}
	})
}
