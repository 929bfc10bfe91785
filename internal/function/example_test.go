package function_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"meridian/internal/function"
)

// A main passes its handler to Start.
func ExampleStart() {
	function.Start(context.Background(), func(_ context.Context, payload []byte) ([]byte, error) {
		return payload, nil
	})
}

func ExampleCPU() {
	fmt.Printf("%.2f of a core\n", function.CPU("256"))
	// Output: 0.14 of a core
}

// A throttledError has a name for callers, which is the type of the function error.
type throttledError struct{}

func (throttledError) Error() string { return "too many at once" }

func (throttledError) ErrorName() string { return "Example.Throttled" }

func ExampleHandler_Invoke() {
	handler := function.Handler(func(context.Context, []byte) ([]byte, error) { return nil, throttledError{} })
	_, err := handler.Invoke(context.Background(), []byte(`{}`))
	if named, ok := errors.AsType[messages.InvokeResponse_Error](err); ok {
		fmt.Println(named.Type+":", named.Message)
	}
	// Output: Example.Throttled: too many at once
}
