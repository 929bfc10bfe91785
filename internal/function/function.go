// Package function runs a handler of bytes as a Lambda function: what both of
// Meridian's functions need from the runtime and nothing more.
package function

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// A Handler answers one invocation: bytes in, bytes out, both JSON. The deadline
// of ctx is the function's.
type Handler func(ctx context.Context, payload []byte) ([]byte, error)

// Start answers invocations with h until the environment ends. It does not
// return.
func Start(h Handler) { lambda.Start(h) }

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

// Log returns the function's log: one line for each record on standard output,
// with the request id, in the format and from the level that the function's
// logging configuration asks for.
func Log() *slog.Logger { return lambdacontext.NewLogger() }
