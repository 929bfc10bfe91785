package coordinator_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"meridian/internal/coordinator"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// A refused is the error of a worker that refuses a request and repeats its values.
type refused struct{}

func (refused) Error() string { return `parameters.token: "hunter2": unknown field` }

func (refused) ErrorName() string { return protocol.ErrorInvalidRequest }

// What was refused is not logged by its value; the caller alone sees it.
func TestTheLogHasNoValueThatAWorkerRefused(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := &coordinator.Coordinator{
		Tasks: task.Builtin(), Log: slog.New(slog.NewJSONHandler(&log, nil)),
		Invoker: invokerFunc(func(context.Context, string, []byte) ([]byte, protocol.Attempt, error) {
			return nil, protocol.Attempt{}, refused{}
		}),
	}
	result, err := c.Run(t.Context(), protocol.Request{Regions: []string{"eu-west-1"}})
	if err != nil || !strings.Contains(result.Regions[0].Cause, "hunter2") {
		t.Fatalf("Run = %+v, %v; want the cause", result.Regions, err)
	}
	if strings.Contains(log.String(), "hunter2") || !strings.Contains(log.String(), protocol.ErrorInvalidRequest) {
		t.Errorf("the log is %s, want the error's name and no value", &log)
	}
}
