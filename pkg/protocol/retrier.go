package protocol

// A Retrier says which errors are tried again, and after how long. It means
// what a Retrier of the Amazon States Language means, field by field, except
// that intervals may be fractions of a second.
//
// Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
type Retrier struct {
	// ErrorEquals lists the error names it applies to. "States.ALL" stands alone
	// and in the last retrier. Required.
	ErrorEquals []string `json:"errorEquals"`

	// IntervalSeconds is the wait before the first retry, up to 99,999,999 s.
	// Zero means 1.
	IntervalSeconds float64 `json:"intervalSeconds,omitzero" zero:"leave it out for the default, 1"`

	// MaxAttempts is the number of retries, 0 to 1,000; 0 means never. Nil
	// means 3.
	MaxAttempts *int `json:"maxAttempts,omitzero"`

	// BackoffRate multiplies the wait after each retry; at least 1. Zero means 2.
	BackoffRate float64 `json:"backoffRate,omitzero" zero:"the language wants at least 1; leave it out for the default, 2"`

	// MaxDelaySeconds caps the wait, below 31,622,401 s. Zero means no cap.
	MaxDelaySeconds float64 `json:"maxDelaySeconds,omitzero" zero:"leave it out for no cap"`

	// JitterStrategy is "FULL", a wait drawn evenly from zero to the computed
	// one, or "NONE". Empty means NONE.
	JitterStrategy string `json:"jitterStrategy,omitzero"`
}

// DefaultRetry returns the retriers of a request that gives none: the errors
// that AWS recommends to retry for Lambda and the throttle, 4 retries from
// 0.2 s, doubling, at most 5 s, with full jitter. AWS recommends 2 s and 6
// retries, over two minutes in all; a sweep over Regions has seconds.
//
// Source: https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html
func DefaultRetry() []Retrier {
	return []Retrier{{
		ErrorEquals: []string{
			ErrorLambdaClientTimeout, ErrorLambdaService, ErrorLambdaAWS,
			ErrorLambdaSDKClient, ErrorLambdaThrottled,
		},
		IntervalSeconds: 0.2,
		MaxAttempts:     new(4),
		BackoffRate:     2,
		MaxDelaySeconds: 5,
		JitterStrategy:  JitterFull,
	}}
}

// The jitter strategies of the Amazon States Language.
const (
	JitterNone = "NONE"
	JitterFull = "FULL"
)
