package invoke_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/google/go-cmp/cmp"

	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
	"meridian/pkg/protocol"
)

// The suite, over both versions of HTTP, in both placements.
func TestLambda(t *testing.T) {
	t.Parallel()
	for _, placement := range []invoke.Placement{invoke.Home, invoke.Regional} {
		t.Run("HTTP/1.1 "+string(placement), func(t *testing.T) {
			t.Parallel()
			invoketest.Suite(t, func(t *testing.T, worker invoketest.Worker) invoketest.Invoker {
				t.Helper()
				return newLambda(t, invoketest.NewServer(t, worker).Config(), invoke.Settings{Placement: placement})
			})
		})
		t.Run("HTTP/2 "+string(placement), func(t *testing.T) {
			t.Parallel()
			invoketest.Suite(t, func(t *testing.T, worker invoketest.Worker) invoketest.Invoker {
				t.Helper()
				return newHTTP2(t, worker, placement)
			})
		})
	}
}

// newLambda returns an invoker of function "worker", unless s names another.
func newLambda(tb testing.TB, cfg aws.Config, s invoke.Settings) *invoke.Lambda {
	tb.Helper()
	if s.Function == "" {
		s.Function = "worker"
	}
	l, err := invoke.NewLambda(cfg, s)
	if err != nil {
		tb.Fatalf("NewLambda(%+v) = %v, want success", s, err)
	}
	return l
}

// echo answers with what it was sent.
func echo(_ context.Context, payload []byte) ([]byte, error) { return payload, nil }

// The placement decides which Region is called.
func TestLambdaPlacement(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:lambda:ap-south-1:123456789012:function:worker"
	for _, test := range []struct {
		name     string
		settings invoke.Settings
		want     []string // the Region of each call, one for eu-west-1 and two for us-west-2
	}{
		{"zero is home", invoke.Settings{Function: "worker"}, []string{"us-east-1", "us-east-1", "us-east-1"}},
		{"home", invoke.Settings{Function: "worker:live", Placement: invoke.Home}, []string{"us-east-1", "us-east-1", "us-east-1"}},
		{"home by ARN", invoke.Settings{Function: arn}, []string{"ap-south-1", "ap-south-1", "ap-south-1"}},
		{"home by ARN with alias", invoke.Settings{Function: arn + ":live"}, []string{"ap-south-1", "ap-south-1", "ap-south-1"}},
		{"regional", invoke.Settings{Function: "worker", Placement: invoke.Regional}, []string{"eu-west-1", "us-west-2", "us-west-2"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := invoketest.NewServer(t, echo)
			invoker := newLambda(t, server.Config(), test.settings)
			for _, region := range []string{"eu-west-1", "us-west-2", "us-west-2"} {
				if _, _, err := invoker.Invoke(t.Context(), region, []byte(`{}`)); err != nil {
					t.Errorf("Invoke(%s) = %v, want success", region, err)
				}
			}
			var want []invoketest.Request
			for _, region := range test.want {
				want = append(want, invoketest.Request{
					Function: test.settings.Function, Region: region, KeyID: "AKIDEXAMPLE", Type: "RequestResponse", Protocol: "HTTP/1.1",
				})
			}
			if diff := cmp.Diff(want, server.Requests()); diff != "" {
				t.Errorf("requests differ (-want +got):\n%s", diff)
			}
			home := ""
			if test.settings.Placement != invoke.Regional {
				home = test.want[0]
			}
			if got := invoker.Home(); got != home {
				t.Errorf("Home() = %q, want %q", got, home)
			}
			if got := server.Calls(test.settings.Function); got != 3 {
				t.Errorf("Calls(%s) = %d, want 3", test.settings.Function, got)
			}
		})
	}
}

// Bad settings are refused before anything is called.
func TestNewLambdaRefuses(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:lambda:ap-south-1:123456789012:function:worker"
	for _, test := range []struct {
		name     string
		region   string
		settings invoke.Settings
		want     string
	}{
		{"no function", "us-east-1", invoke.Settings{}, "no function given to invoke"},
		{
			"no Region", "",
			invoke.Settings{Function: "worker"},
			"no Region to invoke worker in; set AWS_REGION, or give the function's ARN",
		},
		{
			"an ARN for every Region", "us-east-1",
			invoke.Settings{Function: arn, Placement: invoke.Regional},
			arn + ` is in ap-south-1 only; placement "regional" needs a function's name, which every Region has`,
		},
		{
			"another ARN", "us-east-1",
			invoke.Settings{Function: "arn:aws:states:us-east-1:123456789012:stateMachine:x"},
			"arn:aws:states:us-east-1:123456789012:stateMachine:x is not the ARN of a Lambda function; " +
				"want arn:aws:lambda:region:account:function:name",
		},
		{
			"a cut ARN", "us-east-1",
			invoke.Settings{Function: "arn:aws:lambda:us-east-1"},
			"arn:aws:lambda:us-east-1 is not the ARN of a Lambda function; want arn:aws:lambda:region:account:function:name",
		},
		{
			"an unknown placement", "us-east-1",
			invoke.Settings{Function: "worker", Placement: "away"},
			`placement "away" is unknown; want "home" or "regional"`,
		},
		{
			"less than nothing", "us-east-1",
			invoke.Settings{Function: "worker", MaxConnections: -1},
			"-1 connections are out of range; want 0 or more",
		},
	} {
		_, err := invoke.NewLambda(aws.Config{Region: test.region}, test.settings)
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: NewLambda = %v, want %s", test.name, err, test.want)
		}
	}
	for _, settings := range []invoke.Settings{
		{Function: arn},
		{Function: "worker", Placement: invoke.Regional},
	} {
		if _, err := invoke.NewLambda(aws.Config{}, settings); err != nil {
			t.Errorf("NewLambda(%+v) without a Region = %v, want success", settings, err)
		}
	}
}

// A failed call is one request, with any setting of retries.
func TestLambdaNeverSendsTwice(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fault invoketest.Fault
	}{
		{"429", invoketest.Throttle("CallerRateLimitExceeded", 0)},
		{"500", invoketest.Refuse(http.StatusInternalServerError, "ServiceException", "sorry")},
		{"503 without a body", invoketest.Answer(http.StatusServiceUnavailable, "")},
		{"connection reset", invoketest.CutAfterRequest},
		{"connection closed", invoketest.CloseAfterRequest},
		{"connection reset in the answer", invoketest.CutInAnswer(1000, 10)},
		{"redirect", invoketest.Answer(http.StatusTemporaryRedirect, "", "Location", "/2015-03-31/functions/worker/invocations")},
	} {
		for _, payload := range []string{"", `{"region":"eu-west-1"}`} {
			t.Run(fmt.Sprintf("%s, %d bytes", test.name, len(payload)), func(t *testing.T) {
				t.Parallel()
				server := invoketest.NewServer(t, echo)
				cfg := server.Config()
				cfg.RetryMaxAttempts = 5
				cfg.RetryMode = aws.RetryModeAdaptive
				cfg.Retryer = func() aws.Retryer { return retry.NewStandard() }
				invoker := newLambda(t, cfg, invoke.Settings{})
				// First on a connection that is reused, where net/http resends what it
				// may, then on a new one.
				for _, faults := range [][]invoketest.Fault{{nil, test.fault}, {test.fault}} {
					before := len(server.Requests())
					server.Script(faults...)
					var err error
					for range faults {
						_, _, err = invoker.Invoke(t.Context(), "eu-west-1", []byte(payload))
					}
					if got := len(server.Requests()) - before; err == nil || got != len(faults) {
						t.Errorf("%d calls made %d requests, the last ended with %v, want as many and an error",
							len(faults), got, err)
					}
				}
			})
		}
	}
}

// An HTTP client that is not the SDK's own sends the requests.
func TestLambdaUsesAClientOfTheCallersOwn(t *testing.T) {
	t.Parallel()
	server := invoketest.NewServer(t, echo)
	cfg := server.Config()
	own := &countingClient{client: &http.Client{}}
	cfg.HTTPClient = own
	invoker := newLambda(t, cfg, invoke.Settings{})
	if _, _, err := invoker.Invoke(t.Context(), "eu-west-1", []byte(`{}`)); err != nil || own.calls != 1 {
		t.Errorf("Invoke = %v after %d requests by the caller's client, want 1", err, own.calls)
	}
}

// A client of the caller's own follows no redirect: that would send the call twice, or
// take another page for the worker's answer.
func TestLambdaWithAClientOfTheCallersOwnFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect} {
		server := invoketest.NewServer(t, echo)
		server.Script(invoketest.Answer(status, "", "Location", "/2015-03-31/functions/worker/invocations"))
		cfg := server.Config()
		cfg.HTTPClient = &http.Client{}
		invoker := newLambda(t, cfg, invoke.Settings{})
		_, _, err := invoker.Invoke(t.Context(), "eu-west-1", nil)
		if got := len(server.Requests()); name(err) != protocol.ErrorLambdaAWS || got != 1 {
			t.Errorf("Invoke = %v after %d requests, want %s after 1", err, got, protocol.ErrorLambdaAWS)
		}
	}
}

// A countingClient counts requests.
type countingClient struct {
	client *http.Client
	calls  int
}

func (c *countingClient) Do(r *http.Request) (*http.Response, error) {
	c.calls++
	return c.client.Do(r)
}
