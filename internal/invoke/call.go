package invoke

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"meridian/internal/awsapi"
	"meridian/internal/wire"
	"meridian/pkg/protocol"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/schemas"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/transport/http/protocol/restjson1"
)

// invokeOperation returns Lambda's operation Invoke.
func invokeOperation() *awsapi.Operation {
	return &awsapi.Operation{
		Schema:      smithy.NewOperationSchema(schemas.Invoke, schemas.InvocationRequest, schemas.InvocationResponse),
		Protocol:    restjson1.New(schemas.AWSGirApiService),
		Errors:      lambda.TypeRegistry,
		SigningName: "lambda",
	}
}

// call makes one call with what payload returns, and fills out.
func (l *Lambda) call(ctx context.Context, r request, payload Payload, out *output) (protocol.Attempt, error) {
	request, err := l.request(ctx, r)
	if err != nil {
		return protocol.Attempt{}, err
	}
	begin := time.Now()
	ending := l.endingOf(ctx, begin)
	defer ending.leave()
	response, err := l.api.Do(ctx, awsapi.Call{ //nolint:bodyclose // read closes it
		Request: request, Sent: ending.sent, Output: out, MaxBytes: protocol.MaxPayloadBytes,
		Ready: func(waited time.Duration) []byte {
			begin = time.Now() // an estimate does not include the wait for a connection
			if data := payload(waited); data != nil {
				return data
			}
			return []byte{} // nil would mean the request's own
		},
	})
	if response == nil {
		var report protocol.Attempt
		if mayHaveRunAfter(err) {
			report.Metrics = estimate(time.Since(begin))
		}
		return report, err
	}
	if err == nil {
		err = l.read(ending.sent, out, response.ContentLength) //nolint:contextcheck // it may outlast ctx
	}
	took := time.Since(begin) - out.waited
	if kind := aws.ToString(out.FunctionError); err == nil && kind != "" {
		err = functionError(kind, out.Payload)
	}
	return reportOf(awsapi.RequestID(response), aws.ToString(out.LogResult), err, took), err
}

// request returns the serialized form of r. It is made on first use.
func (l *Lambda) request(ctx context.Context, r request) (*awsapi.Request, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if serialized, ok := l.requests[r]; ok {
		return serialized, nil
	}
	serialized, err := l.newRequest(ctx, r)
	if err != nil {
		return nil, &Error{
			Name: protocol.ErrorLambdaSDKClient, Message: fmt.Sprintf("resolve Lambda's endpoint in %s: %v", r.region, err), Err: err,
		}
	}
	l.requests[r] = serialized
	return serialized, nil
}

// newRequest serializes r for Lambda's endpoint.
func (l *Lambda) newRequest(ctx context.Context, r request) (*awsapi.Request, error) {
	if base := l.options.BaseEndpoint; base != nil {
		u, err := url.Parse(*base)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" { // not repeated: it may have a password
			return nil, errors.New("the endpoint is no http or https URL; set AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL or endpoint_url right")
		}
	}
	endpoint, err := l.options.EndpointResolverV2.ResolveEndpoint(ctx, lambda.EndpointParameters{
		Region:       &r.region,
		Endpoint:     l.options.BaseEndpoint,
		UseFIPS:      new(l.options.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		UseDualStack: new(l.options.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // request says what was being done
	}
	input := &lambda.InvokeInput{
		FunctionName: &l.function, Payload: []byte("{}"), // each call's own replaces it
		InvocationType: types.InvocationTypeRequestResponse,
	}
	if r.log {
		input.LogType = types.LogTypeTail
	}
	if r.event {
		input.InvocationType = types.InvocationTypeEvent
	}
	return awsapi.Serialize(ctx, invokeOperation(), awsapi.Place{Endpoint: &endpoint.URI, Region: r.region}, input)
}

// An ownClient sends with the caller's HTTP client.
type ownClient struct{ client aws.HTTPClient }

// Send implements awsapi.Sender.
func (c ownClient) Send(ctx context.Context, r *http.Request, ready func(*http.Request) error) (*http.Response, error) {
	if err := cmp.Or(ready(r), ctx.Err()); err != nil {
		return nil, &wire.LostError{Err: err}
	}
	// net/http sends a request again when a connection breaks and the body can be
	// replayed. A call must not be sent twice.
	r.GetBody = nil
	return c.client.Do(r) //nolint:wrapcheck // failure looks at it
}
