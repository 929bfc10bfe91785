// Package invoke calls regionworkers: in the same process with [InProcess], or
// as AWS Lambda functions with [Lambda]. Both are what internal/coordinator
// calls an Invoker, and both pass the suite in invoketest.
//
// # What an Invoke promises
//
// One call is one attempt, and reaches Lambda at most once. Nothing is tried
// again in here, neither by the AWS SDK nor by net/http: retries belong to the
// policy of the request, and every one of them is in the result. Package wire,
// which has the connections, says what moves from one to another.
//
// It returns when its context ends. The error then is the context's cause, and
// it wraps context.DeadlineExceeded or context.Canceled. A context without a
// deadline gets one of [MaxWait]. An answer that comes after the end is lost,
// as it is in Lambda.
//
// A payload passes as bytes, and nobody shares them: what the caller or the
// worker does to its own afterwards does not reach the other. Only the budget of a
// request that waits long for a connection is less by that wait when it is sent.
//
// Lambda's limits on payloads hold everywhere, so what works in the same process
// works in Lambda.
//
// # Errors
//
// Everything but the end of the context is an [Error]. Its name is the one that
// Step Functions gives to the same failure, for a retrier to match.
package invoke

import (
	"context"
	"errors"
	"fmt"
	"time"

	"meridian/pkg/protocol"
)

// MaxWait bounds a call whose context has no deadline: the longest that a
// function may run, 900 seconds, and ten for the way there and back.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const MaxWait = 900*time.Second + 10*time.Second

// bounded returns ctx with a deadline, its own or MaxWait from now.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, MaxWait, &Error{
		Name:    protocol.ErrorLambdaClientTimeout,
		Message: fmt.Sprintf("no answer in %v, which is longer than a function may run", MaxWait),
		Err:     context.DeadlineExceeded,
	})
}

// ended returns why ctx ended, as an error that also is ctx.Err(), or nil while
// it has not.
func ended(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); !errors.Is(cause, err) {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return context.Cause(ctx)
}

// checkRequest refuses a payload that Lambda would refuse, before it is sent.
func checkRequest(payload []byte) error {
	if len(payload) <= protocol.MaxInvocationBytes {
		return nil
	}
	return &Error{
		Name: protocol.ErrorRequestTooLarge,
		Message: fmt.Sprintf("%d byte payload is too large for the RequestResponse invocation type (limit %d bytes)",
			len(payload), protocol.MaxInvocationBytes),
	}
}

// checkAnswer refuses an answer that Lambda would not have passed on.
func checkAnswer(answer []byte) error {
	if len(answer) <= protocol.MaxPayloadBytes {
		return nil
	}
	return answerTooLarge()
}

// answerTooLarge is Lambda's error for an answer over its limit.
func answerTooLarge() error {
	return &Error{
		Name: protocol.ErrorResponseSizeTooLarge,
		Message: fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).",
			protocol.MaxPayloadBytes),
		FunctionError: Unhandled,
	}
}
