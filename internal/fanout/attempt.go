package fanout

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// A flight is one attempt under way. Its goroutine owns value, err, claims and
// end until it has sent the flight over the loop's landed channel. The loop owns
// the rest, and everything from then on; what became of an abandoned attempt it
// does not look at.
type flight[R any] struct {
	item      int
	prior     []Attempt
	start     time.Time
	landed    bool
	abandoned bool

	value  R
	err    error
	claims claims
	end    time.Time
}

// fly makes the attempt, and hands f to the loop unless the loop has ended.
func (l *loop[T, R]) fly(f *flight[R]) {
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
		if timeout != nil && f.claims.name != "" && !f.claims.panicked && errors.Is(context.Cause(ctx), timeout) {
			f.err = beside(timeout, f.err)
			f.claims.name = NameTimeout
		}
		select {
		case l.landed <- f: // there is room, except beside abandoned attempts
		default:
			select {
			case l.landed <- f:
			case <-l.ended:
			}
		}
	}()
	f.err, f.claims = errGoexit, claims{name: NameRuntime, panicked: true}
	l.call(ctx, f)
}

// errGoexit is the error of an attempt whose goroutine ended without returning.
var errGoexit error = &PanicError{Value: "runtime.Goexit was called"}

// call is the one place where panics are recovered: a panic in a Lambda function
// would end the process, and with it every result of the invocation.
func (l *loop[T, R]) call(ctx context.Context, f *flight[R]) {
	defer func() {
		if v := recover(); v != nil {
			f.err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	value, err := l.do(ctx, l.items[f.item], f.prior)
	f.value = value
	c := claimsOf(err)
	f.err, f.claims = err, c
}

// claims is what an error says by methods of its own. They are the item's code
// as much as its function is (think of a nil pointer in an error), so they are
// asked where a panic is recovered, and never by the loop.
type claims struct {
	name     string
	after    time.Duration // how long the other side asked to wait
	skip     bool
	panicked bool
}

func claimsOf(err error) claims {
	if err == nil {
		return claims{}
	}
	c := claims{name: ErrorName(err)}
	if e, ok := errors.AsType[interface {
		error
		RetryAfter() time.Duration
	}](err); ok {
		c.after = e.RetryAfter()
	}
	if e, ok := errors.AsType[interface {
		error
		Skip() bool
	}](err); ok && e.Skip() {
		return claims{skip: true} // without a name: nothing went wrong
	}
	return c
}

// A cutError is the end of a time together with the last real error before it.
// Its name is that of the end.
type cutError struct{ cause, last error }

// beside returns the cause of an end together with the last error, unless that
// adds nothing to it.
func beside(cause, last error) error {
	if mere(last, cause) {
		return cause
	}
	return &cutError{cause, last}
}

// mere reports whether err says no more than that its context has ended.
func mere(err, cause error) bool {
	return err == context.Canceled || err == context.DeadlineExceeded || //nolint:errorlint // one that wraps them says more
		errors.Is(cause, err)
}

func (e *cutError) Error() string {
	if errors.Is(e.last, e.cause) {
		return e.last.Error()
	}
	return fmt.Sprintf("%v; last error: %v", e.cause, e.last)
}

func (e *cutError) ErrorName() string { return ErrorName(e.cause) }

func (e *cutError) Unwrap() []error { return []error{e.cause, e.last} }
