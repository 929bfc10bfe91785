package main

import (
	"context"
	"errors"
	"fmt"

	"meridian/internal/awsapi"
	"meridian/internal/invoke"
)

// workers returns the invoker of the workers that the settings name. The SDK reads
// its configuration and the credentials from the environment, as everywhere.
func workers(ctx context.Context, getenv func(string) string) (*invoke.Lambda, error) {
	name := getenv("WORKER_FUNCTION")
	if name == "" {
		return nil, errors.New("WORKER_FUNCTION is not set; want the regionworker's name or ARN")
	}
	cfg, err := awsapi.LoadConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	return invoke.NewLambda(cfg, invoke.Settings{Function: name, Placement: invoke.Placement(getenv("WORKER_PLACEMENT"))}) //nolint:contextcheck // it makes no call
}
