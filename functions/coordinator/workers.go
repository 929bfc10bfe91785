package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"meridian/internal/awsapi/sdkconfig"
	"meridian/internal/coordinator"
	"meridian/internal/function"
	"meridian/internal/invoke"
	"meridian/internal/task"
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
		MemoryMB: function.Number(getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")),
	})
}

// functions returns what invokes the functions that requests may name, with the connections of
// the workers.
func functions(getenv func(string) string, workers *invoke.Lambda) coordinator.Functions {
	own := task.NewAWS(function.Number(getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")), func(ctx context.Context) (aws.Config, error) {
		return sdkconfig.Load(ctx)
	}, nil)
	return coordinator.LambdaFunctions(&invoke.Functions{
		Lambda: workers, Region: getenv("AWS_REGION"), Allowed: append([]string{}, names(getenv("WORKER_FUNCTIONS"))...),
		Credentials: own.Credentials,
	})
}

// regions returns the Regions that have a worker, from the environment, or nil when they
// are not known.
func regions(getenv func(string) string) []string { return names(getenv("WORKER_REGIONS")) }

// names returns the names in a list with commas between them, or nil if there are none.
func names(list string) []string {
	var names []string
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}
