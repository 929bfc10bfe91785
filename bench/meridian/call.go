package meridian

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"

	"meridian/internal/awsapi"
	"meridian/internal/awsapi/model"
)

// NewCall returns a function that calls an operation of AWS in a Region, as the task
// "call" does, and returns its output. The requests go to transport.
func NewCall(
	service, operation, region string, credentials aws.CredentialsProvider, transport http.RoundTripper,
) (func(context.Context) (map[string]any, error), error) {
	op, err := model.Lookup(service, operation)
	if err != nil {
		return nil, err
	}
	api := &awsapi.API{Client: awsapi.New(sender{transport}, credentials)}
	return func(ctx context.Context) (map[string]any, error) {
		answer, err := api.Call(ctx, op, region, nil)
		return answer.Value, err
	}, nil
}

// A sender sends requests at once.
type sender struct{ http.RoundTripper }

// Send implements awsapi.Sender.
func (s sender) Send(_ context.Context, r *http.Request, ready func(*http.Request) error) (*http.Response, error) {
	if err := ready(r); err != nil {
		return nil, err
	}
	return s.RoundTrip(r)
}
