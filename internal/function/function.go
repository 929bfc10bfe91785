// Package function runs a handler of bytes as a Lambda function. Both of Meridian's
// functions use it.
package function

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// A Handler handles one invocation: JSON in, JSON out. The deadline of ctx is the
// function's.
type Handler func(ctx context.Context, payload []byte) ([]byte, error)

// Start handles invocations with h until the environment ends. It does not return. The
// contexts of the invocations derive from ctx.
//
// A SIGTERM cancels the context of the running invocation, which then answers with what
// it has. Without a running invocation, or when it comes a second time, SIGTERM ends
// the process. Lambda sends it only to environments with an extension, when they shut
// down: no invocation is running then, or it has passed its deadline and its answer is
// lost. So Start registers no extension, which would delay every cold start. Emulators
// and containers send SIGTERM too.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
func Start(ctx context.Context, h Handler) {
	ctx, end := context.WithCancelCause(ctx)
	var running atomic.Int32
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		s := <-signals
		if running.Load() == 0 { // before end, which an invocation may answer at once
			os.Exit(0)
		}
		signal.Stop(signals)
		end(fmt.Errorf("%v signal received: %w", s, context.Canceled))
	}()
	lambda.StartWithOptions(Handler(func(ctx context.Context, payload []byte) ([]byte, error) {
		running.Add(1)
		defer running.Add(-1)
		return h(ctx, payload)
	}), lambda.WithContext(ctx))
}

// Invoke implements [lambda.Handler]. The type of a function error is the result of the
// error's ErrorName method. Without that method Lambda's runtime uses the name of the Go
// type, which no caller can match.
func (h Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	answer, err := h(ctx, payload)
	var named interface{ ErrorName() string }
	if errors.As(err, &named) {
		return nil, messages.InvokeResponse_Error{Type: named.ErrorName(), Message: err.Error()}
	}
	return answer, err
}

// coreMB is the memory in MB at which a function has one CPU core. With less it has a
// proportional share.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
const coreMB = 1769

// CPU returns the number of CPU cores of a function from its memory in MB, in the
// format of AWS_LAMBDA_FUNCTION_MEMORY_SIZE: 0.14 for "256". It returns 0 for text that
// is not such a number, which includes "", as outside of Lambda.
func CPU(memory string) float64 {
	mb, err := strconv.Atoi(memory)
	if err != nil || mb < 0 {
		return 0
	}
	return float64(mb) / coreMB
}

// Log returns the function's log. It writes each record as a line to standard output,
// with the request id, in the format and from the level of the function's logging
// configuration.
func Log() *slog.Logger { return lambdacontext.NewLogger() }
