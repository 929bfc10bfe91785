package invoke_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
)

// An unneeded cause says that the answer is not needed.
type unneeded struct{ error }

func (unneeded) Unneeded() bool { return true }

// notStarted reports whether err says that nothing was sent.
func notStarted(err error) bool {
	var e interface{ NotStarted() bool }
	return errors.As(err, &e) && e.NotStarted()
}

// The calls have 20 s, so a worker keeps 1 s for its answer, and a call that is cancelled
// waits 250 ms. They are cancelled after 2 s.
func TestACancelledCallWaitsForAnAnswerThatIsOnItsWay(t *testing.T) {
	t.Parallel()
	const limit, at, moment = 20 * time.Second, 2 * time.Second, 250 * time.Millisecond
	stopped := errors.New("stopped by hand")
	for _, test := range []struct {
		name       string
		cause      error
		connection time.Duration // until there is one
		answer     time.Duration // after which the function answers
		want       string        // the error
		took       time.Duration
		notStarted bool
		calls      int
	}{
		{"before it is cancelled", stopped, 0, at - 1, "", at - 1, false, 1},
		{"just in time", stopped, 0, at + moment - 1, "", at + moment - 1, false, 1},
		{"too late", stopped, 0, at + moment + 1, "stopped by hand", at + moment, false, 1},
		{"never", stopped, 0, time.Hour, "stopped by hand", at + moment, false, 1},
		{"not needed", unneeded{stopped}, 0, at + 1, "stopped by hand", at, false, 1},
		{"after the deadline", nil, 0, limit + 1, "out of time", limit, false, 1},
		{"not sent", stopped, at + 1, 0, "stopped by hand", at, true, 0},
		{"sent late", stopped, at - 1, moment, "", at - 1 + moment, false, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := invoketest.NewMemoryServer(t, echo)
				server.Script(invoketest.After(invoketest.Fixed(test.answer), nil))
				invoker := newLambda(t, server.Config(), invoke.Settings{Dial: delayed(server.Dial, test.connection)})
				ctx, stop := context.WithTimeoutCause(t.Context(), limit, errors.New("out of time"))
				defer stop()
				ctx, cancel := context.WithCancelCause(ctx)
				defer cancel(nil)
				if test.cause != nil {
					time.AfterFunc(at, func() { cancel(test.cause) })
				}
				start := time.Now()
				answer, report, err := invoker.Invoke(ctx, "eu-west-1", []byte(`{}`))
				if took := time.Since(start); took != test.took {
					t.Errorf("Invoke took %v, want %v", took, test.took)
				}
				if text(err) != test.want || (string(answer) == `{}`) != (test.want == "") || notStarted(err) != test.notStarted {
					t.Errorf("Invoke = %s, %q, NotStarted %t; want %q, %t", answer, text(err), notStarted(err), test.want, test.notStarted)
				}
				if (report.Metrics == nil) != test.notStarted {
					t.Errorf("Invoke = metrics %+v, want some if it was sent", report.Metrics)
				}
				time.Sleep(time.Minute)
				if calls := server.Counts().Calls; calls != test.calls {
					t.Errorf("the server saw %d calls, want %d", calls, test.calls)
				}
			})
		})
	}
}

// Of the calls of a run that is cancelled, those that wait for an answer get it if it comes in
// time, and those that begin later are not sent.
func TestCallsUnderOneContextEndTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const at, second = 2 * time.Second, time.Second
		server := invoketest.NewMemoryServer(t, echo)
		var answers []invoketest.Fault
		for _, after := range []time.Duration{second, at + 100*time.Millisecond, time.Hour} {
			answers = append(answers, invoketest.After(invoketest.Fixed(after), nil))
		}
		server.Script(answers...)
		invoker := newLambda(t, server.Config(), invoke.Settings{Dial: server.Dial})
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		defer stop()
		ctx, cancel := context.WithCancelCause(ctx)
		time.AfterFunc(at, func() { cancel(errors.New("stopped by hand")) })
		begin := time.Now()
		var calls sync.WaitGroup
		for i, want := range []struct {
			err  string
			took time.Duration
		}{
			{"", second}, {"", at + 100*time.Millisecond}, {"stopped by hand", at + 250*time.Millisecond},
		} {
			calls.Go(func() {
				_, _, err := invoker.Invoke(ctx, "eu-west-1", []byte(`{}`))
				if took := time.Since(begin); text(err) != want.err || took != want.took {
					t.Errorf("call %d: %q after %v, want %q after %v", i, text(err), took, want.err, want.took)
				}
			})
			synctest.Wait() // the script has the order of the calls
		}
		time.Sleep(at + 50*time.Millisecond)
		if _, _, err := invoker.Invoke(ctx, "eu-west-1", []byte(`{}`)); !notStarted(err) {
			t.Errorf("Invoke after the end = %v, want not started", err)
		}
		calls.Wait()
	})
}

// delayed returns a dial that takes d longer.
func delayed(dial dialFunc, d time.Duration) dialFunc {
	if d == 0 {
		return dial
	}
	return func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		time.Sleep(d)
		return dial(ctx, network, address)
	}
}

// text returns the text of err, "" for nil.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A worker in the same process stops when its context is cancelled, and answers. When its
// time is over, its answer comes too late, as in Lambda.
func TestAWorkerInProcessThatIsToldToStopAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		end  func(context.Context) (context.Context, context.CancelFunc)
		want string
	}{
		{"cancelled", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		}, ""},
		{"out of time", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(ctx, time.Second, errors.New("out of time"))
		}, "out of time"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				invoker := invoke.InProcess{Handle: func(ctx context.Context, _ []byte) ([]byte, error) {
					<-ctx.Done()
					time.Sleep(100 * time.Millisecond)
					return []byte(`"so far"`), nil
				}}
				ctx, cancel := test.end(t.Context())
				defer cancel()
				answer, report, err := invoker.Invoke(ctx, "eu-west-1", []byte(`{}`))
				if text(err) != test.want || (string(answer) == `"so far"`) != (test.want == "") || report.RequestID == "" {
					t.Errorf("Invoke = %s, id %q, %v; want %q and an id", answer, report.RequestID, err, test.want)
				}
			})
		})
	}
}
