package fanout

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// A flight is one attempt under way. Its goroutine owns value, err and end until
// it has sent the flight over the loop's landed channel. The loop owns the rest,
// and everything from then on; of an abandoned flight it never looks at them.
type flight[R any] struct {
	item      int
	start     time.Time
	landed    bool
	abandoned bool

	value R
	err   error
	end   time.Time
}

// fly makes the attempt, and hands f to the loop unless the loop has ended.
func (l *loop[T, R]) fly(f *flight[R], prior []Attempt) {
	ctx := l.ctx
	var timeout *TimeoutError
	if l.policy.Timeout > 0 {
		timeout = &TimeoutError{What: "attempt", After: l.policy.Timeout}
		timed, cancel := context.WithDeadlineCause(ctx, f.start.Add(l.policy.Timeout), timeout)
		defer cancel()
		ctx = timed
	}
	// Deferred, because runtime.Goexit ends a goroutine without returning.
	defer func() {
		f.end = time.Now()
		if _, panicked := errors.AsType[*PanicError](f.err); f.err != nil && !panicked &&
			timeout != nil && errors.Is(context.Cause(ctx), timeout) {
			f.err = beside(timeout, f.err)
		}
		select {
		case l.landed <- f:
		case <-l.ended:
		}
	}()
	f.err = errGoexit
	f.value, f.err = l.call(ctx, f.item, prior)
}

// errGoexit is the error of an attempt whose goroutine ended without returning.
var errGoexit error = &PanicError{Value: "runtime.Goexit was called"}

// call is the one place where panics are recovered: a panic in a Lambda function
// would end the process, and with it every result of the invocation.
func (l *loop[T, R]) call(ctx context.Context, item int, prior []Attempt) (value R, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return l.do(ctx, l.items[item], prior)
}

// beside returns the cause of an end together with the last real error, unless
// that only says the same.
func beside(cause, last error) error {
	switch {
	case last == nil || last == context.Canceled || last == context.DeadlineExceeded: //nolint:errorlint // the bare ones say nothing more; one that wraps them does
		return cause
	case errors.Is(last, cause):
		return last
	}
	return fmt.Errorf("%w; last error: %w", cause, last)
}
