package invoke_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
	"meridian/pkg/protocol"
)

// withoutTail answers 501 to calls that ask for the log, as some emulators do. It counts
// the others.
func withoutTail(others *atomic.Int32) invoketest.Fault {
	return func(w http.ResponseWriter, r *http.Request, work http.Handler) {
		if r.Header.Get("X-Amz-Log-Type") != "" {
			invoketest.Answer(http.StatusNotImplemented, "X-Amz-Log-Type: Tail is not supported")(w, r, nil)
			return
		}
		others.Add(1)
		work.ServeHTTP(w, r)
	}
}

// A server that does not know the log is called once more without it, and from then on
// only without.
func TestAServerWithoutTheLogIsCalledWithoutIt(t *testing.T) {
	t.Parallel()
	server := invoketest.NewServer(t, echo)
	var others atomic.Int32
	fault := withoutTail(&others)
	server.Decide(func(invoketest.Call) invoketest.Fault { return fault })
	invoker := newLambda(t, server.Config(), invoke.Settings{Placement: invoke.Regional})
	for i, region := range []string{"eu-west-1", "eu-west-1", "us-east-1"} {
		answer, report, err := invoker.Invoke(t.Context(), region, []byte(`{"a":1}`))
		if err != nil || string(answer) != `{"a":1}` || report.Metrics == nil || !report.Metrics.Estimated {
			t.Errorf("Invoke = %s, %+v, %v; want the answer and an estimate", answer, report, err)
		}
		if got := server.Calls("worker"); got != i+2 {
			t.Errorf("%d requests after %d calls, want one more", got, i+1)
		}
	}
	if got := others.Load(); got != 3 {
		t.Errorf("the function ran %d times, want 3", got)
	}
}

// Calls that were in flight with the log are each called once more.
func TestCallsInFlightWithTheLogAreCalledWithoutIt(t *testing.T) {
	t.Parallel()
	const calls = 20
	server := invoketest.NewServer(t, echo)
	var others atomic.Int32
	arrived := sync.WaitGroup{}
	arrived.Add(calls)
	refuse := withoutTail(&others)
	fault := func(w http.ResponseWriter, r *http.Request, work http.Handler) {
		if r.Header.Get("X-Amz-Log-Type") != "" {
			arrived.Done()
			arrived.Wait()
		}
		refuse(w, r, work)
	}
	server.Decide(func(invoketest.Call) invoketest.Fault { return fault })
	invoker := newLambda(t, server.Config(), invoke.Settings{})
	var wg sync.WaitGroup
	for range calls {
		wg.Go(func() {
			if _, _, err := invoker.Invoke(t.Context(), "eu-west-1", []byte(`{}`)); err != nil {
				t.Errorf("Invoke = %v, want success", err)
			}
		})
	}
	wg.Wait()
	if got := others.Load(); got != calls {
		t.Errorf("the function ran %d times, want %d", got, calls)
	}
}

// A 501 that is not about the log is an error, with no report, after two requests at
// first and one from then on.
func TestAnother501IsAnError(t *testing.T) {
	t.Parallel()
	server := invoketest.NewServer(t, echo)
	server.Decide(func(invoketest.Call) invoketest.Fault { return invoketest.Answer(http.StatusNotImplemented, "no") })
	invoker := newLambda(t, server.Config(), invoke.Settings{})
	for _, want := range []int{2, 3} {
		_, report, err := invoker.Invoke(t.Context(), "eu-west-1", []byte(`{}`))
		if name(err) != "Lambda.NotImplemented" || report.Metrics != nil || err.Error() != "HTTP 501 Not Implemented" {
			t.Errorf("Invoke = %q, %v, %+v; want Lambda.NotImplemented, nothing billed", name(err), err, report)
		}
		if got := server.Calls("worker"); got != want {
			t.Errorf("%d requests, want %d", got, want)
		}
	}
	for _, r := range invoke.DefaultRetry() {
		for _, name := range r.ErrorEquals {
			if name == "Lambda.NotImplemented" || name == protocol.ErrorAll {
				t.Errorf("a 501 is retried by default, under %s", name)
			}
		}
	}
}
