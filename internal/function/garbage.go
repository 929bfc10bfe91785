package function

import (
	"runtime/debug"
	"strconv"
)

const (
	// garbagePercent is how much may be allocated before it is collected, of what
	// is alive. More than Go's 100 takes CPU time off a run of 1,000 invocations
	// and more; with 150 the 5,000 that may be in flight would take over 150 MiB.
	// `make bench` shows both.
	garbagePercent = 125

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
