package fanout_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"meridian/internal/fanout"
)

// benchItems is how many items one run of a benchmark has.
const benchItems = 10_000

// benchLimits are the limits compared; 0 is none.
var benchLimits = []int{8, 64, 1000, 0}

func noWork(_ context.Context, item int, _ []fanout.Attempt) (int, error) { return item, nil }

// failsOnce fails each item's first attempt.
func failsOnce(_ context.Context, item int, prior []fanout.Attempt) (int, error) {
	if len(prior) == 0 {
		return 0, named("Lambda.TooManyRequestsException")
	}
	return item, nil
}

// withErrgroup does with errgroup what can be done with it, and keeps the values.
func withErrgroup(ctx context.Context, limit int, items []int) error {
	values := make([]int, len(items))
	g, ctx := errgroup.WithContext(ctx)
	if limit > 0 {
		g.SetLimit(limit)
	}
	for i, item := range items {
		g.Go(func() (err error) {
			values[i], err = noWork(ctx, item, nil)
			return err
		})
	}
	return g.Wait()
}

// benchmark makes one run of benchItems items per iteration and reports its cost
// per item.
func benchmark(b *testing.B, run func(ctx context.Context, items []int) error) {
	b.Helper()
	items := make([]int, benchItems)
	b.ReportAllocs()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		if err := run(b.Context(), items); err != nil {
			b.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	n := float64(b.N) * benchItems
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/item")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/n, "B/item")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/n, "allocs/item")
}

func BenchmarkMap(b *testing.B) {
	timeout := time.Hour
	once := []fanout.Retrier{{ErrorEquals: []string{fanout.NameAll}, IntervalSeconds: 1e-9}}
	for _, bench := range []struct {
		name   string
		policy fanout.Policy
		do     fanout.Func[int, int]
	}{
		{"plain", fanout.Policy{}, noWork},
		{"timeout", fanout.Policy{Timeout: timeout}, noWork},
		{"retry", fanout.Policy{Retry: once}, failsOnce},
		{"timeout and retry", fanout.Policy{Timeout: timeout, Retry: once}, failsOnce},
	} {
		for _, limit := range benchLimits {
			bench.policy.MaxConcurrency = limit
			b.Run(fmt.Sprintf("%s/limit=%d", bench.name, limit), func(b *testing.B) {
				benchmark(b, func(ctx context.Context, items []int) error {
					_, verdict := fanout.Map(ctx, bench.policy, items, bench.do)
					return verdict.Err
				})
			})
		}
	}
}

// BenchmarkWatch shows that an event allocates nothing, and costs nothing when
// nothing watches.
func BenchmarkWatch(b *testing.B) {
	count := 0
	for name, watch := range map[string]func(fanout.Event[int]){"nil": nil, "count": func(fanout.Event[int]) { count++ }} {
		b.Run(name, func(b *testing.B) {
			benchmark(b, func(ctx context.Context, items []int) error {
				outcomes, verdict := fanout.Watch(ctx, fanout.Policy{MaxConcurrency: 64}, items, noWork, watch)
				for range outcomes {
					continue
				}
				return verdict().Err
			})
		})
	}
}

// BenchmarkAgainstErrgroup takes turns, so that whatever else the machine does
// meets both alike, and reports the median of the turns' ratios.
func BenchmarkAgainstErrgroup(b *testing.B) {
	for _, limit := range benchLimits {
		b.Run(fmt.Sprintf("limit=%d", limit), func(b *testing.B) {
			items := make([]int, benchItems)
			policy := fanout.Policy{MaxConcurrency: limit}
			var ratios []float64
			for b.Loop() {
				start := time.Now()
				if _, verdict := fanout.Map(b.Context(), policy, items, noWork); verdict.Err != nil {
					b.Fatal(verdict.Err)
				}
				ours := time.Since(start)
				start = time.Now()
				if err := withErrgroup(b.Context(), limit, items); err != nil {
					b.Fatal(err)
				}
				ratios = append(ratios, float64(ours)/float64(time.Since(start)))
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "ratio")
		})
	}
}
