package trigger_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"meridian/internal/trigger"
	"meridian/pkg/protocol"
)

// An echo answers with the Regions of the request. A Coordinator runs it.
type echo struct{}

func (echo) Answer(_ context.Context, r protocol.Request, faults protocol.Faults, _ int) ([]byte, error) {
	return fmt.Appendf(nil, "%q", r.Regions), faults.Err()
}

// An HTTP API event is answered in its own format, with a problem if the request is
// wrong.
func ExampleHandler_Handle() {
	handler := &trigger.Handler{Runner: echo{}}
	for _, body := range []string{`{\"regions\":[\"eu-west-1\"]}`, `{\"regionz\":[]}`} {
		event := `{"version":"2.0","rawPath":"/runs","requestContext":{"http":{"method":"POST"}},"body":"` + body + `"}`
		answer, err := handler.Handle(context.Background(), []byte(event))
		if err != nil {
			panic(err)
		}
		var response events.APIGatewayV2HTTPResponse
		if err := json.Unmarshal(answer, &response); err != nil {
			panic(err)
		}
		fmt.Println(response.StatusCode, response.Headers["content-type"], response.Body)
	}
	// Output:
	// 200 application/json ["eu-west-1"]
	// 400 application/problem+json {"title":"The request is not valid","status":400,"detail":"nothing has been invoked; faults lists every fault","faults":[{"path":"regionz","value":"[]","detail":"unknown field; did you mean \"regions\"?"}]}
}

// A direct invoke has the Request for its payload.
func ExampleHandler_Handle_direct() {
	handler := &trigger.Handler{Runner: echo{}}
	answer, err := handler.Handle(context.Background(), []byte(`{"regions":["eu-west-1","us-east-1"]}`))
	fmt.Printf("%s %v\n", answer, err)
	// Output: ["eu-west-1" "us-east-1"] <nil>
}
