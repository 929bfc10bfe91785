package coordinator_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// A nap says how long the work for a target takes, if nothing delays it.
type nap struct {
	Seconds float64 `json:"seconds"`
}

func (n *nap) LeastTime() time.Duration { return time.Duration(n.Seconds * float64(time.Second)) }

// naps returns a task that takes longer than it says, as on a busy machine, and fails for
// targets that begin with "bad".
func naps(longer time.Duration) task.Task {
	return task.New("nap", "sleep", func(ctx context.Context, in task.Input[nap]) (string, error) {
		time.Sleep(in.Parameters.LeastTime() + longer)
		if strings.HasPrefix(in.Target.Name, "bad") {
			return "", errors.New("bad")
		}
		return "", ctx.Err()
	})
}

func TestSerialMsIsTheTimeAskedForOfTheTargetsThatSucceeded(t *testing.T) {
	t.Parallel()
	three := []string{"us-east-1", "us-east-2", "eu-west-1"}
	tests := []struct {
		name    string
		task    task.Task
		seconds string
		targets []string
		retry   []protocol.Retrier
		serial  float64
		speedup float64
	}{
		{name: "one target in each of three Regions", task: naps(0), seconds: "1", targets: []string{"a"}, serial: 3000, speedup: 3},
		{name: "targets wait for each other's CPU", task: naps(40 * time.Millisecond), seconds: "0.01", targets: numbered(640), serial: 19200, speedup: 48},
		{name: "two of three targets fail", task: naps(0), seconds: "1", targets: []string{"bad-1", "a", "bad-2"}, serial: 3000, speedup: 3},
		{
			name: "a retry is no more work", task: naps(0), seconds: "1", targets: []string{"bad-1", "a"},
			retry:  []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorAll}, MaxAttempts: new(1)}},
			serial: 3000, speedup: 1,
		},
		{name: "nothing succeeds", task: naps(0), seconds: "1", targets: []string{"bad"}},
		{name: "the time is not known", task: naps(time.Second), seconds: "0", targets: []string{"a", "b"}},
		{name: "a worker does not do its work", task: naps(-time.Second), seconds: "1", targets: []string{"a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tasks := task.NewRegistry(tt.task)
				c := &coordinator.Coordinator{Tasks: tasks, Invoker: invoke.InProcess{Handle: (&regionworker.Worker{Tasks: tasks}).Handle}}
				got := runRequest(t, c, protocol.Request{
					Task: "nap", Parameters: json.RawMessage(`{"seconds":` + tt.seconds + `}`),
					Regions: three, Targets: protocol.Targets(tt.targets...), TargetRetry: tt.retry,
				})
				if s := got.Summary; s.SerialMs != tt.serial || s.Speedup != tt.speedup {
					t.Errorf("serialMs is %v and speedup %v, want %v and %v", s.SerialMs, s.Speedup, tt.serial, tt.speedup)
				}
			})
		})
	}
}
