package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"meridian/internal/awsapi/sdkconfig"
	"meridian/internal/function"
	"meridian/internal/invoke"
)

// workers returns the invoker of the workers that the settings name. The SDK reads
// its configuration and the credentials from the environment, as everywhere.
func workers(ctx context.Context, getenv func(string) string) (*invoke.Lambda, error) {
	name := getenv("WORKER_FUNCTION")
	if name == "" {
		return nil, errors.New("WORKER_FUNCTION is not set; want the regionworker's name or ARN")
	}
	cfg, err := sdkconfig.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	return invoke.NewLambda(cfg, invoke.Settings{ //nolint:contextcheck // it makes no call
		Function: name, Placement: invoke.Placement(getenv("WORKER_PLACEMENT")),
		MemoryMB: function.Megabytes(getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")),
	})
}

// regions returns the Regions that have a worker, from the environment, or nil when they
// are not known.
func regions(getenv func(string) string) []string {
	var names []string
	for name := range strings.SplitSeq(getenv("WORKER_REGIONS"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}
