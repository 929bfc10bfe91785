package fanout

import (
	"errors"
	"time"
)

// The error of a [Func] may implement any of these interfaces to tell the engine
// how to treat it. They are found as errors.As does, so an error that wraps one
// counts, and no package has to import this one to implement them.
type (
	// A NamedError has an error name, for retriers to match; see [ErrorName].
	NamedError interface {
		error
		ErrorName() string
	}

	// A DelayedError says how long the other side asked to wait. A retry waits that
	// long, but at most 5 s longer than its retrier says. When that ends after
	// the run's deadline, it waits half of what is left.
	DelayedError interface {
		error
		RetryAfter() time.Duration
	}

	// A RateError reports whether a throttle, one of the Adaptation's errors, means too
	// many attempts per second. Without it a throttle means too many at once.
	RateError interface {
		error
		RateLimited() bool
	}

	// A FinalError reports whether no retrier applies, whatever the error's name.
	FinalError interface {
		error
		Final() bool
	}

	// A SkipError reports whether there was nothing to do: the item is SKIPPED.
	SkipError interface {
		error
		Skip() bool
	}

	// An InterruptedError reports whether the attempt ended because the run's time
	// is over. Such an attempt may stop shortly before the run's deadline. The item is
	// TIMED_OUT by the run's end, which is no failure of its own. False means that it
	// failed by itself, even if it returned after the run's end.
	InterruptedError interface {
		error
		Interrupted() bool
	}

	// A NotStartedError reports whether the attempt did nothing because its context
	// had ended. The outcome does not have it if the run has ended.
	NotStartedError interface {
		error
		NotStarted() bool
	}
)

// A failure is what an attempt's error says to the engine. A success has the zero
// failure.
type failure struct {
	name        string
	retryAfter  time.Duration
	rate        bool
	skip        bool
	interrupted bool
	own         bool // an InterruptedError that is not interrupted
	late        bool // the run had ended when the attempt returned
	notStarted  bool
	final       bool
	panicked    bool
}

// failureOf asks an error's methods. Like its function, they are the item's own code
// and may panic, for example on a nil pointer. So they are called once, where a panic
// is recovered.
func failureOf(err error) failure {
	if err == nil {
		return failure{}
	}
	_ = err.Error() // here, where a panic is recovered
	if e, ok := errors.AsType[*restatedError](err); ok {
		return e.failure
	}
	f := failure{name: ErrorName(err)}
	if e, ok := errors.AsType[SkipError](err); ok && e.Skip() {
		return failure{skip: true} // without a name: nothing went wrong
	}
	if e, ok := errors.AsType[DelayedError](err); ok {
		f.retryAfter = e.RetryAfter()
	}
	if e, ok := errors.AsType[RateError](err); ok {
		f.rate = e.RateLimited()
	}
	if e, ok := errors.AsType[InterruptedError](err); ok {
		f.interrupted = e.Interrupted()
		f.own = !f.interrupted
	}
	if e, ok := errors.AsType[NotStartedError](err); ok {
		f.notStarted = e.NotStarted()
	}
	if e, ok := errors.AsType[FinalError](err); ok {
		f.final = e.Final()
	}
	return f
}
