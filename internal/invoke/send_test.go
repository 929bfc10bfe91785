package invoke_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
	"meridian/pkg/protocol"
)

func TestSendInvokesAsynchronously(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	server := invoketest.NewServer(t, func(_ context.Context, payload []byte) ([]byte, error) {
		got <- string(payload)
		return nil, errors.New("nobody reads this")
	})
	if err := newLambda(t, server.Config(), invoke.Settings{}).Send(t.Context(), []byte(`{"command":"sweep"}`)); err != nil {
		t.Fatalf("Send = %v, want success", err)
	}
	if payload := <-got; payload != `{"command":"sweep"}` {
		t.Errorf("the function gets %s", payload)
	}
	want := []invoketest.Request{{Function: "worker", Region: "us-east-1", KeyID: "AKIDEXAMPLE", Type: "Event", Protocol: "HTTP/1.1"}}
	if diff := cmp.Diff(want, server.Requests()); diff != "" {
		t.Errorf("requests differ (-want +got):\n%s", diff)
	}
}

// A process can send to another function over the connections of its workers: to itself.
func TestSendToAFunctionOfFunctions(t *testing.T) {
	t.Parallel()
	server := invoketest.NewServer(t, echo)
	functions := invoke.Functions{Lambda: newLambda(t, server.Config(), invoke.Settings{}), Region: "eu-west-1"}
	own, err := functions.Function(protocol.Worker{Function: "coordinator"})
	if err != nil {
		t.Fatal(err)
	}
	if err := own.As(nil, "", "").Send(t.Context(), []byte(`{}`)); err != nil {
		t.Errorf("Send = %v, want success", err)
	}
	want := []invoketest.Request{{Function: "coordinator", Region: "eu-west-1", KeyID: "AKIDEXAMPLE", Type: "Event", Protocol: "HTTP/1.1"}}
	if diff := cmp.Diff(want, server.Requests()); diff != "" {
		t.Errorf("requests differ (-want +got):\n%s", diff)
	}
}

// The errors of Send are those of Invoke, and nothing is retried.
func TestSendErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fault invoketest.Fault
		want  invoke.Error
	}{
		{
			"throttled", invoketest.Throttle("ConcurrentInvocationLimitExceeded", 7*time.Second),
			invoke.Error{
				Name: protocol.ErrorLambdaThrottled, Message: "Rate Exceeded. (ConcurrentInvocationLimitExceeded)", Retry: 7 * time.Second,
				Advice: protocol.HintRaiseConcurrency,
			},
		},
		{
			"no such function", invoketest.Refuse(http.StatusNotFound, "ResourceNotFoundException", "Function not found: worker"),
			invoke.Error{Name: "Lambda.ResourceNotFoundException", Message: "Function not found: worker", Advice: protocol.HintSetWorker},
		},
		{
			"not allowed", invoketest.Refuse(http.StatusForbidden, "AccessDeniedException", "no"),
			invoke.Error{Name: "Lambda.AccessDeniedException", Message: "HTTP 403 AccessDeniedException: no", Advice: protocol.HintAllowWorker},
		},
		{
			"service exception", invoketest.Refuse(http.StatusInternalServerError, "ServiceException", "try later"),
			invoke.Error{Name: protocol.ErrorLambdaService, Message: "try later" + mayHaveRun, Sent: true},
		},
		{
			"unavailable", invoketest.Answer(http.StatusServiceUnavailable, ""),
			invoke.Error{Name: protocol.ErrorLambdaAWS, Message: "HTTP 503 Service Unavailable" + mayHaveRun, Sent: true},
		},
		{
			"a lost connection", invoketest.CloseAfterRequest,
			invoke.Error{Name: protocol.ErrorLambdaSDKClient, Message: lost + "EOF", Sent: true},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := invoketest.NewServer(t, echo)
			server.Script(test.fault)
			err := newLambda(t, server.Config(), invoke.Settings{}).Send(t.Context(), []byte(`{}`))
			if diff := cmp.Diff(error(&test.want), err, cmpopts.IgnoreFields(invoke.Error{}, "Err")); diff != "" {
				t.Errorf("Send's error differs (-want +got):\n%s", diff)
			}
			if calls := server.Calls("worker"); calls != 1 {
				t.Errorf("Send made %d requests, want 1", calls)
			}
		})
	}
}

// Lambda's limit for asynchronous invocations holds before anything is sent.
func TestSendRefusesALongPayload(t *testing.T) {
	t.Parallel()
	server := invoketest.NewServer(t, echo)
	invoker := newLambda(t, server.Config(), invoke.Settings{})
	payload := []byte(`"` + strings.Repeat("x", protocol.MaxRequestBytes-2) + `"`)
	if err := invoker.Send(t.Context(), payload); err != nil {
		t.Errorf("Send of %d bytes = %v, want success", len(payload), err)
	}
	err := invoker.Send(t.Context(), append(payload, ' '))
	want := "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"
	if name(err) != protocol.ErrorRequestTooLarge || err.Error() != want {
		t.Errorf("Send = %q, %v, want %s: %s", name(err), err, protocol.ErrorRequestTooLarge, want)
	}
	if calls := server.Calls("worker"); calls != 1 {
		t.Errorf("Send made %d requests, want 1", calls)
	}
}

func TestSendReturnsWithinTenSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, invoker := inMemory(t)
		server.Script(invoketest.Hang)
		start := time.Now()
		err := invoker.Send(t.Context(), []byte(`{}`))
		e, ok := errors.AsType[*invoke.Error](err)
		if took := time.Since(start); took != 10*time.Second || !ok || !e.Sent || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Send = %v after %v, want an *invoke.Error that is Sent after 10s", err, took)
		}
	})
}

func TestSendPanicsIfEachRegionHasItsOwnWorker(t *testing.T) {
	t.Parallel()
	invoker := newLambda(t, invoketest.NewServer(t, echo).Config(), invoke.Settings{Placement: invoke.Regional})
	defer func() {
		if got := recover(); got != "invoke: Send with placement regional" {
			t.Errorf("Send panics with %v", got)
		}
	}()
	_ = invoker.Send(t.Context(), []byte(`{}`))
}
