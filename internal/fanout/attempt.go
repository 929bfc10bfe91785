package fanout

import (
	"context"
	"errors"
	"runtime/debug"
	"strings"
	"time"
)

// A flight is one attempt under way. Its goroutine owns value, err, claims and end
// until it has sent the flight over the loop's landed channel. The loop owns
// the rest, and everything from then on; of an abandoned attempt it does not look at
// value, err and claims.
type flight[R any] struct {
	item      int
	prior     []Attempt
	start     time.Time
	hedge     bool // made beside a slow one
	landed    bool
	abandoned bool
	outrun    time.Time // when another one was faster; then it is abandoned, too

	// Of its own, when the policy hedges; else nil.
	ctx    context.Context
	cancel context.CancelCauseFunc

	value  R
	err    error
	claims claims
	end    time.Time
}

// fly makes the attempt, and hands f to the loop unless the loop has ended.
func (l *loop[T, R]) fly(f *flight[R]) {
	ctx := l.ctx
	if f.ctx != nil {
		ctx = f.ctx
	}
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
		case <-l.ended:
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
	f.value, f.err = l.do(ctx, l.items[f.item], f.prior)
	f.claims = claimsOf(f.err)
}

// claims is what an error says by methods of its own. They are the item's code
// as much as its function is (think of a nil pointer in an error), so they are
// asked where a panic is recovered, before anyone else does.
type claims struct {
	name     string
	after    time.Duration // how long the other side asked to wait
	skip     bool
	cut      bool // by the end of the run's time
	final    bool // not to be retried
	panicked bool
}

func claimsOf(err error) claims {
	if err == nil {
		return claims{}
	}
	_ = err.Error() // not wanted here, but if it panics then here
	c := claims{name: ErrorName(err)}
	if e, ok := errors.AsType[interface {
		error
		RetryAfter() time.Duration
	}](err); ok {
		c.after = e.RetryAfter()
	}
	if e, ok := errors.AsType[interface {
		error
		Cut() bool
	}](err); ok {
		c.cut = e.Cut()
	}
	if e, ok := errors.AsType[interface {
		error
		Final() bool
	}](err); ok {
		c.final = e.Final()
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
	return err == context.Canceled || errors.Is(cause, err) //nolint:errorlint // one that wraps Canceled says more
}

func (e *cutError) Error() string {
	cause, last := e.cause.Error(), e.last.Error()
	if strings.Contains(last, cause) {
		return last // which says it already
	}
	return cause + "; last error: " + last
}

func (e *cutError) ErrorName() string { return ErrorName(e.cause) }

func (e *cutError) Unwrap() []error { return []error{e.cause, e.last} }
