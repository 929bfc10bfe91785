package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"meridian/internal/invoke"
)

// workers returns the invoker of the workers that the settings name. The SDK reads
// its configuration and the credentials from the environment, as everywhere.
func workers(ctx context.Context, getenv func(string) string) (*invoke.Lambda, error) {
	name := getenv("WORKER_FUNCTION")
	if name == "" {
		return nil, errors.New("WORKER_FUNCTION is not set; want the regionworker's name or ARN")
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{})) // else it writes lines that are not JSON
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	return invoke.NewLambda(cfg, invoke.Settings{Function: name, Placement: invoke.Placement(getenv("WORKER_PLACEMENT"))}) //nolint:contextcheck // it makes no call
}
