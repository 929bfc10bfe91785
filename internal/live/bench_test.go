package live_test

import (
	"fmt"
	"testing"
	"time"

	"meridian/internal/live"
	"meridian/pkg/protocol"
)

// benchmarkItems is how many Regions the run of the benchmarks has, over all its accounts.
const benchmarkItems = 10_000

// all starts an attempt in every Region. A third of them retries, and a third has failed.
func all(s *script) {
	s.run(benchmarkItems, 300)
	for i := range benchmarkItems {
		account, region := fmt.Sprint(111122220000+i/34), fmt.Sprint("eu-west-", i%34)
		s.start(1, account, region)
		switch i % 3 {
		case 1:
			s.end(1, protocol.ErrorLambdaThrottled, time.Hour, account, region)
		case 2:
			s.end(1, protocol.ErrorTimeout, 0, account, region)
			s.settle(protocol.StatusFailed, protocol.ErrorTimeout, account, region)
		}
	}
}

// An event of a run of 10,000 Regions is added in this time.
func BenchmarkEvent(b *testing.B) {
	s := &script{State: live.New(live.Settings{})}
	all(s)
	i := 0
	for b.Loop() {
		account, region := fmt.Sprint(111122220000+i%benchmarkItems/34), fmt.Sprint("eu-west-", i%34)
		if i/benchmarkItems%2 == 0 {
			s.start(2, account, region)
		} else {
			s.end(2, "", 0, account, region)
		}
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// A run of 10,000 Regions is drawn in this time, at most 15 times a second.
func BenchmarkRedraw(b *testing.B) {
	s := &script{State: live.New(live.Settings{})}
	all(s)
	draw := live.NewFrames(s.State)
	for _, size := range sizes() {
		b.Run(size.String(), func(b *testing.B) {
			for b.Loop() {
				_ = draw(time.Now(), size.width, size.height)
			}
		})
	}
}
