package main

import (
	"runtime"
	"testing"

	"meridian/internal/coordinator"
)

// Runs are billed by what Lambda says of the function, and by the worker's settings.
func TestBilling(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		environment map[string]string
		want        coordinator.Billing
	}{
		{
			"Lambda",
			map[string]string{
				"AWS_REGION": "eu-west-1", "WORKER_MEMORY_MB": "512",
			},
			coordinator.Billing{
				Region: "eu-west-1", WorkerRegion: "eu-south-1", Architecture: runtime.GOARCH, WorkerMemoryMB: 512,
			},
		},
		{
			"no numbers",
			map[string]string{"AWS_REGION": "eu-west-1", "WORKER_MEMORY_MB": "much"},
			coordinator.Billing{Region: "eu-west-1", WorkerRegion: "eu-south-1", Architecture: runtime.GOARCH},
		},
		{
			"less than nothing",
			map[string]string{"AWS_REGION": "eu-west-1", "WORKER_MEMORY_MB": "-1"},
			coordinator.Billing{Region: "eu-west-1", WorkerRegion: "eu-south-1", Architecture: runtime.GOARCH},
		},
		{
			"more than any number",
			map[string]string{"AWS_REGION": "eu-west-1", "WORKER_MEMORY_MB": "9999999999999999999"},
			coordinator.Billing{Region: "eu-west-1", WorkerRegion: "eu-south-1", Architecture: runtime.GOARCH},
		},
	} {
		if got := billing(func(name string) string { return test.environment[name] }, "eu-south-1"); got != test.want {
			t.Errorf("%s: billing() = %+v, want %+v", test.name, got, test.want)
		}
	}
}
