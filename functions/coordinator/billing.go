package main

import (
	"runtime"

	"meridian/internal/coordinator"
	"meridian/internal/function"
)

// billing returns what runs are billed by, from the environment. Home is the Region of the
// worker that serves every Region, or "".
func billing(getenv func(string) string, home string) coordinator.Billing {
	return coordinator.Billing{
		Region:         getenv("AWS_REGION"),
		WorkerRegion:   home,
		Architecture:   runtime.GOARCH,
		WorkerMemoryMB: function.Number(getenv("WORKER_MEMORY_MB")),
	}
}
