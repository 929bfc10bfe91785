package invoketest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"meridian/pkg/protocol"
)

// Suite checks an invoker. Each of its tests calls start for an invoker that calls
// worker for every Region. What start opens, it closes with t.Cleanup.
func Suite(t *testing.T, start func(t *testing.T, worker Worker) Invoker) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(t *testing.T, start starter)
	}{
		{"the payload reaches the worker and the answer comes back", testEcho},
		{"calls run at once and are not mixed up", testConcurrent},
		{"a worker's error is a function error with its name", testFunctionError},
		{"payloads up to the limit pass and one byte more does not", testLimits},
		{"the end of the context ends a call", testEnd},
		{"a context that has ended calls nothing", testEndedBefore},
		{"request ids are UUIDs and unique", testRequestIDs},
		{"no bytes are shared", testShared},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, start)
		})
	}
}

type starter = func(t *testing.T, worker Worker) Invoker

// echo answers with what it was sent.
func echo(_ context.Context, payload []byte) ([]byte, error) { return payload, nil }

func testEcho(t *testing.T, start starter) {
	t.Helper()
	invoker := start(t, echo)
	payloads := []string{``, `{}`, `{"region":"eu-west-1"}`, `"é\u0000 \n"`, `"` + strings.Repeat("x", 1<<20) + `"`}
	for _, region := range []string{"us-east-1", "eu-west-1", "ap-southeast-2"} {
		for _, payload := range payloads {
			answer, _, err := invoker.Invoke(t.Context(), region, []byte(payload))
			if err != nil || string(answer) != payload {
				t.Errorf("Invoke(%s, %.40s) = %.40s, %v, want the payload", region, payload, answer, err)
			}
		}
	}
}

func testConcurrent(t *testing.T, start starter) {
	t.Helper()
	const calls = 50
	var arrived sync.WaitGroup
	arrived.Add(calls)
	invoker := start(t, func(_ context.Context, payload []byte) ([]byte, error) {
		arrived.Done()
		arrived.Wait() // until all of them are here at once
		return payload, nil
	})
	var done sync.WaitGroup
	for i := range calls {
		done.Go(func() {
			region, payload := fmt.Sprintf("eu-west-%d", i%5), fmt.Sprintf(`{"call":%d}`, i)
			answer, _, err := invoker.Invoke(t.Context(), region, []byte(payload))
			if err != nil || string(answer) != payload {
				t.Errorf("Invoke(%s, %s) = %s, %v, want the payload", region, payload, answer, err)
			}
		})
	}
	done.Wait()
}

// A namedError is an error that gives itself a name.
type namedError struct{}

func (namedError) Error() string     { return "version 7 is too new" }
func (namedError) ErrorName() string { return protocol.ErrorUnsupportedVersion }

// A typedError has only the name of its type.
type typedError struct{}

func (*typedError) Error() string { return "typed" }

func testFunctionError(t *testing.T, start starter) {
	t.Helper()
	for _, test := range []struct {
		err           error
		name, message string
	}{
		{namedError{}, protocol.ErrorUnsupportedVersion, "version 7 is too new"},
		{fmt.Errorf("outer: %w", namedError{}), protocol.ErrorUnsupportedVersion, "outer: version 7 is too new"},
		{&typedError{}, "typedError", "typed"},
		{errors.New("it \"broke\"\nbadly"), "errorString", "it \"broke\"\nbadly"},
		{fmt.Errorf("outer: %w", &typedError{}), "wrapError", "outer: typed"},
	} {
		invoker := start(t, func(context.Context, []byte) ([]byte, error) { return []byte("lost"), test.err })
		answer, report, err := invoker.Invoke(t.Context(), "eu-west-1", []byte(`{}`))
		checkFailure(t, answer, report.RequestID, err, test.name, test.message)
		if errors.Is(err, test.err) {
			t.Errorf("Invoke = an error that is %#v, want one that came as bytes", test.err)
		}
	}
}

// nameOf returns the name that err, or an error that it wraps, gives itself.
func nameOf(err error) string {
	type named interface {
		error
		ErrorName() string
	}
	if n, ok := errors.AsType[named](err); ok {
		return n.ErrorName()
	}
	return ""
}

// notStarted reports whether err says that nothing was sent.
func notStarted(err error) bool {
	var e interface{ NotStarted() bool }
	return errors.As(err, &e) && e.NotStarted()
}

// checkFailure checks for a function error.
func checkFailure(t *testing.T, answer []byte, id string, err error, name, message string) {
	t.Helper()
	if err == nil || nameOf(err) != name || err.Error() != message {
		t.Errorf("Invoke = %.40s, error %q, %v, want %q, %s", answer, nameOf(err), err, name, message)
	}
	if answer != nil || id == "" {
		t.Errorf("Invoke = answer %.40s, request id %q beside an error, want none and one", answer, id)
	}
}

func testLimits(t *testing.T, start starter) {
	t.Helper()
	const requestLimit = 6 << 20 // a hundred bytes less than the limit on answers
	t.Run("answer", func(t *testing.T) {
		size := make(chan int, 1)
		invoker := start(t, func(context.Context, []byte) ([]byte, error) {
			return bytes.Repeat([]byte{'1'}, <-size), nil
		})
		size <- protocol.MaxPayloadBytes
		answer, _, err := invoker.Invoke(t.Context(), "eu-west-1", []byte(`{}`))
		if len(answer) != protocol.MaxPayloadBytes || err != nil {
			t.Errorf("Invoke = %d bytes, %v, want %d", len(answer), err, protocol.MaxPayloadBytes)
		}
		size <- protocol.MaxPayloadBytes + 1
		answer, report, err := invoker.Invoke(t.Context(), "eu-west-1", []byte(`{}`))
		checkFailure(t, answer, report.RequestID, err, protocol.ErrorResponseSizeTooLarge,
			"Response payload size exceeded maximum allowed payload size (6291556 bytes).")
	})
	t.Run("request", func(t *testing.T) {
		calls := make(chan int, 2)
		invoker := start(t, func(_ context.Context, payload []byte) ([]byte, error) {
			calls <- len(payload)
			return []byte(`{}`), nil
		})
		payload := bytes.Repeat([]byte{'1'}, requestLimit+1)
		if _, _, err := invoker.Invoke(t.Context(), "eu-west-1", payload[1:]); err != nil || <-calls != requestLimit {
			t.Errorf("Invoke(%d bytes) = %v, want success", requestLimit, err)
		}
		_, _, err := invoker.Invoke(t.Context(), "eu-west-1", payload)
		if got, want := nameOf(err), "Lambda.RequestTooLargeException"; got != want || len(calls) != 0 {
			t.Errorf("Invoke(%d bytes) = error %q, %v after %d calls, want %q and none", len(payload), got, err, len(calls), want)
		}
	})
}

// A manualDeadline is a context whose deadline passes when expired is closed, not by a
// clock.
type manualDeadline struct {
	context.Context
	expired chan struct{}
}

func (d manualDeadline) Deadline() (time.Time, bool) { return time.Now().Add(time.Hour), true }
func (d manualDeadline) Done() <-chan struct{}       { return d.expired }

func (d manualDeadline) Err() error {
	select {
	case <-d.expired:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func testEnd(t *testing.T, start starter) {
	t.Helper()
	why := errors.New("the run was stopped")
	for _, test := range []struct {
		name string
		ctx  func(ctx context.Context) (context.Context, func())
		want []error
	}{
		{"cancelled", func(ctx context.Context) (context.Context, func()) {
			return context.WithCancel(ctx)
		}, []error{context.Canceled}},
		{"cancelled for a reason", func(ctx context.Context) (context.Context, func()) {
			ctx, cancel := context.WithCancelCause(ctx)
			return ctx, func() { cancel(why) }
		}, []error{context.Canceled, why}},
		{"out of time", func(ctx context.Context) (context.Context, func()) {
			d := manualDeadline{ctx, make(chan struct{})}
			return d, func() { close(d.expired) }
		}, []error{context.DeadlineExceeded}},
	} {
		t.Run(test.name, func(t *testing.T) {
			started, left := make(chan struct{}), make(chan struct{})
			invoker := start(t, func(ctx context.Context, _ []byte) ([]byte, error) {
				defer close(left)
				close(started)
				<-ctx.Done()
				return nil, ctx.Err()
			})
			ctx, end := test.ctx(t.Context())
			go func() {
				<-started
				end()
			}()
			answer, _, err := invoker.Invoke(ctx, "eu-west-1", []byte(`{}`))
			for _, want := range test.want {
				if !errors.Is(err, want) {
					t.Errorf("Invoke = %s, %v, want an error that is %v", answer, err, want)
				}
			}
			if got := nameOf(err); got != "" || notStarted(err) {
				t.Errorf("Invoke = an error named %q, NotStarted %t, want one that only is the context's end", got, notStarted(err))
			}
			if want := test.want[len(test.want)-1].Error(); err == nil || err.Error() != want {
				t.Errorf("Invoke = %v, want the text of the cause, %s", err, want)
			}
			<-left // the worker sees the end, too
		})
	}
}

func testEndedBefore(t *testing.T, start starter) {
	t.Helper()
	invoker := start(t, func(context.Context, []byte) ([]byte, error) {
		t.Error("the worker was called")
		return nil, nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, report, err := invoker.Invoke(ctx, "eu-west-1", []byte(`{}`)); !errors.Is(err, context.Canceled) || !notStarted(err) || report.Metrics != nil {
		t.Errorf("Invoke = %v, NotStarted %t, metrics %v; want %v, true, none", err, notStarted(err), report.Metrics, context.Canceled)
	}
}

func testRequestIDs(t *testing.T, start starter) {
	t.Helper()
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	invoker := start(t, echo)
	seen := map[string]bool{}
	for range 20 {
		_, report, err := invoker.Invoke(t.Context(), "eu-west-1", []byte(`{}`))
		if err != nil || !uuid.MatchString(report.RequestID) || seen[report.RequestID] {
			t.Errorf("Invoke = request id %q, %v, want a new UUID", report.RequestID, err)
		}
		seen[report.RequestID] = true
	}
}

func testShared(t *testing.T, start starter) {
	t.Helper()
	kept := make(chan []byte, 1)
	mine := []byte(`"mine"`)
	invoker := start(t, func(_ context.Context, payload []byte) ([]byte, error) {
		kept <- payload
		return mine, nil
	})
	payload := []byte(`"sent"`)
	answer, _, err := invoker.Invoke(t.Context(), "eu-west-1", payload)
	if err != nil {
		t.Fatalf("Invoke = %v, want success", err)
	}
	copy(answer, "######")
	copy(payload, "######")
	if got := <-kept; string(mine) != `"mine"` || string(got) != `"sent"` {
		t.Errorf("the worker's answer = %s and payload = %s after the caller changed its own", mine, got)
	}
}
