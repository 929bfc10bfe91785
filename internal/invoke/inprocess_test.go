package invoke_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
)

// The suite, in the same process.
func TestInProcess(t *testing.T) {
	t.Parallel()
	invoketest.Suite(t, func(_ *testing.T, worker invoketest.Worker) invoketest.Invoker {
		return invoke.InProcess{Handle: worker}
	})
}

// Only the worker in an InProcess waits.
func TestInProcessRunsInVirtualTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		invoker := invoke.InProcess{Handle: func(_ context.Context, payload []byte) ([]byte, error) {
			time.Sleep(2 * time.Second)
			return payload, nil
		}}
		start := time.Now()
		if _, _, err := invoker.Invoke(t.Context(), "eu-west-1", []byte(`{}`)); err != nil {
			t.Errorf("Invoke = %v, want success", err)
		}
		if got, want := time.Since(start), 2*time.Second; got != want {
			t.Errorf("Invoke took %v, want %v", got, want)
		}

		why := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
		defer cancel()
		answer, report, err := invoker.Invoke(ctx, "eu-west-1", []byte(`{}`))
		if answer != nil || report.RequestID == "" || report.Metrics != nil || !errors.Is(err, why) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Invoke = %s, %+v, %v, want no answer, an id and no metrics, and both %v and %v",
				answer, report, err, why, context.DeadlineExceeded)
		}
	})
}

// A worker's error differs from a failed call.
func TestInProcessTellsFunctionErrorsApart(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		payload []byte
		want    string
	}{
		{"the worker's error", []byte(`{}`), invoke.Unhandled},
		{"a call that is refused", make([]byte, 7<<20), ""},
	} {
		_, _, err := invoke.InProcess{Handle: func(context.Context, []byte) ([]byte, error) {
			return nil, errors.New("broken")
		}}.Invoke(t.Context(), "eu-west-1", test.payload)
		if e, ok := errors.AsType[*invoke.Error](err); !ok || e.FunctionError != test.want {
			t.Errorf("%s: Invoke = %#v, want FunctionError %q", test.name, err, test.want)
		}
	}
}

// Every worker has a deadline, as in Lambda.
func TestInProcessGivesADeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			name     string
			asked    time.Duration
			want     time.Duration
			wantName string
		}{
			{"none of its own", 0, invoke.MaxWait, "Lambda.ClientExecutionTimeoutException"},
			{"its own", time.Hour, time.Hour, ""},
		} {
			ctx, cancel := t.Context(), context.CancelFunc(func() {})
			if test.asked > 0 {
				ctx, cancel = context.WithTimeout(ctx, test.asked)
			}
			start := time.Now()
			_, _, err := invoke.InProcess{Handle: func(ctx context.Context, _ []byte) ([]byte, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}}.Invoke(ctx, "eu-west-1", nil)
			if got := time.Since(start); got != test.want || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: Invoke = %v after %v, want %v after %v", test.name, err, got, context.DeadlineExceeded, test.want)
			}
			if got := name(err); got != test.wantName {
				t.Errorf("%s: Invoke = error named %q, want %q", test.name, got, test.wantName)
			}
			cancel()
		}
	})
}

// name returns the name of an *invoke.Error, or "".
func name(err error) string {
	e, _ := errors.AsType[*invoke.Error](err)
	if e == nil {
		return ""
	}
	return e.ErrorName()
}

// The engine is the one place where panics are recovered.
func TestInProcessLetsAPanicThrough(t *testing.T) {
	t.Parallel()
	defer func() {
		if got := recover(); got != "broken" {
			t.Errorf("Invoke panicked with %v, want broken", got)
		}
	}()
	_, _, err := invoke.InProcess{Handle: func(context.Context, []byte) ([]byte, error) {
		panic("broken")
	}}.Invoke(t.Context(), "eu-west-1", nil)
	t.Errorf("Invoke = %v, want a panic", err)
}

// A missing Handle is a programming mistake.
func TestInProcessWithoutHandlePanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if got, want := recover(), "invoke: InProcess has no Handle"; got != want {
			t.Errorf("Invoke panicked with %v, want %s", got, want)
		}
	}()
	_, _, err := invoke.InProcess{}.Invoke(t.Context(), "eu-west-1", nil)
	t.Errorf("Invoke = %v, want a panic", err)
}
