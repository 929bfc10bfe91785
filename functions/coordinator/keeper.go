package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"meridian/internal/awsapi/sdkconfig"
	"meridian/internal/coordinator"
	"meridian/internal/function"
	"meridian/internal/invoke"
	"meridian/internal/runs"
	"meridian/internal/store"
	"meridian/internal/trigger"
	"meridian/pkg/protocol"
)

// keeper returns what keeps runs in the bucket of STORE_BUCKET, or nil if that is not set. Runs are
// carried on by this function, which is invoked over the connections of the workers.
func keeper(ctx context.Context, getenv func(string) string, c *coordinator.Coordinator, workers *invoke.Lambda, log *slog.Logger) (*runs.Keeper, error) {
	name := getenv("STORE_BUCKET")
	if name == "" {
		return nil, nil //nolint:nilnil // no store is no error
	}
	cfg, err := sdkconfig.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	bucket, err := store.NewBucket(ctx, cfg, name)
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	functions := &invoke.Functions{Lambda: workers, Region: getenv("AWS_REGION")}
	own, err := functions.Function(protocol.Worker{Function: getenv("AWS_LAMBDA_FUNCTION_NAME")})
	if err != nil {
		return nil, fmt.Errorf("AWS_LAMBDA_FUNCTION_NAME: %w", err)
	}
	self := own.As(nil, "", "")
	return &runs.Keeper{
		Coordinator: c, Store: bucket, Log: log,
		MaxRun:         time.Duration(function.Number(getenv("MAX_RUN_SECONDS"))) * time.Second,
		MaxGenerations: function.Number(getenv("MAX_GENERATIONS")),
		Once: func(ctx context.Context) string {
			invocation, _ := lambdacontext.FromContext(ctx)
			if invocation == nil {
				return ""
			}
			return invocation.AwsRequestID
		},
		Next: func(ctx context.Context, runID string) error {
			payload, err := json.Marshal(protocol.Command{Command: protocol.CommandContinue, RunID: runID})
			if err != nil {
				return fmt.Errorf("encode command: %w", err)
			}
			return self.Send(ctx, payload) //nolint:wrapcheck // it says what Lambda answered
		},
	}, nil
}

// handler returns what handles the function's invocations. The metrics of runs go to out.
func handler(
	ctx context.Context, getenv func(string) string, c *coordinator.Coordinator, workers *invoke.Lambda, out io.Writer, log *slog.Logger,
) (*trigger.Handler, error) {
	failedIsError, err := failedRunIsError(getenv)
	if err != nil {
		return nil, err
	}
	written, err := metricsWriter(getenv, out, log)
	if err != nil {
		return nil, err
	}
	kept, err := keeper(ctx, getenv, c, workers, log)
	if err != nil {
		return nil, err
	}
	h := &trigger.Handler{Log: log, FailedRunIsError: failedIsError}
	if kept != nil {
		h.Keeper = kept
	} else {
		kept = &runs.Keeper{Coordinator: c, Log: log}
	}
	if h.Runner = kept; written != nil {
		kept.Ended = written.RunEnded
	}
	return h, nil
}
