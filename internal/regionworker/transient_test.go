package regionworker_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"meridian/pkg/protocol"
)

// A transientError says whether trying again may help.
type transientError bool

func (transientError) Error() string { return "throttled" }

func (transientError) ErrorName() string { return "ThrottlingException" }

func (e transientError) Transient() bool { return bool(e) }

// Without retriers of the request, transient errors are tried again twice, within three
// seconds, and no others are.
func TestTransientErrorsAreTriedAgainWithoutRetriers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		fail     func(attempt int) error
		retry    []protocol.Retrier
		attempts int
		status   protocol.Status
	}{
		{"transient", func(int) error { return transientError(true) }, nil, 3, protocol.StatusFailed},
		{"transient, then not", func(n int) error { return map[bool]error{n < 3: transientError(true)}[true] }, nil, 3, protocol.StatusSucceeded},
		{"not transient", func(int) error { return transientError(false) }, nil, 1, protocol.StatusFailed},
		{"another error", func(int) error { return errors.New("no") }, nil, 1, protocol.StatusFailed},
		{"no retriers at all", func(int) error { return transientError(true) }, []protocol.Retrier{}, 1, protocol.StatusFailed},
		{
			"retriers of the request", func(int) error { return transientError(false) },
			[]protocol.Retrier{{ErrorEquals: []string{"ThrottlingException"}, MaxAttempts: new(4)}},
			5, protocol.StatusFailed,
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			w := acting(func(context.Context, string) (any, error) {
				n++
				return "done", test.fail(n)
			})
			r := request("target")
			r.Policy.Retry = test.retry
			begin := time.Now()
			got := handle(t, w, r)
			if o := got.Targets[0]; n != test.attempts || o.Status != test.status || len(o.Attempts) != n {
				t.Errorf("%s: %d attempts, %s, want %d, %s", test.name, n, o.Status, test.attempts, test.status)
			}
			if took := time.Since(begin); test.retry == nil && took > 3*time.Second {
				t.Errorf("%s: took %v, want at most 3s", test.name, took)
			}
		})
	}
}
