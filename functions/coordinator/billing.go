package main

import (
	"runtime"
	"strconv"

	"meridian/internal/coordinator"
)

// billing returns what runs are billed by, from the environment. Home is the Region of the
// worker that serves every Region, or "". A number that is missing, malformed or negative
// counts as unknown.
func billing(getenv func(string) string, home string) coordinator.Billing {
	number := func(name string) int {
		n, err := strconv.Atoi(getenv(name))
		if err != nil { // out of range, n is the largest int
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
