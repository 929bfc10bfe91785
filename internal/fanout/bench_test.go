package fanout_test

import (
	"context"
	"testing"

	"golang.org/x/sync/errgroup"

	"meridian/internal/fanout"
)

func nothing(context.Context, int, []fanout.Attempt) (int, error) { return 0, nil }

func BenchmarkMap(b *testing.B) {
	items := make([]int, 10000)
	for _, l := range []int{8, 64, 1000, 0} {
		b.Run("", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				fanout.Map(b.Context(), fanout.Policy{MaxConcurrency: l}, items, nothing)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10000, "ns/item")
		})
	}
}

func BenchmarkErrgroup(b *testing.B) {
	items := make([]int, 10000)
	for _, l := range []int{8, 64, 1000, -1} {
		b.Run("", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				g, ctx := errgroup.WithContext(b.Context())
				g.SetLimit(l)
				out := make([]int, 10000)
				for i := range items {
					g.Go(func() error {
						v, err := nothing(ctx, i, nil)
						out[i] = v
						return err
					})
				}
				g.Wait()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10000, "ns/item")
		})
	}
}
