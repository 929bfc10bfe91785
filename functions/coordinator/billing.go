package main

import (
	"runtime"
	"strconv"

	"meridian/internal/coordinator"
)

// billing returns what the environment says about the cost of runs here. home is the
// Region of the worker that serves every Region, or "". A number that is missing, that is
// none, or that is less than nothing counts as not known.
func billing(getenv func(string) string, home string) coordinator.Billing {
	number := func(name string) int {
		n, err := strconv.Atoi(getenv(name))
		if err != nil { // then n may be the largest there is
			return 0
		}
		return max(n, 0)
	}
	return coordinator.Billing{
		Region:         getenv("AWS_REGION"),
		WorkerRegion:   home,
		Architecture:   runtime.GOARCH,
		MemoryMB:       number("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
		WorkerMemoryMB: number("WORKER_MEMORY_MB"),
	}
}
