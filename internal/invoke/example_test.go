package invoke_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"meridian/internal/invoke"
)

// A Lambda calls a function where its configuration says.
func ExampleLambda() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		payload, _ := io.ReadAll(r.Body)
		fmt.Printf("%s %s %s\n", r.Method, r.URL.Path, payload)
		w.Header().Set("X-Amzn-Requestid", "8f507cfc-xmpl-4697-b07a-ac58fc914c95")
		_, _ = io.WriteString(w, `{"region":"eu-west-1"}`)
	}))
	defer api.Close()

	workers, err := invoke.NewLambda(aws.Config{
		Region: "us-east-1", BaseEndpoint: &api.URL,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "example", ""),
	}, invoke.Settings{Function: "regionworker"})
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, attempt, err := workers.Invoke(context.Background(), "eu-west-1", []byte(`{"task":"resolve"}`))
	fmt.Println(string(answer), attempt.RequestID, err)
	// Output:
	// POST /2015-03-31/functions/regionworker/invocations {"task":"resolve"}
	// {"region":"eu-west-1"} 8f507cfc-xmpl-4697-b07a-ac58fc914c95 <nil>
}

// A call that Lambda refuses ends with an Error under the name that Step Functions has
// for it.
func ExampleError() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-Errortype", "TooManyRequestsException")
		w.Header().Set("Retry-After", "2")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"Reason":"ConcurrentInvocationLimitExceeded","message":"Rate Exceeded."}`)
	}))
	defer api.Close()

	workers, err := invoke.NewLambda(aws.Config{
		Region: "us-east-1", BaseEndpoint: &api.URL,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "example", ""),
	}, invoke.Settings{Function: "regionworker"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _, err = workers.Invoke(context.Background(), "eu-west-1", []byte(`{}`))
	if refused, ok := errors.AsType[*invoke.Error](err); ok {
		fmt.Println(refused.Name)
		fmt.Println(refused.Message)
		fmt.Println("after", refused.Retry, "may have run:", refused.Sent)
	}
	// Output:
	// Lambda.TooManyRequestsException
	// Rate Exceeded. (ConcurrentInvocationLimitExceeded)
	// after 2s may have run: false
}

// An InProcess calls a worker in the same process, with Lambda's names for what goes
// wrong.
func ExampleInProcess() {
	workers := invoke.InProcess{Handle: func(_ context.Context, payload []byte) ([]byte, error) {
		if string(payload) == `{}` {
			return nil, errors.New("nothing to do")
		}
		return payload, nil
	}}
	for _, payload := range []string{`{"task":"resolve"}`, `{}`} {
		answer, _, err := workers.Invoke(context.Background(), "eu-west-1", []byte(payload))
		if failed, ok := errors.AsType[*invoke.Error](err); ok {
			fmt.Println(failed.FunctionError, failed.Name, failed.Message)
			continue
		}
		fmt.Println(string(answer))
	}
	// Output:
	// {"task":"resolve"}
	// Unhandled errorString nothing to do
}
