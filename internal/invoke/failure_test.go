package invoke_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
	"meridian/pkg/protocol"
)

// mayHaveRun ends the message of a refusal that is not documented as one before a run.
const mayHaveRun = "; the function may have run"

// lost begins the message of a call that a broken connection ended.
const lost = "connection lost before the whole answer came, and the function may have run: "

// Every failure has its name, its message and its wait.
func TestLambdaErrors(t *testing.T) {
	t.Parallel()
	html := func(status int) invoketest.Fault {
		return invoketest.Answer(status, "<html><body>sorry</body></html>", "Content-Type", "text/html")
	}
	for _, test := range []struct {
		name  string
		fault invoketest.Fault
		want  invoke.Error
	}{
		{
			"throttled", invoketest.Throttle("ConcurrentInvocationLimitExceeded", 0),
			invoke.Error{Name: protocol.ErrorLambdaThrottled, Message: "Rate Exceeded. (ConcurrentInvocationLimitExceeded)"},
		},
		{
			"throttled for a while", invoketest.Throttle("FunctionInvocationRateLimitExceeded", 7*time.Second),
			invoke.Error{
				Name:    protocol.ErrorLambdaThrottled,
				Message: "Rate Exceeded. (FunctionInvocationRateLimitExceeded)", Retry: 7 * time.Second, Rate: true,
			},
		},
		{
			"throttled by AWS's other header",
			invoketest.Answer(http.StatusTooManyRequests, `{"Reason":"CallerRateLimitExceeded","message":"Rate exceeded"}`,
				"X-Amzn-Errortype", "TooManyRequestsException", "X-Amz-Retry-After", "1500"),
			invoke.Error{
				Name:    protocol.ErrorLambdaThrottled,
				Message: "Rate exceeded (CallerRateLimitExceeded)", Retry: 1500 * time.Millisecond, Rate: true,
			},
		},
		{
			"throttled by something else", invoketest.Answer(http.StatusTooManyRequests, "slow down", "Retry-After", "soon"),
			invoke.Error{Name: protocol.ErrorLambdaThrottled, Message: "HTTP 429 Too Many Requests"},
		},
		{
			"service exception", invoketest.Refuse(http.StatusInternalServerError, "ServiceException", "try later"),
			invoke.Error{Name: protocol.ErrorLambdaService, Message: "try later" + mayHaveRun, Sent: true},
		},
		{
			"EC2 throttled", invoketest.Refuse(http.StatusBadGateway, "EC2ThrottledException", "no network"),
			invoke.Error{Name: "Lambda.EC2ThrottledException", Message: "no network"},
		},
		{
			"no such function", invoketest.Refuse(http.StatusNotFound, "ResourceNotFoundException", "Function not found: worker"),
			invoke.Error{Name: "Lambda.ResourceNotFoundException", Message: "Function not found: worker"},
		},
		{
			"not allowed", invoketest.Refuse(http.StatusForbidden, "AccessDeniedException", "not authorized to perform: lambda:InvokeFunction"),
			invoke.Error{
				Name:    "Lambda.AccessDeniedException",
				Message: "HTTP 403 AccessDeniedException: not authorized to perform: lambda:InvokeFunction",
			},
		},
		{
			"expired", invoketest.Refuse(http.StatusForbidden, "ExpiredTokenException", "The security token is expired"),
			invoke.Error{
				Name:    "Lambda.ExpiredTokenException",
				Message: "HTTP 403 ExpiredTokenException: The security token is expired",
			},
		},
		{
			"too large", invoketest.Refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "too many bytes"),
			invoke.Error{
				Name:    "Lambda.RequestTooLargeException",
				Message: "HTTP 413 RequestEntityTooLargeException: too many bytes",
			},
		},
		{
			"500 without a name", html(http.StatusInternalServerError),
			invoke.Error{Name: protocol.ErrorLambdaAWS, Message: "HTTP 500 Internal Server Error" + mayHaveRun, Sent: true},
		},
		{
			"502", html(http.StatusBadGateway),
			invoke.Error{Name: protocol.ErrorLambdaAWS, Message: "HTTP 502 Bad Gateway" + mayHaveRun, Sent: true},
		},
		{
			"503 that says when", invoketest.Answer(http.StatusServiceUnavailable, "", "Retry-After", "2"),
			invoke.Error{Name: protocol.ErrorLambdaAWS, Message: "HTTP 503 Service Unavailable" + mayHaveRun, Retry: 2 * time.Second, Sent: true},
		},
		{
			"504", html(http.StatusGatewayTimeout),
			invoke.Error{Name: protocol.ErrorLambdaAWS, Message: "HTTP 504 Gateway Timeout" + mayHaveRun, Sent: true},
		},
		{
			"a 500 that Lambda does not promise", invoketest.Refuse(http.StatusInternalServerError, "InternalFailure", "oops"),
			invoke.Error{Name: protocol.ErrorLambdaAWS, Message: "HTTP 500 InternalFailure: oops" + mayHaveRun, Sent: true},
		},
		{
			"bad JSON", invoketest.Answer(http.StatusBadRequest, `{"Message": "cut`),
			invoke.Error{Name: protocol.ErrorLambdaAWS, Message: "HTTP 400 Bad Request" + mayHaveRun, Sent: true},
		},
		{
			"a refusal whose body broke off", invoketest.Answer(http.StatusNotFound, `{"Message": "cut`,
				"X-Amzn-Errortype", "ResourceNotFoundException:http://internal.amazon.com/coral/"),
			invoke.Error{Name: "Lambda.ResourceNotFoundException", Message: "HTTP 404 ResourceNotFoundException"},
		},
		{
			"a function that fails with a name",
			invoketest.FunctionError(invoke.Unhandled, `{"errorType":"Meridian.UnsupportedVersion","errorMessage":"version 7","stackTrace":[]}`),
			invoke.Error{Name: protocol.ErrorUnsupportedVersion, Message: "version 7", FunctionError: invoke.Unhandled},
		},
		{
			"a function that handles", invoketest.FunctionError(invoke.Handled, `{"errorType":"Mine","errorMessage":""}`),
			invoke.Error{Name: "Mine", Message: "Mine", FunctionError: invoke.Handled},
		},
		{
			"a function out of time",
			invoketest.FunctionError(invoke.Unhandled, `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 1 Error: Task timed out after 3.00 seconds"}`),
			invoke.Error{
				Name: "Sandbox.Timedout", FunctionError: invoke.Unhandled,
				Message: "RequestId: 1 Error: Task timed out after 3.00 seconds",
			},
		},
		{
			"a function out of time, as it used to be",
			invoketest.FunctionError(invoke.Unhandled, `{"errorMessage":"2019-01-01 1 Task timed out after 3.00 seconds"}`),
			invoke.Error{
				Name: protocol.ErrorLambdaUnknown, FunctionError: invoke.Unhandled,
				Message: "2019-01-01 1 Task timed out after 3.00 seconds",
			},
		},
		{
			"a function that exits",
			invoketest.FunctionError(invoke.Unhandled, `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: 1 Error: Runtime exited with error: exit status 2"}`),
			invoke.Error{
				Name: "Runtime.ExitError", FunctionError: invoke.Unhandled,
				Message: "RequestId: 1 Error: Runtime exited with error: exit status 2",
			},
		},
		{
			"a function that says nothing", invoketest.FunctionError(invoke.Unhandled, ""),
			invoke.Error{
				Name: protocol.ErrorLambdaUnknown, FunctionError: invoke.Unhandled,
				Message: "the function failed and did not say why",
			},
		},
		{
			"a function that says no JSON", invoketest.FunctionError(invoke.Unhandled, strings.Repeat("x", 1000)),
			invoke.Error{
				Name: protocol.ErrorLambdaUnknown, FunctionError: invoke.Unhandled, Message: strings.Repeat("x", 200),
			},
		},
		{
			"a cut answer", invoketest.CutInAnswer(1000, 10),
			invoke.Error{Name: protocol.ErrorLambdaSDKClient, Sent: true, Message: lost + io.ErrUnexpectedEOF.Error()},
		},
		{
			"a connection closed after the request", invoketest.CloseAfterRequest,
			invoke.Error{Name: protocol.ErrorLambdaSDKClient, Sent: true, Message: lost + io.EOF.Error()},
		},
		{
			"an answer larger than Lambda's", invoketest.Answer(http.StatusOK, strings.Repeat("1", protocol.MaxPayloadBytes+1)),
			invoke.Error{
				Name: protocol.ErrorResponseSizeTooLarge, FunctionError: invoke.Unhandled,
				Message: "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := invoketest.NewServer(t, echo)
			server.Script(test.fault)
			answer, report, err := newLambda(t, server.Config(), invoke.Settings{}).Invoke(t.Context(), "eu-west-1", []byte(`{}`))
			e, ok := errors.AsType[*invoke.Error](err)
			if !ok {
				t.Fatalf("Invoke = %.40s, %v, want an *invoke.Error", answer, err)
			}
			if diff := cmp.Diff(&test.want, e, cmpopts.IgnoreFields(invoke.Error{}, "Err", "Advice")); diff != "" {
				t.Errorf("Invoke's error differs (-want +got):\n%s", diff)
			}
			if e.RetryAfter() != test.want.Retry || e.Error() != test.want.Message {
				t.Errorf("RetryAfter, Error = %v, %s, want %v, %s", e.RetryAfter(), e, test.want.Retry, test.want.Message)
			}
			if answer != nil || report.RequestID == "" && !strings.HasSuffix(test.want.Message, ": EOF") {
				t.Errorf("Invoke = answer %.40s, request id %q beside an error, want none and one", answer, report.RequestID)
			}
			if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
				t.Errorf("Invoke = %v, which is the end of a context, want one that is not", err)
			}
		})
	}
}

// The status of a refusal counts, even when the connection breaks within its body: a
// throttled call has not run.
func TestLambdaRefusalThatIsCutOff(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status int
		want   invoke.Error
	}{
		{"throttled", http.StatusTooManyRequests, invoke.Error{
			Name: protocol.ErrorLambdaThrottled, Message: "HTTP 429 Too Many Requests", Retry: 7 * time.Second,
		}},
		{"turned away", http.StatusServiceUnavailable, invoke.Error{
			Name: protocol.ErrorLambdaAWS, Message: "HTTP 503 Service Unavailable" + mayHaveRun, Retry: 7 * time.Second, Sent: true,
		}},
		{"late behind a gateway", http.StatusGatewayTimeout, invoke.Error{
			Name: protocol.ErrorLambdaAWS, Message: "HTTP 504 Gateway Timeout" + mayHaveRun, Retry: 7 * time.Second, Sent: true,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := invoketest.NewServer(t, echo)
			server.Script(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Length", "1000")
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, `{"message":"Rate`)
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			})
			_, report, err := newLambda(t, server.Config(), invoke.Settings{}).Invoke(t.Context(), "eu-west-1", []byte(`{}`))
			if diff := cmp.Diff(error(&test.want), err, cmpopts.IgnoreFields(invoke.Error{}, "Err", "Advice")); diff != "" {
				t.Errorf("Invoke's error differs (-want +got):\n%s", diff)
			}
			if billed := report.Metrics != nil; billed != test.want.Sent {
				t.Errorf("Invoke's metrics = %+v, want some: %t", report.Metrics, test.want.Sent)
			}
		})
	}
}

// A connection that breaks before, in or after the request fails that call only.
func TestLambdaConnectionCut(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		cut  func(*invoketest.Server)
	}{
		{"before the request", func(s *invoketest.Server) { s.HangUp(1) }},
		{"in the request", func(s *invoketest.Server) { s.Script(invoketest.CutInRequest(1 << 16)) }},
		{"after the request", func(s *invoketest.Server) { s.Script(invoketest.CutAfterRequest) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := invoketest.NewServer(t, echo)
			test.cut(server)
			invoker := newLambda(t, server.Config(), invoke.Settings{})
			_, _, err := invoker.Invoke(t.Context(), "eu-west-1", make([]byte, 5<<20))
			// Which side of the connection notices first is up to the kernel.
			known := errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
				errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed)
			if name(err) != protocol.ErrorLambdaSDKClient || !strings.HasPrefix(err.Error(), lost) || !known {
				t.Errorf("Invoke = %q, %v, want %s with a broken connection", name(err), err, protocol.ErrorLambdaSDKClient)
			}
			if _, _, err := invoker.Invoke(t.Context(), "eu-west-1", []byte(`{}`)); err != nil {
				t.Errorf("Invoke after it = %v, want success", err)
			}
		})
	}
}

// A call that could not be sent says so: the function has not run.
func TestLambdaConnectFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		err  error
	}{
		{
			"refused", &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED},
		},
		{
			"unknown host", &net.DNSError{Err: "no such host", Name: "lambda.test", IsNotFound: true},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := invoketest.NewServer(t, echo).Config()
			cfg.BaseEndpoint = aws.String("http://127.0.0.1")
			invoker := newLambda(t, cfg, invoke.Settings{
				Function: "worker",
				Dial:     func(context.Context, string, string) (net.Conn, error) { return nil, test.err },
			})
			_, report, err := invoker.Invoke(t.Context(), "eu-west-1", []byte(`{}`))
			want := "connect to 127.0.0.1:80: " + test.err.Error()
			if name(err) != protocol.ErrorLambdaSDKClient || err.Error() != want || !errors.Is(err, test.err) || report != (protocol.Attempt{}) {
				t.Errorf("Invoke = %+v, %q, %v, want %s: %s", report, name(err), err, protocol.ErrorLambdaSDKClient, want)
			}
		})
	}
}

// The header that says how a function failed says nothing when it is empty.
func TestLambdaEmptyFunctionError(t *testing.T) {
	t.Parallel()
	server := invoketest.NewServer(t, echo)
	server.Script(invoketest.Answer(http.StatusOK, `{"errorType":"Mine"}`, "X-Amz-Function-Error", ""))
	answer, _, err := newLambda(t, server.Config(), invoke.Settings{}).Invoke(t.Context(), "eu-west-1", []byte(`{}`))
	if err != nil || string(answer) != `{"errorType":"Mine"}` {
		t.Errorf("Invoke = %s, %v, want the answer", answer, err)
	}
}

// Nothing is sent unsigned, and the error is not a timeout.
func TestLambdaWithoutCredentials(t *testing.T) {
	t.Parallel()
	expired := errors.New("the SSO session has expired")
	for _, test := range []struct {
		name     string
		provider aws.CredentialsProvider
		want     string
	}{
		{"none", nil, "none are configured"},
		{"broken", aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, expired
		}), expired.Error()},
		{"slow", aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, context.DeadlineExceeded // of the provider's own
		}), context.DeadlineExceeded.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := invoketest.NewServer(t, echo)
			cfg := server.Config()
			cfg.Credentials = test.provider
			invoker := newLambda(t, cfg, invoke.Settings{})
			_, _, err := invoker.Invoke(t.Context(), "eu-west-1", []byte(`{}`))
			want := "no AWS credentials to call Lambda with; " +
				"sign in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: "
			if name(err) != protocol.ErrorNoCredentials || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), test.want) {
				t.Errorf("Invoke = %q, %v, want %s: %s…%s", name(err), err, protocol.ErrorNoCredentials, want, test.want)
			}
			if errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Invoke = %v, which is the end of a context, want one that is not", err)
			}
			if got := server.Calls("worker"); got != 0 {
				t.Errorf("Invoke made %d requests, want none", got)
			}
		})
	}
}

// Every payload of a failed function becomes an error with a name and a message.
func FuzzFunctionError(f *testing.F) {
	for _, payload := range []string{
		``, `{}`, `null`, `[1]`, `"text"`, `{"errorType":1}`, `{"errorType":"X","errorMessage":{}}`, `{"errorMessage":"m"}`,
		`{"errorType":"Sandbox.Timedout","errorMessage":"Task timed out after 3.00 seconds"}`, "\xff\xfe",
	} {
		f.Add([]byte(payload))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		e, ok := errors.AsType[*invoke.Error](invoke.FunctionError(invoke.Unhandled, payload))
		if !ok || e.Name == "" || e.Message == "" || e.FunctionError != invoke.Unhandled || e.Retry != 0 || e.Err != nil {
			t.Errorf("FunctionError(%q) = %#v, want a name, a message and nothing else", payload, e)
		}
	})
}

// A signature that Lambda refuses because the clock is off is made again by Lambda's clock.
func TestLambdaCorrectsTheClock(t *testing.T) {
	t.Parallel()
	const ahead = 10 * time.Minute
	server := invoketest.NewServer(t, echo)
	server.Decide(func(invoketest.Call) invoketest.Fault {
		return func(w http.ResponseWriter, r *http.Request, work http.Handler) {
			signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
			now := time.Now().Add(ahead).UTC()
			w.Header().Set("Date", now.Format(http.TimeFormat))
			if err != nil || now.Sub(signed) > 5*time.Minute {
				invoketest.Refuse(http.StatusForbidden, "InvalidSignatureException", "Signature expired: …")(w, r, work)
				return
			}
			work.ServeHTTP(w, r)
		}
	})
	invoker := newLambda(t, server.Config(), invoke.Settings{})
	for _, want := range []int{2, 3} {
		answer, _, err := invoker.Invoke(t.Context(), "eu-west-1", []byte(`{"a":1}`))
		if got := server.Calls("worker"); err != nil || string(answer) != `{"a":1}` || got != want {
			t.Errorf("Invoke = %s, %v after %d requests, want the answer after %d", answer, err, got, want)
		}
	}
}
