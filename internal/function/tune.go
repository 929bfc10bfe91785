package function

import (
	"runtime"
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

// Tune sets Go's runtime to a function with as much memory as getenv says in
// AWS_LAMBDA_FUNCTION_MEMORY_SIZE: how often it collects garbage, and on how many
// processors it runs. What GOGC, GOMEMLIMIT or GOMAXPROCS says stands.
//
// Lambda shows two processors to a function that has a share of one core, and Go would
// use both: threads that look for work, and wake each other to find none, on time that
// the work then lacks.
//
// Source of the number of processors: https://github.com/rwnx/lambda-cpuinfo
func Tune(getenv func(string) string) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	memory := getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
	if mb, err := strconv.Atoi(memory); err == nil && getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(memoryShare * float64(mb<<20)))
	}
	if share := CPU(memory); share > 0 && share < 1 && getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
}
