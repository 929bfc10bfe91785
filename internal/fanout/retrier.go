package fanout

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// A Retrier says which errors are tried again, and after how long. It means
// what a Retrier of the Amazon States Language means, field by field, except
// that intervals may be fractions of a second. Its fields are those of the
// message that carries it, so that one converts to the other.
//
// Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
type Retrier struct {
	// ErrorEquals lists the error names it applies to. "States.ALL" applies to
	// all, "States.TaskFailed" to all but "States.Timeout"; neither applies to
	// "States.DataLimitExceeded", which has to be named. None applies to
	// "States.Runtime". Required.
	ErrorEquals []string

	// IntervalSeconds is the wait before the first retry. Zero means 1.
	IntervalSeconds float64

	// MaxAttempts is the number of retries; 0 means never. Nil means 3.
	MaxAttempts *int

	// BackoffRate multiplies the wait after each retry, at least 1. Zero means 2.
	BackoffRate float64

	// MaxDelaySeconds caps the wait. Zero means no cap.
	MaxDelaySeconds float64

	// JitterStrategy is "FULL", a wait drawn evenly from zero to the computed
	// one, or "NONE". Empty means NONE.
	JitterStrategy string
}

// The defaults of a Retrier in the Amazon States Language.
const (
	defaultInterval    = 1.0 // seconds
	defaultMaxAttempts = 3
	defaultBackoffRate = 2.0
)

// longest is the longest wait, about 146 years: half of what a Duration holds,
// so that adding it to a time does not overflow.
const longest = time.Duration(math.MaxInt64 / 2)

// mostAsked is how much longer than its own wait a retry waits at most because the
// other side asks for it, as in the AWS SDKs: an hour asked for by mistake must not
// use up the run's time.
// Source: https://github.com/aws/aws-sdk-go-v2/blob/main/aws/retry/middleware.go
const mostAsked = 5 * time.Second

func (r Retrier) validate() error {
	switch {
	case len(r.ErrorEquals) == 0:
		return errors.New("ErrorEquals is empty")
	case !(r.IntervalSeconds >= 0):
		return fmt.Errorf("IntervalSeconds is %v; want 0 or more", r.IntervalSeconds)
	case r.MaxAttempts != nil && *r.MaxAttempts < 0:
		return fmt.Errorf("MaxAttempts is %d; want 0 or more", *r.MaxAttempts)
	case r.BackoffRate != 0 && !(r.BackoffRate >= 1):
		return fmt.Errorf("BackoffRate is %v; want at least 1", r.BackoffRate)
	case !(r.MaxDelaySeconds >= 0):
		return fmt.Errorf("MaxDelaySeconds is %v; want 0 or more", r.MaxDelaySeconds)
	case r.JitterStrategy != "" && r.JitterStrategy != "NONE" && r.JitterStrategy != "FULL":
		return fmt.Errorf("JitterStrategy is %q; want NONE or FULL", r.JitterStrategy)
	}
	return nil
}

// matches reports whether r applies to an error of that name.
func (r Retrier) matches(name string) bool {
	if name == NameRuntime {
		return false
	}
	return slices.ContainsFunc(r.ErrorEquals, func(want string) bool {
		wildcard := want == NameAll || want == NameTaskFailed && name != NameTimeout
		return want == name || wildcard && name != NameDataLimitExceeded
	})
}

// wait returns the wait before the next retry after this number of retries, and
// false when r allows no further retry.
func (r Retrier) wait(retries int) (time.Duration, bool) {
	attempts := defaultMaxAttempts
	if r.MaxAttempts != nil {
		attempts = *r.MaxAttempts
	}
	if retries >= attempts {
		return 0, false
	}
	interval, rate := cmp.Or(r.IntervalSeconds, defaultInterval), cmp.Or(r.BackoffRate, defaultBackoffRate)
	seconds := interval * math.Pow(rate, float64(retries))
	if r.MaxDelaySeconds > 0 {
		seconds = min(seconds, r.MaxDelaySeconds)
	}
	wait := longest
	if seconds < longest.Seconds() {
		wait = time.Duration(math.Round(seconds * float64(time.Second)))
	}
	if r.JitterStrategy == "FULL" {
		wait = rand.N(wait + 1)
	}
	return wait, true
}

// retries counts, for one item, the retries that each retrier has used.
type retries []int

// next returns the wait before the next attempt after an error of that name, or
// false when there is none. The first retrier that matches decides, also when it
// is used up.
func (used *retries) next(retriers []Retrier, name string) (time.Duration, bool) {
	for i, r := range retriers {
		if !r.matches(name) {
			continue
		}
		if *used == nil {
			*used = make(retries, len(retriers))
		}
		wait, ok := r.wait((*used)[i])
		if !ok {
			return 0, false
		}
		(*used)[i]++
		return wait, true
	}
	return 0, false
}
