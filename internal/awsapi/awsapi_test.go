package awsapi_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"meridian/internal/awsapi"
)

// serialize returns the request of an invocation of function "worker" with a payload,
// at an endpoint with a path.
func serialize(t *testing.T, payload string) *awsapi.Request {
	t.Helper()
	endpoint, err := url.Parse("https://lambda.example/a%2Fb/")
	if err != nil {
		t.Fatal(err)
	}
	r, err := awsapi.Serialize(t.Context(), invoke(), awsapi.Place{Endpoint: endpoint, Region: "eu-west-1"},
		&lambda.InvokeInput{FunctionName: new("worker:live"), Payload: []byte(payload)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// answer returns a Sender that answers with a body, after it has passed the request on to
// see, with its body.
func answer(body string, see func(r *http.Request, body string)) sendFunc {
	return func(r *http.Request) (*http.Response, error) {
		if see != nil {
			sent, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			see(r, string(sent))
		}
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{"X-Amzn-Requestid": {"id"}}, Body: io.NopCloser(strings.NewReader(body)),
		}, nil
	}
}

// session are credentials that expire after a while, or never.
func session(id string, expires time.Time) aws.Credentials {
	return aws.Credentials{AccessKeyID: id, SecretAccessKey: "secret", SessionToken: "token of " + id, CanExpire: !expires.IsZero(), Expires: expires}
}

// checkSigned checks that r is signed with credentials, now, with body.
func checkSigned(t *testing.T, r *http.Request, body string, credentials aws.Credentials) {
	t.Helper()
	again := r.Clone(t.Context())
	again.Header.Del("Authorization")
	hash := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, again, hex.EncodeToString(hash[:]), "lambda", "eu-west-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(again.Header, r.Header); diff != "" {
		t.Errorf("the header is not signed as it should be (-want +got):\n%s", diff)
	}
}

// A request has the operation's path after the endpoint's, the body and the trace.
func TestDoSendsWhatTheModelSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		credentials := session("one", time.Time{})
		request := serialize(t, `{"a":1}`)
		for _, test := range []struct {
			body []byte
			want string
		}{{nil, `{"a":1}`}, {[]byte(`2`), `2`}, {[]byte{}, ``}} {
			client := awsapi.New(answer(`3`, func(r *http.Request, body string) {
				if got, want := r.Method+" "+r.URL.String(), "POST https://lambda.example/a%2Fb/2015-03-31/functions/worker%3Alive/invocations"; got != want {
					t.Errorf("request %s, want %s", got, want)
				}
				if body != test.want || r.ContentLength != int64(len(test.want)) || r.Header.Get("X-Amzn-Trace-Id") != "Root=1" {
					t.Errorf("body %s of %d bytes with trace %q, want %s with Root=1", body, r.ContentLength, r.Header.Get("X-Amzn-Trace-Id"), test.want)
				}
				checkSigned(t, r, test.want, credentials)
			}), aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil }))
			ctx := context.WithValue(t.Context(), "x-amzn-trace-id", "Root=1") //nolint:revive,staticcheck // aws-lambda-go's key
			var out lambda.InvokeOutput
			response, err := client.Do(ctx, awsapi.Call{Request: request, Body: test.body, Output: &out}) //nolint:bodyclose // Do closes it
			if err != nil || string(out.Payload) != `3` || out.StatusCode != http.StatusOK || awsapi.RequestID(response) != "id" {
				t.Errorf("Do = %+v, %v, want 3", out, err)
			}
		}
	})
}

// A slowSender has a connection after a while.
type slowSender struct {
	wait time.Duration
	send sendFunc
}

func (s *slowSender) Send(ctx context.Context, r *http.Request, ready func(*http.Request) error) (*http.Response, error) {
	time.Sleep(s.wait)
	return s.send.Send(ctx, r, ready)
}

// A request that waits for a connection is signed when there is one, with credentials
// that are valid then, and with the body that Ready gives it. Credentials are renewed
// from five minutes before they expire on, beside the call.
func TestDoSignsWhenThereIsAConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var retrieved []string
		sender := &slowSender{}
		client := awsapi.New(sender, aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			id := []string{"one", "two", "three"}[len(retrieved)]
			retrieved = append(retrieved, id)
			return session(id, time.Now().Add(10*time.Minute)), nil
		}))
		for _, test := range []struct {
			wait time.Duration
			want string // the credentials signed with
		}{{0, "one"}, {5*time.Minute - 1, "one"}, {1, "one"}, {0, "one"}, {1, "two"}, {time.Hour, "three"}} {
			sender.wait = test.wait
			sender.send = answer(`{}`, func(r *http.Request, body string) {
				if body != test.wait.String() {
					t.Errorf("body %s, want %s", body, test.wait)
				}
				checkSigned(t, r, body, session(test.want, time.Time{}))
			})
			_, err := client.Do(t.Context(), awsapi.Call{ //nolint:bodyclose // Do closes it
				Request: serialize(t, `{}`), Output: &lambda.InvokeOutput{},
				Ready: func(waited time.Duration) []byte { return []byte(waited.String()) },
			})
			if err != nil {
				t.Errorf("Do after %v = %v, want success", test.wait, err)
			}
			synctest.Wait() // for credentials that are renewed beside the call
		}
	})
}

// Without credentials nothing is sent.
func TestDoWithoutCredentials(t *testing.T) {
	t.Parallel()
	expired := errors.New("the session has expired")
	for _, test := range []struct {
		name     string
		provider aws.CredentialsProvider
		want     error
	}{
		{"none", nil, nil},
		{"broken", aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, expired }), expired},
	} {
		sender := sendFunc(func(*http.Request) (*http.Response, error) {
			t.Errorf("%s: something was sent", test.name)
			return nil, io.EOF
		})
		response, err := awsapi.New(sender, test.provider).Do(t.Context(), awsapi.Call{Request: serialize(t, `{}`)}) //nolint:bodyclose // there is none
		if _, ok := errors.AsType[*awsapi.CredentialsError](err); !ok || test.want != nil && !errors.Is(err, test.want) || response != nil {
			t.Errorf("%s: Do = %v, %v, want no response and a CredentialsError of %v", test.name, response, err, test.want)
		}
	}
}

// A refusal is an error of the operation's model, or of a code that is not in it, or of
// no code at all. All of them have the response.
func TestDoRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status int
		header http.Header
		body   string
		is     func(error) bool
	}{
		{
			"a modelled error", http.StatusTooManyRequests,
			http.Header{"X-Amzn-Errortype": {"TooManyRequestsException:http://x"}},
			`{"Reason":"CallerRateLimitExceeded","message":"slow down"}`,
			func(err error) bool {
				e, ok := errors.AsType[*types.TooManyRequestsException](err)
				return ok && e.Reason == types.ThrottleReasonCallerRateLimitExceeded && e.ErrorMessage() == "slow down"
			},
		},
		{
			"another code", http.StatusForbidden,
			http.Header{"X-Amzn-Errortype": {"AccessDeniedException"}},
			`{"Message":"no"}`,
			func(err error) bool {
				e, ok := errors.AsType[*smithy.GenericAPIError](err)
				return ok && e.Code == "AccessDeniedException" && e.Message == "no"
			},
		},
		{
			"a page", http.StatusBadGateway,
			http.Header{"Content-Type": {"text/html"}},
			"<html>",
			func(err error) bool { _, ok := errors.AsType[smithy.APIError](err); return !ok },
		},
		{
			"a redirect", http.StatusTemporaryRedirect,
			http.Header{"Location": {"/"}},
			"",
			func(error) bool { return true },
		},
		{
			"more than MaxBytes", http.StatusInternalServerError,
			http.Header{},
			`{"Message":"` + strings.Repeat("x", 100) + `"}`,
			func(err error) bool { _, ok := errors.AsType[*http.MaxBytesError](err); return ok },
		},
	} {
		closed := false
		sender := sendFunc(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: test.status, Header: test.header, Body: &body{strings.NewReader(test.body), &closed}}, nil
		})
		response, err := awsapi.New(sender, keys()).Do(t.Context(), awsapi.Call{ //nolint:bodyclose // Do closes it
			Request: serialize(t, `{}`), Output: &lambda.InvokeOutput{}, MaxBytes: 100,
		})
		refused, ok := errors.AsType[*awshttp.ResponseError](err)
		if !ok || refused.HTTPStatusCode() != test.status || response.StatusCode != test.status || !test.is(err) || !closed {
			t.Errorf("%s: Do = %v, body closed: %t; want a ResponseError with %d", test.name, err, closed, test.status)
		}
	}
}

// A body is an answer's, and says when it is closed.
type body struct {
	io.Reader
	closed *bool
}

func (b *body) Close() error {
	*b.closed = true
	return nil
}

// A streamedOutput takes the body unread.
type streamedOutput struct {
	lambda.InvokeOutput
	body io.ReadCloser
}

func (o *streamedOutput) SetPayloadStream(body io.ReadCloser) { o.body = body }

// An answer is read up to MaxBytes; a streaming output reads it itself.
func TestDoReadsUpToMaxBytes(t *testing.T) {
	t.Parallel()
	for _, size := range []int{100, 101} {
		client := awsapi.New(answer(strings.Repeat("1", size), nil), keys())
		call := awsapi.Call{Request: serialize(t, `{}`), MaxBytes: 100}

		whole := &lambda.InvokeOutput{}
		call.Output = whole
		_, err := client.Do(t.Context(), call) //nolint:bodyclose // Do closes it
		_, tooLarge := errors.AsType[*http.MaxBytesError](err)
		if tooLarge != (size > 100) || !tooLarge && len(whole.Payload) != size {
			t.Errorf("Do of %d bytes = %d, %v, want at most 100", size, len(whole.Payload), err)
		}

		streamed := &streamedOutput{}
		call.Output = streamed
		if _, err := client.Do(t.Context(), call); err != nil || streamed.StatusCode != http.StatusOK { //nolint:bodyclose // below
			t.Fatal(err)
		}
		payload, err := io.ReadAll(streamed.body)
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge != (size > 100) || len(payload) != 100 {
			t.Errorf("the stream of %d bytes = %d, %v, want at most 100", size, len(payload), err)
		}
		_ = streamed.body.Close()
	}
}

// What the Sender meets is returned as it is.
func TestDoReturnsTheSendersError(t *testing.T) {
	t.Parallel()
	lost := errors.New("lost")
	sender := sendFunc(func(*http.Request) (*http.Response, error) { return nil, lost })
	if response, err := awsapi.New(sender, keys()).Do(t.Context(), awsapi.Call{Request: serialize(t, `{}`)}); response != nil || err != lost { //nolint:errorlint,bodyclose // as it is; there is none
		t.Errorf("Do = %v, %v, want %v", response, err, lost)
	}
}

// An input without what the model requires is an error.
func TestSerializeRefuses(t *testing.T) {
	t.Parallel()
	place := awsapi.Place{Endpoint: &url.URL{Scheme: "https", Host: "lambda.example"}, Region: "eu-west-1"}
	op := invoke()
	op.Schema = smithy.NewOperationSchema(smithy.NewSchema(smithy.ShapeID{Namespace: "test", Name: "Nowhere"}, smithy.ShapeTypeOperation, 0), nil, nil)
	if r, err := awsapi.Serialize(t.Context(), op, place, nil); err == nil || !strings.HasPrefix(err.Error(), "serialize Nowhere: ") {
		t.Errorf("Serialize = %v, %v, want an error", r, err)
	}
}
