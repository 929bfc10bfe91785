package fanout_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/fanout"
)

// An item is what the tests fan out over: the function of its own attempts.
type item func(ctx context.Context, prior []fanout.Attempt) (string, error)

// play is the Func that lets each item do as it says.
func play(ctx context.Context, do item, prior []fanout.Attempt) (string, error) {
	return do(ctx, prior)
}

// sleep waits for d or for ctx, whichever ends first. No time takes no timer: the
// race detector breaks when several in one bubble are due at once (golang/go#78156).
func sleep(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ok succeeds with value after d.
func ok(d time.Duration, value string) item {
	return func(ctx context.Context, _ []fanout.Attempt) (string, error) {
		if err := sleep(ctx, d); err != nil {
			return "", err
		}
		return value, nil
	}
}

// fail fails after d with err.
func fail(d time.Duration, err error) item {
	return func(ctx context.Context, _ []fanout.Attempt) (string, error) {
		if err := sleep(ctx, d); err != nil {
			return "", err
		}
		return "", err
	}
}

// hang waits for its context and returns what that says.
func hang(ctx context.Context, _ []fanout.Attempt) (string, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

// ignoring succeeds with value after d, whatever its context says.
func ignoring(d time.Duration, value string) item {
	return func(context.Context, []fanout.Attempt) (string, error) {
		time.Sleep(d)
		return value, nil
	}
}

// endLate waits for its context, then for d, and returns err.
func endLate(d time.Duration, err error) item {
	return func(ctx context.Context, _ []fanout.Attempt) (string, error) {
		<-ctx.Done()
		time.Sleep(d)
		return "", err
	}
}

// inTurn makes each attempt the next of steps, and the last one ever after.
func inTurn(steps ...item) item {
	return func(ctx context.Context, prior []fanout.Attempt) (string, error) {
		return steps[min(len(prior), len(steps)-1)](ctx, prior)
	}
}

// A named error is its name.
type named string

func (e named) Error() string     { return "error " + string(e) }
func (e named) ErrorName() string { return string(e) }

// An asking error says how long to wait before a retry.
type asking struct {
	named
	after time.Duration
}

func (e asking) RetryAfter() time.Duration { return e.after }

// A skipping error says whether there was nothing to do.
type skipping bool

func (e skipping) Error() string { return "nothing to do here" }
func (e skipping) Skip() bool    { return bool(e) }

// numbers returns n items: 0, 1, 2 and so on.
func numbers(n int) []int {
	items := make([]int, n)
	for i := range items {
		items[i] = i
	}
	return items
}

// checkSucceeded ends the test unless every item has succeeded.
func checkSucceeded[R any](t *testing.T, outcomes []fanout.Outcome[R]) {
	t.Helper()
	for i, o := range outcomes {
		if o.Status != fanout.Succeeded {
			t.Fatalf("item %d is %s: %v", i, o.Status, o.Err)
		}
	}
}

// always is a retrier for every error, with waits of 1, 2, 4 ... seconds.
func always(retries int) []fanout.Retrier {
	return []fanout.Retrier{{ErrorEquals: []string{fanout.NameAll}, MaxAttempts: &retries}}
}

// A gauge knows how many attempts are running.
type gauge struct {
	mu                    sync.Mutex
	running, peak, starts int
}

// watch returns do, watched by g. It holds no lock while do runs.
func (g *gauge) watch(do item) item {
	return func(ctx context.Context, prior []fanout.Attempt) (string, error) {
		g.add(1)
		defer g.add(-1)
		return do(ctx, prior)
	}
}

// read returns what is running, the most that ever were, and how many started.
func (g *gauge) read() (running, peak, starts int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.running, g.peak, g.starts
}

func (g *gauge) add(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running += n
	g.peak = max(g.peak, g.running)
	g.starts += max(n, 0)
}

// show writes an outcome on one line, with times since start:
//
//	FAILED "value" (error A) [0s-1s A, wait 1s] [2s-3s A]
func show(start time.Time, o fanout.Outcome[string]) string {
	var b strings.Builder
	b.WriteString(string(o.Status))
	if o.Value != "" {
		fmt.Fprintf(&b, " %q", o.Value)
	}
	if o.Err != nil {
		fmt.Fprintf(&b, " (%v)", o.Err)
	}
	for _, a := range o.Attempts {
		from := a.Start.Sub(start)
		fmt.Fprintf(&b, " [%v-%v", from, from+a.Elapsed)
		if a.Name != "" {
			b.WriteString(" " + a.Name)
		}
		if a.Abandoned {
			b.WriteString(", abandoned")
		}
		if a.Wait != 0 {
			fmt.Fprintf(&b, ", wait %v", a.Wait)
		}
		b.WriteString("]")
	}
	return b.String()
}

// showVerdict writes a verdict on one line.
func showVerdict(v fanout.Verdict) string {
	if v.Err == nil {
		return string(v.Status)
	}
	return fmt.Sprintf("%s (%v)", v.Status, v.Err)
}

// A want is a whole result: the outcomes and the verdict as shown, and when Map
// returned.
type want struct {
	outcomes []string
	verdict  string
	after    time.Duration
}

// checkMap runs Map, now, and compares everything it says.
func checkMap(ctx context.Context, t *testing.T, p fanout.Policy, items []item, want want) {
	t.Helper()
	start := time.Now()
	outcomes, verdict := fanout.Map(ctx, p, items, play)
	if got := time.Since(start); got != want.after {
		t.Errorf("Map returned after %v, want %v", got, want.after)
	}
	checkOutcomes(t, start, outcomes, want.outcomes...)
	if got := showVerdict(verdict); got != want.verdict {
		t.Errorf("verdict = %s, want %s", got, want.verdict)
	}
}

// checkOutcomes compares outcomes as shown.
func checkOutcomes(t *testing.T, start time.Time, outcomes []fanout.Outcome[string], want ...string) {
	t.Helper()
	got := make([]string, len(outcomes))
	for i, o := range outcomes {
		got[i] = show(start, o)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}
