package function

import (
	"runtime/debug"
	"strconv"
)

const (
	// garbagePercent is how much may be allocated before it is collected, of what
	// is alive. Collecting half as often as Go does by itself takes a fifth off
	// the CPU time of a run of 1,000 invocations and more, and 5,000 in flight
	// still fit into 150 MiB: see bench/RESULTS.md.
	garbagePercent = 200

	// memoryShare is the share of the function's memory at which collecting
	// becomes more urgent than that. Past the whole of it Lambda ends the process, whose
	// program and stacks of the system are in it as well.
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
