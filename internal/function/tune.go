package function

import (
	"runtime"
	"runtime/debug"
	"strconv"
)

const (
	// garbagePercent is the GOGC percentage. Compared with Go's 100 it saves 5 to 10 %
	// of the CPU time of runs of 1,000 and of 5,000 invocations. A larger one saves
	// little more and takes more memory at 5,000. `make bench` shows both.
	garbagePercent = 200

	// memoryShare is the share of the function's memory that is Go's memory limit:
	// near it Go collects more often. Lambda kills a process that uses more than all of
	// the memory. The rest is for the program itself, some 15 MiB, and for bursts: with
	// half, 5,000 invocations at once take less than 150 MiB of 256, and a larger share
	// saves no CPU time that shows.
	memoryShare = 0.5
)

// Tune configures Go's runtime for the function's memory, which getenv returns for
// AWS_LAMBDA_FUNCTION_MEMORY_SIZE: how often it collects garbage, and on how many
// processors it runs. It changes nothing that GOGC, GOMEMLIMIT or GOMAXPROCS sets.
//
// Lambda shows two processors to a function that has a share of one core. If Go used
// both, its threads would spend that share looking for work and waking each other.
//
// Source of the number of processors: https://github.com/rwnx/lambda-cpuinfo
func Tune(getenv func(string) string) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	memory := getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
	if mb := Number(memory); mb > 0 && getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(memoryShare * float64(mb<<20)))
	}
	if share := CPU(memory); share > 0 && share < 1 && getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
}

// Number returns the number of a setting such as AWS_LAMBDA_FUNCTION_MEMORY_SIZE. One
// that is missing, no number or below 0 counts as 0: not known.
func Number(setting string) int {
	n, err := strconv.Atoi(setting)
	if err != nil { // then n may be the largest int
		return 0
	}
	return max(n, 0)
}
