package fanout_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/internal/fanout"
)

// piece carries items on until its time ends, and returns what it has left of each. An attempt
// that is running then is made again, as if it had never started: its work takes no time here, so
// there is none.
func piece(t *rapid.T, p fanout.Policy, items []item, took time.Duration) (prior []fanout.Prior, verdict fanout.Verdict, open bool) {
	ctx, cancel := context.WithTimeout(t.Context(), took)
	defer cancel()
	outcomes, verdict := fanout.Map(ctx, p, items, play)
	prior = make([]fanout.Prior, len(items))
	for i, o := range outcomes {
		prior[i].Attempts = o.Attempts
		if o.OutOfTime {
			open = true
			continue
		}
		prior[i].Status, prior[i].Err = o.Status, o.Err
	}
	return prior, verdict, open
}

// However a run is cut into pieces, each item has the status, the errors and the waits that it has
// in one run.
func TestARunThatIsCutIntoPiecesEndsAsOneThatIsNot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			n := rapid.IntRange(1, 5).Draw(rt, "items")
			items := make([]item, n)
			for i := range items {
				steps := []item{}
				for k := range rapid.IntRange(0, 4).Draw(rt, "failures") {
					name := rapid.SampledFrom([]string{"A", "B", fanout.NameTimeout}).Draw(rt, fmt.Sprintf("error %d of %d", k+1, i))
					steps = append(steps, fail(0, named(name)))
				}
				items[i] = inTurn(append(steps, rapid.SampledFrom([]item{ok(0, "a"), fail(0, skipping(true)), fail(0, named("C"))}).Draw(rt, "end"))...)
			}
			p := fanout.Policy{
				Retry: []fanout.Retrier{
					{ErrorEquals: []string{"A"}, MaxAttempts: new(rapid.IntRange(0, 3).Draw(rt, "retries of A"))},
					{ErrorEquals: []string{fanout.NameAll}, IntervalSeconds: 0.7, BackoffRate: 3},
				},
				MaxConcurrency: rapid.IntRange(0, 2).Draw(rt, "at once"),
				Tolerance:      fanout.Tolerance{FailureCount: new(rapid.IntRange(0, n).Draw(rt, "tolerated"))},
				UsefulTime:     time.Duration(rapid.IntRange(0, 100).Draw(rt, "useful")) * time.Millisecond,
			}
			whole, want := fanout.Map(rt.Context(), p, items, play)

			p.Continues = true
			var got fanout.Verdict
			for open := true; open; {
				took := time.Duration(rapid.IntRange(1, 5000).Draw(rt, "a piece takes")) * time.Millisecond
				p.Prior, got, open = piece(rt, p, items, took)
				time.Sleep(time.Duration(rapid.IntRange(0, 2000).Draw(rt, "and the next one starts after")) * time.Millisecond)
			}
			for i, o := range whole {
				if p.Prior[i].Status != o.Status || !errors.Is(o.Err, p.Prior[i].Err) {
					rt.Errorf("item %d is %s: %v; want %s: %v", i, p.Prior[i].Status, p.Prior[i].Err, o.Status, o.Err)
				}
				if diff := cmp.Diff(namesAndWaits(o.Attempts), namesAndWaits(p.Prior[i].Attempts)); diff != "" {
					rt.Errorf("attempts of item %d (-want +got):\n%s", i, diff)
				}
			}
			if showVerdict(got) != showVerdict(want) {
				rt.Errorf("verdict = %s, want %s", showVerdict(got), showVerdict(want))
			}
		})
	})
}

// namesAndWaits returns the names and the waits of attempts.
func namesAndWaits(attempts []fanout.Attempt) (lines []string) {
	for _, a := range attempts {
		lines = append(lines, fmt.Sprintf("%s, wait %v", a.Name, a.Wait))
	}
	return lines
}
