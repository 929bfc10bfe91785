package fanout

import (
	"context"
	"errors"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"
)

// An attempt is an [Attempt] from its start on. Its goroutine owns value, err,
// failure and end until it has sent the attempt over the loop's ended channel. The
// loop owns the rest, and after that everything; it never reads value, err and
// failure of an attempt that it has given up.
type attempt[R any] struct {
	item     int
	number   int // of the item's attempts, from 1
	prior    []Attempt
	sending  // start is its start
	hedge    bool
	returned bool
	givenUp  bool        // abandoned, or another attempt at its item was faster
	lostAt   time.Time   // when another attempt was faster
	claimed  atomic.Bool // by its goroutine, to make it, or by the loop, so that it is not made

	// Its own context when the policy hedges, else nil.
	ctx    context.Context
	cancel context.CancelCauseFunc

	value   R
	err     error
	failure failure
	end     time.Time
}

// over reports whether the loop is done with the attempt.
func (a *attempt[R]) over() bool { return a.returned || a.givenUp }

// try makes the attempt and sends it to the loop, unless the loop has ended.
func (l *loop[T, R]) try(a *attempt[R]) {
	ctx := l.ctx
	if a.ctx != nil {
		ctx = a.ctx
	}
	var timeout *TimeoutError
	// Deferred, because runtime.Goexit ends a goroutine without returning.
	defer func() {
		a.end = time.Now()
		a.failure.late = a.err != nil && l.endedBy(a.end)
		if timeout != nil && a.failure.name != "" && !a.failure.panicked && errors.Is(context.Cause(ctx), timeout) {
			a.err = withLastError(timeout, a.err)
			a.failure.name = NameTimeout
		}
		select {
		case l.ended <- a: // buffered, but abandoned attempts may fill the buffer
		case <-l.done:
		}
	}()
	if a.err = context.Cause(ctx); a.err != nil || !a.claimed.CompareAndSwap(false, true) {
		a.failure.notStarted = true
		return
	}
	by := a.start.Add(l.policy.Timeout)
	if end, ok := ctx.Deadline(); l.policy.Timeout > 0 && (!ok || by.Before(end)) { // of two ends at once, the run's counts
		timeout = &TimeoutError{What: "attempt", After: l.policy.Timeout}
		timed, cancel := context.WithDeadlineCause(ctx, by, timeout)
		defer cancel()
		ctx = timed
	}
	a.err, a.failure = errGoexit, failure{name: NameRuntime, panicked: true}
	l.call(ctx, a)
}

// endedBy reports whether the run had ended by now. A context ends a moment after its
// deadline.
func (l *loop[T, R]) endedBy(now time.Time) bool {
	if deadline, ok := l.ctx.Deadline(); ok && !now.Before(deadline) {
		<-l.ctx.Done()
	}
	return l.ctx.Err() != nil
}

// errGoexit is the error of an attempt whose goroutine ended without returning.
var errGoexit error = &PanicError{Value: "runtime.Goexit was called"}

// call is the one place that recovers panics: a panic in a Lambda function would
// end the process, and lose every result of the invocation.
func (l *loop[T, R]) call(ctx context.Context, a *attempt[R]) {
	defer func() {
		if v := recover(); v != nil {
			a.err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	a.value, a.err = l.do(ctx, l.items[a.item], a.prior)
	a.failure = failureOf(a.err)
}

// An endError is the end of the run's or the attempt's time, with the item's last
// error before it. Its name is the name of the end.
type endError struct{ cause, last error }

// withLastError returns the cause of an end with the last error, or the cause alone
// when the last error only repeats it.
func withLastError(cause, last error) error {
	if isContextError(last, cause) {
		return cause
	}
	return &endError{cause, last}
}

// isContextError reports whether err says only that its context ended for cause.
func isContextError(err, cause error) bool {
	return err == context.Canceled || errors.Is(cause, err) //nolint:errorlint // an error that wraps Canceled says more
}

func (e *endError) Error() string {
	cause, last := e.cause.Error(), e.last.Error()
	switch {
	case last == context.Canceled.Error() || last == context.DeadlineExceeded.Error():
		return cause
	case strings.Contains(last, cause):
		return last
	}
	return cause + "; last error: " + last
}

func (e *endError) ErrorName() string { return ErrorName(e.cause) }

func (e *endError) Unwrap() []error { return []error{e.cause, e.last} }
