package coordinator_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/coordinator"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// A queueing is an Invoker whose calls wait for a connection.
type queueing struct {
	bank

	wait    time.Duration
	budgets []float64
}

func (q *queueing) InvokeHeld(ctx context.Context, region string, payload func(time.Duration) []byte) (
	[]byte, func() time.Duration, protocol.Attempt, error,
) {
	for _, waited := range []time.Duration{q.wait, q.wait / 2} { // it has moved to another connection
		r, err := protocol.DecodeRegionRequest(payload(waited))
		if err != nil {
			return nil, nil, protocol.Attempt{}, errors.New("the request was refused: " + err.Error())
		}
		q.budgets = append(q.budgets, r.BudgetMs)
	}
	answer, report, err := q.Invoke(ctx, region, payload(q.wait))
	return answer, func() time.Duration { return 0 }, report, err
}

func TestTheWaitForAConnectionIsTakenOffTheBudget(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration][2]float64{
		0:               {10_000, 10_000},
		2 * time.Second: {8000, 9000},
		time.Hour:       {0.001, 0.001},
	} {
		synctest.Test(t, func(t *testing.T) {
			worker := &queueing{wait: wait}
			c := &coordinator.Coordinator{Invoker: worker, Tasks: task.Builtin()}
			result, err := c.Run(t.Context(), protocol.Request{Regions: []string{"eu-west-1"}, RegionTimeoutSeconds: 10})
			if err != nil || result.Status != protocol.StatusSucceeded || [2]float64(worker.budgets) != want {
				t.Errorf("Run = %s %s, %v, budgets %v, want %v", result.Status, result.Cause, err, worker.budgets, want)
			}
		})
	}
}
