package fanout

import "time"

// WithText returns an error with a text of its own that says the same to the engine as
// err. It does not hold err. An attempt's error is kept until the run's end, so one that
// takes much memory can be replaced by what is told of it.
func WithText(err error, text string) error { return &textError{failureOf(err), text} }

// A textError is what is left of an error: a text, and the answers to what the engine
// asks.
type textError struct {
	failure
	text string
}

func (e *textError) Error() string { return e.text }

// ErrorName implements [NamedError].
func (e *textError) ErrorName() string { return e.name }

// RetryAfter implements [DelayedError].
func (e *textError) RetryAfter() time.Duration { return e.retryAfter }

// Final implements [FinalError].
func (e *textError) Final() bool { return e.final }

// Skip implements [SkipError].
func (e *textError) Skip() bool { return e.skip }

// Interrupted implements [InterruptedError].
func (e *textError) Interrupted() bool { return e.interrupted }
