package figure_test

import (
	"strings"
	"testing"

	"meridian/bench/figure"
)

func TestATableStandsBetweenMarkersThatNameIt(t *testing.T) {
	t.Parallel()
	table := figure.NewTable("TLS, 10 % throttled 1,000", "way", "overhead")
	table.Add("%s | %.1f ms", "floor", 1.25)
	var got strings.Builder
	table.Write(&got)
	const want = `
<!-- table: tls-10-throttled-1000 -->
| way | overhead |
|---|--:|
| floor | 1.2 ms |
<!-- /table -->
`
	if got.String() != want {
		t.Errorf("Write() wrote\n%s, want\n%s", got.String(), want)
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		all  []float64
		want float64
	}{{nil, -1}, {[]float64{3}, 3}, {[]float64{4, 1}, 2.5}, {[]float64{9, 1, 2}, 2}} {
		if got := figure.Median(tt.all, func(f float64) float64 { return f }); got != tt.want {
			t.Errorf("Median(%v) = %v, want %v", tt.all, got, tt.want)
		}
	}
}
