package function_test

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"

	"meridian/internal/function"
)

func TestTune(t *testing.T) { //nolint:paralleltest // it changes the process
	const processors = 3
	percent, limit, before := debug.SetGCPercent(100), debug.SetMemoryLimit(math.MaxInt64), runtime.GOMAXPROCS(processors)
	t.Cleanup(func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
		runtime.GOMAXPROCS(before)
	})
	for _, tt := range []struct {
		name       string
		env        map[string]string
		percent    int
		limit      int64
		processors int
	}{
		{"outside of Lambda", nil, 200, math.MaxInt64, processors},
		{"with a share of a core", map[string]string{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256"}, 200, 128 << 20, 1},
		{"with a whole one", map[string]string{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769"}, 200, 1769 << 20 / 2, processors},
		{"of its own mind", map[string]string{
			"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "GOGC": "50", "GOMEMLIMIT": "100MiB", "GOMAXPROCS": "2",
		}, 100, math.MaxInt64, processors},
		{"something else", map[string]string{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "much"}, 200, math.MaxInt64, processors},
	} {
		function.Tune(func(name string) string { return tt.env[name] })
		p, l, n := debug.SetGCPercent(100), debug.SetMemoryLimit(math.MaxInt64), runtime.GOMAXPROCS(processors)
		if p != tt.percent || l != tt.limit || n != tt.processors {
			t.Errorf("Tune %s = %d %%, limit %d, %d processors; want %d, %d, %d", tt.name, p, l, n, tt.percent, tt.limit, tt.processors)
		}
	}
}
