package awsapi_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/schemas"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/transport/http/protocol/restjson1"

	"meridian/internal/awsapi"
)

// invoke is Lambda's operation Invoke.
func invoke() *awsapi.Operation {
	return &awsapi.Operation{
		Schema:      smithy.NewOperationSchema(schemas.Invoke, schemas.InvocationRequest, schemas.InvocationResponse),
		Protocol:    restjson1.New(schemas.AWSGirApiService),
		Errors:      lambda.TypeRegistry,
		SigningName: "lambda",
	}
}

// keys are credentials of a session, as a function has them.
func keys() aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{
			AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example", SessionToken: string(bytes.Repeat([]byte{'t'}, 1100)),
		}, nil
	})
}

// A sendFunc is a Sender that has a connection at once.
type sendFunc func(r *http.Request) (*http.Response, error)

func (f sendFunc) Send(_ context.Context, r *http.Request, ready func(*http.Request) error) (*http.Response, error) {
	if err := ready(r); err != nil {
		return nil, err
	}
	return f(r)
}

// What a call costs beside the network: serializing; signing, and reading the answer.
func BenchmarkCall(b *testing.B) {
	answer := bytes.Repeat([]byte{'1'}, 256)
	client := awsapi.New(sendFunc(func(*http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{"X-Amzn-Requestid": {"id"}},
			Body: io.NopCloser(bytes.NewReader(answer)), ContentLength: int64(len(answer)),
		}, nil
	}), keys())
	place := awsapi.Place{Endpoint: &url.URL{Scheme: "https", Host: "lambda.us-east-1.amazonaws.com"}, Region: "us-east-1"}
	operation, payload := invoke(), bytes.Repeat([]byte{'1'}, 300)
	input := &lambda.InvokeInput{
		FunctionName: new("worker"), Payload: payload,
		InvocationType: types.InvocationTypeRequestResponse, LogType: types.LogTypeTail,
	}
	b.Run("serialize", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := awsapi.Serialize(b.Context(), operation, place, input); err != nil {
				b.Fatal(err)
			}
		}
	})
	request, err := awsapi.Serialize(b.Context(), operation, place, input)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("do", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var out lambda.InvokeOutput
			if _, err := client.Do(b.Context(), awsapi.Call{Request: request, Output: &out}); err != nil { //nolint:bodyclose // Do closes it
				b.Fatal(err)
			}
		}
	})
}
