package invoke

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"

	"meridian/pkg/protocol"
)

// InProcess calls a worker in the same process, for every Region, as Lambda would: with
// Lambda's limits, its names for a handler's errors, and request ids like Lambda's. It
// may be used from several goroutines when Handle may.
//
// The worker runs in the caller's goroutine, under the caller's context. So a panic
// reaches the caller, and a worker that ignores its context delays the caller. A worker
// whose context is cancelled can still answer.
type InProcess struct {
	// Handle is the worker: it returns the answer to a payload. Required.
	Handle func(ctx context.Context, payload []byte) ([]byte, error)
}

// Invoke calls Handle with a copy of payload and returns a copy of its answer, with a
// new request id. The attempt has no metrics, because nothing is billed. The Region is
// in the payload.
func (p InProcess) Invoke(ctx context.Context, _ string, payload []byte) ([]byte, protocol.Attempt, error) {
	if p.Handle == nil {
		panic("invoke: InProcess has no Handle")
	}
	if err := ended(ctx, true); err != nil {
		return nil, protocol.Attempt{}, err
	}
	report := protocol.Attempt{RequestID: newRequestID()}
	if err := checkRequest(payload); err != nil {
		return nil, report, err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	answer, err := p.Handle(ctx, bytes.Clone(payload))
	if end := ended(ctx, false); end != nil && (err != nil || errors.Is(ctx.Err(), context.DeadlineExceeded)) {
		return nil, report, end
	}
	if err != nil {
		return nil, report, &Error{Name: errorType(err), Message: err.Error(), FunctionError: Unhandled}
	}
	if len(answer) > protocol.MaxPayloadBytes {
		return nil, report, answerTooLarge()
	}
	return bytes.Clone(answer), report, nil
}

// errorType returns the name under which a function reports err: the one from its
// ErrorName method, else the name of its Go type, as Lambda's Go runtime does.
//
// Source: getErrorType in https://github.com/aws/aws-lambda-go/blob/main/lambda/errors.go
func errorType(err error) string {
	type named interface {
		error
		ErrorName() string
	}
	if n, ok := errors.AsType[named](err); ok && n.ErrorName() != "" {
		return n.ErrorName()
	}
	t := reflect.TypeOf(err)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return cmp.Or(t.Name(), protocol.ErrorLambdaUnknown)
}

// newRequestID returns a random UUID, as Lambda's request ids are.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
