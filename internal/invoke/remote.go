package invoke

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"meridian/pkg/protocol"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go/encoding/httpbinding"
	"github.com/aws/smithy-go/logging"
)

// userAgent is what Lambda's logs say of who called.
const userAgent = "meridian"

// traceKey is the context's key for the trace that a call belongs to, as
// aws-lambda-go sets it. Lambda draws its map of calls with it, and finds
// functions that call themselves for ever.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
const traceKey = "x-amzn-trace-id"

// What is the same in every invocation's request, and signed. The log's end is for
// the report in it.
const (
	method         = http.MethodPost
	contentType    = "application/octet-stream"
	invocationType = string(types.InvocationTypeRequestResponse)
	logType        = string(types.LogTypeTail)
)

// A remote is a function in one Region. The SDK's client says where it is, and
// reads what Lambda answers when it refuses; a request that Lambda accepts does not
// go through the client, whose layers take more CPU than the network, TLS included.
type remote struct {
	client *lambda.Client
	sigV4  *sigV4
	url    *url.URL
}

// newRemote returns the function in a Region, as cfg says where that is.
func newRemote(ctx context.Context, cfg aws.Config, region, function string) (*remote, error) {
	client := lambda.NewFromConfig(cfg, func(o *lambda.Options) {
		o.Region = region
		// Both, because AWS_MAX_ATTEMPTS and AWS_RETRY_MODE end up in them.
		o.Retryer = aws.NopRetryer{}
		o.RetryMaxAttempts = 0
		if o.ClientLogMode == 0 {
			o.Logger = logging.Nop{} // its lines are not JSON, and the errors are returned
		}
	})
	o := client.Options()
	place, err := o.EndpointResolverV2.ResolveEndpoint(ctx, lambda.EndpointParameters{
		Region:       &region,
		Endpoint:     o.BaseEndpoint,
		UseFIPS:      new(o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		UseDualStack: new(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
	})
	if err != nil {
		return nil, &Error{
			Name: protocol.ErrorLambdaSDKClient, Message: fmt.Sprintf("resolve Lambda's endpoint in %s: %v", region, err), Err: err,
		}
	}
	const functions = "/2015-03-31/functions/"
	escaped := cmp.Or(place.URI.RawPath, place.URI.Path)
	u := &url.URL{ // without what else an endpoint may have, which the SDK does not send
		Scheme: place.URI.Scheme, Host: place.URI.Host,
		Path:    strings.TrimSuffix(place.URI.Path, "/") + functions + function + "/invocations",
		RawPath: strings.TrimSuffix(escaped, "/") + functions + httpbinding.EscapePath(function, true) + "/invocations",
	}
	return &remote{client: client, sigV4: newSigV4(u, region), url: u}, nil
}

// request returns the request of an invocation.
func (m *remote) request(ctx context.Context, payload []byte) *http.Request {
	u := *m.url // somebody else's client might write to it
	r := (&http.Request{
		Method: method, URL: &u, Host: m.sigV4.host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"Content-Type":          {contentType},
			"User-Agent":            {userAgent},
			"X-Amz-Invocation-Type": {invocationType},
			"X-Amz-Log-Type":        {logType},
		},
		Body: http.NoBody,
	}).WithContext(ctx)
	carry(r, payload)
	if trace, ok := ctx.Value(traceKey).(string); ok && trace != "" {
		r.Header["X-Amzn-Trace-Id"] = []string{trace}
	}
	return r
}

// carry makes payload the body of a request.
func carry(r *http.Request, payload []byte) {
	if len(payload) > 0 {
		r.ContentLength = int64(len(payload))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(payload)), nil }
		r.Body, _ = r.GetBody()
	}
}

// bearable returns how long a call under ctx, which has a deadline, may wait for
// credentials and a connection and still be sent as it was. The worker keeps a
// reserve of its budget for the way of its answer; a wait of more than a quarter of
// that comes off the budget. A signature is good for five minutes, and a reserve is a
// second at most.
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
func bearable(ctx context.Context, now time.Time) time.Duration {
	deadline, _ := ctx.Deadline()
	return protocol.Reserve(deadline.Sub(now)) / 4
}

// signFor signs the request of a payload, for the first time or again.
func (m *remote) signFor(keys aws.CredentialsProvider, r *http.Request, payload []byte) error {
	credentials, err := keys.Retrieve(r.Context())
	if err != nil {
		return err //nolint:wrapcheck // it has a name
	}
	m.sigV4.sign(r, payload, credentials, time.Now())
	return nil
}

// refusal returns what the SDK makes of an answer that is no success.
func (m *remote) refusal(ctx context.Context, function string, r *http.Response, body []byte) error {
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	_, err := m.client.Invoke(context.WithoutCancel(ctx), &lambda.InvokeInput{FunctionName: &function},
		func(o *lambda.Options) { o.HTTPClient, o.Credentials = recorded{r}, nobody{} })
	return err //nolint:wrapcheck // failure looks at it
}

// A nobody has credentials for a request that is not sent. To retrieve real ones might
// take longer than the call has, or fail.
type nobody struct{}

// Retrieve returns what can be signed with.
func (nobody) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "nobody", SecretAccessKey: "nothing"}, nil
}

// A recorded is an HTTP client that has the answer already.
type recorded struct{ response *http.Response }

// Do returns the answer.
func (c recorded) Do(r *http.Request) (*http.Response, error) {
	c.response.Request = r
	return c.response, nil
}

// read reads an answer of at most limit bytes, and of a longer one a byte more.
func read(r *http.Response, limit int) ([]byte, error) {
	defer func() { _ = r.Body.Close() }()
	// A byte more than there is, because reading ends with a Read that finds
	// nothing.
	size := 512
	if r.ContentLength >= 0 {
		size = int(min(r.ContentLength, int64(limit))) + 1
	}
	body := make([]byte, 0, size)
	for {
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
		n, err := r.Body.Read(body[len(body):min(cap(body), limit+1)])
		body = body[:len(body)+n]
		if err == io.EOF || len(body) > limit {
			return body, nil
		}
		if err != nil {
			return nil, err //nolint:wrapcheck // failure looks at it
		}
	}
}
