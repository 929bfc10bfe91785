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
	"sync"
	"syscall"
	"time"

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
// A SIGTERM cancels the contexts of the running invocations, which then answer with
// what they have. The process ends with status 0 once they have; it ends at once when
// none is running. An invocation that comes in between has a context of its own, which
// that SIGTERM does not touch. A second SIGTERM ends the process at once. Lambda sends
// SIGTERM only to environments with an extension, when they shut down: no invocation is
// running then, or it has passed its deadline and its answer is lost. So Start registers
// no extension, which would delay every cold start. Emulators and containers send
// SIGTERM too.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
func Start(ctx context.Context, h Handler) {
	redirectLog(Log())
	r := running{all: map[*context.CancelCauseFunc]struct{}{}}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		s := <-signals
		signal.Stop(signals)
		r.cancel(fmt.Errorf("%v signal received", s))
		for !r.idle() {
			<-time.After(answerTime / 10)
		}
		os.Exit(0)
	}()
	lambda.StartWithOptions(Handler(func(ctx context.Context, payload []byte) ([]byte, error) {
		ctx, done := r.begin(ctx)
		defer done()
		return h(ctx, payload)
	}), lambda.WithContext(ctx))
}

// answerTime is how long after an invocation's end its answer may still be on its way to
// the Runtime API of the same machine: some milliseconds for the largest. The runtime
// does not tell when it has been sent.
const answerTime = time.Second

// running has the invocations that run.
type running struct {
	mu    sync.Mutex
	all   map[*context.CancelCauseFunc]struct{}
	ended time.Time // when the last one ended
}

// begin returns the context of an invocation, and a function to call at its end.
func (r *running) begin(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all[&cancel] = struct{}{}
	return ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.all, &cancel)
		r.ended = time.Now()
		cancel(nil)
	}
}

// cancel cancels all that run now.
func (r *running) cancel(cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for cancel := range r.all {
		(*cancel)(cause)
	}
}

// idle reports whether nothing runs and every answer has been sent.
func (r *running) idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.all) == 0 && time.Since(r.ended) >= answerTime
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
	return float64(Number(memory)) / coreMB
}

// Log returns the function's log. It writes each record as a line to standard output,
// with the request id, in the format and from the level of the function's logging
// configuration.
func Log() *slog.Logger { return lambdacontext.NewLogger() }
