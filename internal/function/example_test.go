package function_test

import (
	"context"
	"fmt"

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
