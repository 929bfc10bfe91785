// Package invoke calls workers: in the same process with [InProcess], or as AWS Lambda
// functions with [Lambda]. Both are Invokers of internal/coordinator, and both pass the
// suite in invoketest.
//
// # What an Invoke promises
//
// One call is one attempt, and is carried out by Lambda at most once. Nothing is retried in
// here: retries belong to the retriers of the run's request, and each is in its result.
// There are two exceptions, which have done nothing: a request for a log that the server
// does not know, and a signature by a clock that is off. Package wire, which has the
// connections, says when a request moves to another one.
//
// Invoke returns when its context ends. The error is then the context's cause, and it
// wraps context.DeadlineExceeded or context.Canceled. A context without a deadline gets
// one of [MaxWait]. An answer that comes later is lost, as it is in Lambda.
//
// Caller and worker do not share a payload's bytes: after the call each may change its
// own. When a request waits long for a connection, the budget in it is reduced by that
// wait before it is sent.
//
// Lambda's limits on payloads hold everywhere, so what works in the same process
// works in Lambda.
//
// # Errors
//
// Every error but the end of the context is an [Error]. Its name is the one that Step
// Functions gives to the same failure, for a retrier to match. What Lambda's errors mean
// is in one table, with its sources: whether the function may have run, whether the call
// is retried by default, and what to do.
package invoke

import (
	"context"
	"errors"
	"fmt"
	"time"

	"meridian/pkg/protocol"
)

// MaxWait limits a call when its context has no deadline: to the longest that a
// function may run, 900 seconds, and ten for the network.
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
		Sent:    true,
		Err:     context.DeadlineExceeded,
	})
}

// ended returns the cause of ctx's end, as an error that also wraps ctx.Err(), or nil
// when ctx has not ended.
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

// checkRequest refuses a payload over Lambda's limit, before it is sent.
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

// answerTooLarge is Lambda's error for an answer over its limit.
func answerTooLarge() error {
	return &Error{
		Name: protocol.ErrorResponseSizeTooLarge,
		Message: fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).",
			protocol.MaxPayloadBytes),
		FunctionError: Unhandled,
	}
}
