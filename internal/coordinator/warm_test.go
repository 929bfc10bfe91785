package coordinator_test

import (
	"context"
	"testing"

	"meridian/internal/coordinator"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

func TestWarmMakesNoCall(t *testing.T) {
	t.Parallel()
	for name, tasks := range map[string]*task.Registry{"with the default task": task.Builtin(), "without": task.NewRegistry()} {
		c := &coordinator.Coordinator{
			Tasks: tasks,
			Invoker: invokerFunc(func(context.Context, string, []byte) ([]byte, protocol.Attempt, error) {
				t.Errorf("%s: a call was made", name)
				return nil, protocol.Attempt{}, nil
			}),
		}
		c.Warm()
	}
}
