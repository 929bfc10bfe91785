package function

import (
	"runtime/debug"
	"strconv"
)

const (
	// garbagePercent is how much may be allocated before it is collected, of what
	// is alive. Compared with Go's 100 it takes 5 to 10 % of the CPU time off runs of
	// 1,000 and of 5,000 invocations; beyond it little is left to gain, and 5,000 take
	// more memory. `make bench` shows both.
	garbagePercent = 200

	// memoryShare is the share of the function's memory at which collecting
	// becomes more urgent than that. Past the whole of it Lambda ends the process,
	// and the program itself takes some of it.
	memoryShare = 0.8
)

// CollectGarbage sets how often garbage is collected, in a function with as much
// memory as getenv says in AWS_LAMBDA_FUNCTION_MEMORY_SIZE. What GOGC or
// GOMEMLIMIT says stands.
func CollectGarbage(getenv func(string) string) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	if mb, err := strconv.Atoi(getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")); err == nil && getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(memoryShare * float64(mb<<20)))
	}
}
