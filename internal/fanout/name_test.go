package fanout_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"meridian/internal/fanout"
)

func TestErrorName(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"nil", nil, ""},
		{"what its method says", named("A"), "A"},
		{"found behind a wrap", fmt.Errorf("call: %w", named("A")), "A"},
		{"found in a join", errors.Join(errors.New("no name"), named("A")), "A"},
		{"the outer of two", fmt.Errorf("call: %w", &fanout.PanicError{Value: named("A")}), fanout.NameRuntime},
		{"an empty name is none", named(""), fanout.NameTaskFailed},
		{"an empty name on a deadline is none", errors.Join(named(""), context.DeadlineExceeded), fanout.NameTimeout},
		{"a deadline", fmt.Errorf("call: %w", context.DeadlineExceeded), fanout.NameTimeout},
		{"a name goes before a deadline", errors.Join(context.DeadlineExceeded, named("A")), "A"},
		{"a cancellation", context.Canceled, fanout.NameTaskFailed},
		{"any other", errors.New("no name"), fanout.NameTaskFailed},
		{"a panic", &fanout.PanicError{}, fanout.NameRuntime},
		{"a timeout", &fanout.TimeoutError{}, fanout.NameTimeout},
		{"too many failures", &fanout.ToleranceError{}, fanout.NameExceedToleratedFailureThreshold},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := fanout.ErrorName(test.err); got != test.want {
				t.Errorf("ErrorName(%v) = %q, want %q", test.err, got, test.want)
			}
		})
	}
}

func TestWhatTheErrorsSayAndWrap(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err   error
		want  string
		wraps error // nil is nothing
	}{
		{&fanout.TimeoutError{What: "run", After: 90 * time.Second}, "run timed out after 1m30s", context.DeadlineExceeded},
		{&fanout.ToleranceError{Failed: 3, Total: 20, Tolerated: 2}, "3 of 20 failed, 2 tolerated", nil},
		{
			&fanout.ToleranceError{Failed: 3, Skipped: 1, Total: 20, Tolerated: 2, MinSuccessful: 17},
			"3 of 20 failed, 2 tolerated, 17 had to succeed", nil,
		},
		{&fanout.PanicError{Value: "boom", Stack: []byte("secret")}, "panic: boom", nil},
		{&fanout.PanicError{Value: context.Canceled}, "panic: context canceled", context.Canceled},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("(%#v).Error() = %q, want %q", test.err, got, test.want)
		}
		if got := errors.Unwrap(test.err); got != test.wraps { //nolint:errorlint // this very one is meant
			t.Errorf("errors.Unwrap(%#v) = %v, want %v", test.err, got, test.wraps)
		}
	}
}
