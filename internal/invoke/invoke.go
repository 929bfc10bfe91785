// Package invoke calls workers: in the same process with [InProcess], or as AWS Lambda
// functions with [Lambda]. Both are Invokers of internal/coordinator, and both pass the
// suite in invoketest. [Lambda.Send] invokes a function and does not wait for its answer.
//
// # What an Invoke promises
//
// One call is one attempt, and is carried out by Lambda at most once. Nothing is retried in
// here: retries belong to the retriers of the run's request, and each is in its result.
// There are two exceptions, in which nothing has been done: the server does not know the
// request for a log, or it refuses a signature because the clock is off. Package wire, which
// has the connections, says when a request moves to another one.
//
// Invoke returns soon after its context has ended. The error then has the text of the
// context's cause, and wraps the cause and context.DeadlineExceeded or
// context.Canceled. Its method NotStarted says whether the call was not sent. A context
// without a deadline gets one of [MaxWait]; an answer that comes later is lost.
//
// When the context is cancelled before its deadline, a worker in the same process stops
// and answers with what it has done; Invoke waits for that answer. An invocation of
// Lambda cannot be cancelled. Invoke waits a moment for its answer, which may be on its
// way: for a quarter of the time that the worker keeps for it, see [protocol.Reserve]. Of
// all calls under one context, the first one decides how long they wait. Invoke does not
// wait when a method Unneeded of the context's cause returns true.
//
// Caller and worker do not share a payload's bytes: after the call each may change its
// own. When a request waits long for a connection, the budget in it is reduced by that
// wait before it is sent.
//
// Lambda's limits on payloads hold everywhere, so what works in the same process
// works in Lambda. Answers of Lambda functions are read as far as the memory holds them
// at once, see [Lambda.InvokeHeld].
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

// ended returns the end of ctx, or nil when it has not ended. notSent says that the call
// did not reach Lambda.
func ended(ctx context.Context, notSent bool) error {
	if ctx.Err() == nil {
		return nil
	}
	return &endError{ctx.Err(), context.Cause(ctx), notSent}
}

// An endError is the end of a call's context.
type endError struct {
	err, cause error // the context's
	notSent    bool
}

// Error returns the cause's text.
func (e *endError) Error() string { return e.cause.Error() }

// NotStarted reports whether the call did not reach Lambda.
func (e *endError) NotStarted() bool { return e.notSent }

// Unwrap returns the cause and the context's error.
func (e *endError) Unwrap() []error { return []error{e.cause, e.err} }

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
