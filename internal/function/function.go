// Package function runs a handler of bytes as a Lambda function: what both of
// Meridian's functions need from the runtime and nothing more.
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

// A Handler answers one invocation: bytes in, bytes out, both JSON. The deadline
// of ctx is the function's.
type Handler func(ctx context.Context, payload []byte) ([]byte, error)

// Start answers invocations with h until the environment ends. It does not
// return. The contexts of the invocations derive from ctx.
//
// A SIGTERM ends the context of the invocation under way, which then answers with
// what it has; without one, or when it comes again, it ends the process. Nothing
// asks Lambda for the signal: it is sent when an environment is shut down, and
// then no invocation is under way, or its time is over and its answer lost. What
// announces that end is the deadline. To be sent the signal all the same takes an
// extension, which every cold start would wait for. Others do send it: emulators,
// containers, and environments that have an extension anyway.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
func Start(ctx context.Context, h Handler) {
	ctx, end := context.WithCancelCause(ctx)
	var underWay atomic.Int32
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		s := <-signals
		if underWay.Load() == 0 { // asked before the end: an invocation may answer it at once
			os.Exit(0)
		}
		signal.Stop(signals)
		end(fmt.Errorf("%v signal received: %w", s, context.Canceled))
	}()
	lambda.StartWithOptions(Handler(func(ctx context.Context, payload []byte) ([]byte, error) {
		underWay.Add(1)
		defer underWay.Add(-1)
		return h(ctx, payload)
	}), lambda.WithContext(ctx))
}

// Invoke implements [lambda.Handler]. An error that has an ErrorName method
// crosses the wire under that name; without one Lambda's runtime would give the
// Go type's, which no caller can match.
func (h Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	answer, err := h(ctx, payload)
	var named interface{ ErrorName() string }
	if errors.As(err, &named) {
		return nil, messages.InvokeResponse_Error{Type: named.ErrorName(), Message: err.Error()}
	}
	return answer, err
}

// coreMB is the memory in MB for which a function has one CPU core; less gives a
// share of it.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
const coreMB = 1769

// CPU returns how many CPU cores a function has with a memory in MB as Lambda
// gives it in AWS_LAMBDA_FUNCTION_MEMORY_SIZE: 0.14 with "256". It is 0 for what
// is no such number, as outside of Lambda.
func CPU(memory string) float64 {
	mb, err := strconv.Atoi(memory)
	if err != nil || mb < 0 {
		return 0
	}
	return float64(mb) / coreMB
}

// Log returns the function's log: one line for each record on standard output,
// with the request id, in the format and from the level that the function's
// logging configuration asks for.
func Log() *slog.Logger { return lambdacontext.NewLogger() }
