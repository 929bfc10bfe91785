package function_test

import (
	"math"
	"runtime/debug"
	"testing"

	"meridian/internal/function"
)

func TestCollectGarbage(t *testing.T) { //nolint:paralleltest // it changes the process
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	})
	for _, tt := range []struct {
		name    string
		env     map[string]string
		percent int
		limit   int64
	}{
		{"outside of Lambda", nil, 200, math.MaxInt64},
		{"in Lambda", map[string]string{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256"}, 200, 214_748_364},
		{"of its own mind", map[string]string{
			"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "GOGC": "50", "GOMEMLIMIT": "100MiB",
		}, 100, math.MaxInt64},
		{"something else", map[string]string{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "much"}, 200, math.MaxInt64},
	} {
		function.CollectGarbage(func(name string) string { return tt.env[name] })
		if p, l := debug.SetGCPercent(100), debug.SetMemoryLimit(math.MaxInt64); p != tt.percent || l != tt.limit {
			t.Errorf("%s: %d %%, limit %d; want %d, %d", tt.name, p, l, tt.percent, tt.limit)
		}
	}
}
