package regionworker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meridian/pkg/protocol"
)

// Five targets, one at a time, and an invocation that ends early: what is done is told as
// done, what never started as never started.
func TestAnInvocationThatEndsEarlyAnswersWithWhatItHas(t *testing.T) {
	t.Parallel()
	const second = time.Second
	cancelled := func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancelCause(ctx)
		time.AfterFunc(2500*time.Millisecond, func() { cancel(errors.New("interrupted")) })
		return ctx, func() { cancel(nil) }
	}
	within := func(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
		return func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, d) }
	}
	const late, past = "less than 10ms was left, too little to start anything", "the function's deadline had passed before the invocation began"
	for _, tt := range []struct {
		name   string
		ends   func(context.Context) (context.Context, context.CancelFunc)
		takes  time.Duration // each target
		want   string
		causes []string // of the last target, and of the answer
		took   time.Duration
	}{
		{
			"cancelled", cancelled, second, "ABORTED: SUCCEEDED SUCCEEDED ABORTED NOT_STARTED NOT_STARTED",
			[]string{"interrupted", "interrupted; 3 of 5 targets not finished"},
			2500 * time.Millisecond,
		},
		{
			"out of time", within(10 * second), 2500 * time.Millisecond, "TIMED_OUT: SUCCEEDED SUCCEEDED SUCCEEDED TIMED_OUT NOT_STARTED",
			[]string{late, "invocation timed out after 9s; 2 of 5 targets not finished"},
			9 * second,
		},
		{
			"a target that has just enough time", within(10 * second), 3*second - 4*time.Millisecond, "TIMED_OUT: SUCCEEDED SUCCEEDED SUCCEEDED TIMED_OUT NOT_STARTED",
			[]string{late, "invocation timed out after 9s; 2 of 5 targets not finished"},
			9 * second,
		},
		{
			"a target that has too little time", within(10 * second), 3*second - 3*time.Millisecond, "TIMED_OUT: SUCCEEDED SUCCEEDED SUCCEEDED NOT_STARTED NOT_STARTED",
			[]string{late, late + "; 2 of 5 targets not finished"},
			9*second - 9*time.Millisecond,
		},
		{
			"before it began", within(-second), second, "TIMED_OUT: NOT_STARTED NOT_STARTED NOT_STARTED NOT_STARTED NOT_STARTED",
			[]string{past, past + "; 5 of 5 targets not finished"},
			0,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := acting(func(ctx context.Context, target string) (any, error) {
					select {
					case <-time.After(tt.takes):
						return target, nil
					case <-ctx.Done():
						return nil, ctx.Err()
					}
				})
				r := request("a", "b", "c", "d", "e")
				r.Policy.MaxConcurrency = 1
				payload, err := json.Marshal(r)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := tt.ends(t.Context())
				defer cancel()
				begin := time.Now()
				answer, err := w.Handle(ctx, payload)
				if took := time.Since(begin); err != nil || took != tt.took {
					t.Errorf("Handle took %v, %v; want %v", took, err, tt.took)
				}
				got, err := protocol.DecodeRegionResult(answer)
				if err == nil {
					err = protocol.CheckAnswer(&r, &got)
				}
				if err != nil {
					t.Fatal(err)
				}
				words := []string{string(got.Status) + ":"}
				for _, target := range got.Targets {
					words = append(words, string(target.Status))
				}
				causes := []string{got.Targets[4].Cause, got.Cause}
				if line := strings.Join(words, " "); line != tt.want || fmt.Sprint(causes) != fmt.Sprint(tt.causes) {
					t.Errorf("Handle = %s %q, want %s %q", line, causes, tt.want, tt.causes)
				}
			})
		})
	}
}
