package main

import (
	"runtime"
	"strconv"

	"meridian/internal/coordinator"
)

// billing returns what runs are billed by, from the environment. Home is the Region of the
// worker that serves every Region, or "".
func billing(getenv func(string) string, home string) coordinator.Billing {
	return coordinator.Billing{
		Region:         getenv("AWS_REGION"),
		WorkerRegion:   home,
		Architecture:   runtime.GOARCH,
		WorkerMemoryMB: megabytes(getenv("WORKER_MEMORY_MB")),
	}
}

// megabytes returns the number that a setting has. A setting that is missing, no number
// or below 0 counts as 0, not known.
func megabytes(setting string) int {
	n, err := strconv.Atoi(setting)
	if err != nil { // then n may be the largest int
		return 0
	}
	return max(n, 0)
}
