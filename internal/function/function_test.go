package function_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/google/go-cmp/cmp"

	"meridian/internal/function"
)

// A namedError has an ErrorName.
type namedError struct{}

func (namedError) Error() string { return "no such thing" }

func (namedError) ErrorName() string { return "Test.NoSuchThing" }

func TestTheTypeOfAFunctionErrorIsItsErrorName(t *testing.T) {
	t.Parallel()
	plain := errors.New("plain")
	tests := []struct {
		name string
		err  error
		want error
	}{
		{"none", nil, nil},
		{"named", namedError{}, messages.InvokeResponse_Error{Type: "Test.NoSuchThing", Message: "no such thing"}},
		{
			"named within", fmt.Errorf("look: %w", namedError{}),
			messages.InvokeResponse_Error{Type: "Test.NoSuchThing", Message: "look: no such thing"},
		},
		{"plain", plain, plain},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := function.Handler(func(_ context.Context, payload []byte) ([]byte, error) { return payload, tt.err })
			got, err := h.Invoke(t.Context(), []byte("{}"))
			if diff := cmp.Diff(fmt.Sprintf("%#v", tt.want), fmt.Sprintf("%#v", err)); diff != "" {
				t.Errorf("Invoke error (-want +got):\n%s", diff)
			}
			if tt.err == nil && string(got) != "{}" {
				t.Errorf("Invoke = %q, want %q", got, "{}")
			}
		})
	}
}

func TestCPUIsWhatLambdaGivesForTheMemory(t *testing.T) {
	t.Parallel()
	for memory, want := range map[string]float64{
		"1769": 1, "3538": 2, "128": 128.0 / 1769, "256": 256.0 / 1769, "": 0, "much": 0, "-1": 0,
	} {
		if got := function.CPU(memory); got != want {
			t.Errorf("CPU(%q) = %v, want %v", memory, got, want)
		}
	}
}
