package invoke

import (
	"context"
	"fmt"
	"time"

	"meridian/pkg/protocol"
)

// maxSend limits a Send. Lambda puts an event into its queue and answers in a fraction of a
// second.
const maxSend = 10 * time.Second

// Send invokes the function asynchronously: Lambda keeps payload in a queue, answers, and
// invokes the function later, at least once. Nil means that Lambda has the payload.
//
// payload has at most [protocol.MaxRequestBytes], Lambda's limit for asynchronous
// invocations. The errors are those of Invoke: an [Error] is Sent if Lambda may have the
// payload. Nothing is retried in here. Send returns within ten seconds.
//
// Send panics if each Region has its own worker: then no single function can be sent to.
func (l *Lambda) Send(ctx context.Context, payload []byte) error {
	if l.home == "" {
		panic("invoke: Send with placement regional")
	}
	if len(payload) > protocol.MaxRequestBytes {
		return &Error{
			Name: protocol.ErrorRequestTooLarge,
			Message: fmt.Sprintf("%d byte payload is too large for the Event invocation type (limit %d bytes)",
				len(payload), protocol.MaxRequestBytes),
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, maxSend, &Error{
		Name:    protocol.ErrorLambdaClientTimeout,
		Message: fmt.Sprintf("Lambda has not accepted the invocation in %v", maxSend),
		Sent:    true,
		Err:     context.DeadlineExceeded,
	})
	defer cancel()
	var out output
	_, err := l.call(ctx, request{region: l.home, event: true}, func(time.Duration) []byte { return payload }, &out)
	l.holding.Release(out.held)
	if err != nil {
		return l.failure(ctx, err)
	}
	return nil
}
