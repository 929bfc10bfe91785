package function_test

import (
	"math"
	"runtime/debug"
	"testing"

	"meridian/internal/function"
)

func TestLimitMemory(t *testing.T) { //nolint:paralleltest // it changes the process
	limit := debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() { debug.SetMemoryLimit(limit) })
	for _, tt := range []struct {
		name  string
		env   map[string]string
		limit int64
	}{
		{"outside of Lambda", nil, math.MaxInt64},
		{"in Lambda", map[string]string{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256"}, 214_748_364},
		{"of its own mind", map[string]string{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "GOMEMLIMIT": "100MiB"}, math.MaxInt64},
		{"something else", map[string]string{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "much"}, math.MaxInt64},
	} {
		function.LimitMemory(func(name string) string { return tt.env[name] })
		if l := debug.SetMemoryLimit(math.MaxInt64); l != tt.limit {
			t.Errorf("%s: limit %d; want %d", tt.name, l, tt.limit)
		}
	}
}
