package protocol

// A Retrier says which errors are retried and when. Every field means the same as in a
// Retrier of the Amazon States Language, except that intervals may be fractions of a
// second.
//
// Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
type Retrier struct {
	// ErrorEquals lists the error names that the retrier applies to: up to MaxErrorNames,
	// of up to MaxErrorNameBytes. "States.ALL" must be alone in its list and in the last
	// retrier. Required.
	ErrorEquals []string `json:"errorEquals" max:"100"`

	// IntervalSeconds is the wait before the first retry, up to 99,999,999 s.
	// Zero means 1.
	IntervalSeconds float64 `json:"intervalSeconds,omitzero" zero:"leave it out for the default, 1"`

	// MaxAttempts is the number of retries, 0 to 99,999,999, or to 1,000 if
	// IntervalSeconds is below 1. Zero means never. Nil means 3.
	MaxAttempts *int `json:"maxAttempts,omitzero"`

	// BackoffRate multiplies the wait after each retry; at least 1. Zero means 2.
	BackoffRate float64 `json:"backoffRate,omitzero" zero:"the language wants at least 1; leave it out for the default, 2"`

	// MaxDelaySeconds caps the wait, more than IntervalSeconds and below 31,622,401 s.
	// Zero means no cap.
	MaxDelaySeconds float64 `json:"maxDelaySeconds,omitzero" zero:"leave it out for no cap"`

	// JitterStrategy is "FULL" or "NONE". FULL draws the wait at random between zero
	// and the computed wait. Empty means NONE.
	JitterStrategy string `json:"jitterStrategy,omitzero"`
}

// defaultIntervalSeconds is the meaning of a zero IntervalSeconds.
const defaultIntervalSeconds = 1.0

// The jitter strategies of the Amazon States Language.
const (
	JitterNone = "NONE"
	JitterFull = "FULL"
)
