package runs_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/record"
	"meridian/internal/runs"
	"meridian/pkg/protocol"
)

// A slow is a store whose reads take a time.
type slow struct {
	record.Store

	takes time.Duration
}

func (s *slow) Read(ctx context.Context, key string, most int64) ([]byte, error) {
	time.Sleep(s.takes)
	return s.Store.Read(ctx, key, most)
}

// A wait for a run leaves time for the answer: a reserve, and as long as reading the run
// has taken.
func TestAWaitLeavesTimeForTheAnswer(t *testing.T) {
	t.Parallel()
	for _, takes := range []time.Duration{0, 50 * time.Millisecond, 500 * time.Millisecond} {
		for _, wait := range []time.Duration{5 * time.Second, protocol.MaxWaitSeconds * time.Second} {
			t.Run(fmt.Sprintf("reads of %v, a wait of %v", takes, wait), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld()
					w.takes = time.Hour
					first, k, ctx := w.keeper(0, false)
					running, stop := context.WithCancel(ctx)
					go func() { _, _ = k.Run(running, twenty(), nil, 0) }()
					time.Sleep(30 * time.Second)
					page, err := k.List(ctx, protocol.RunQuery{})
					if err != nil || len(page.Runs) != 1 {
						t.Fatalf("List = %+v, %v", page, err)
					}

					later := newWorld()
					later.store, later.limit, later.takes = &slow{w.store, takes}, 20*time.Second, w.takes
					for name, call := range map[string]func() (protocol.Status, error){
						"Show": func() (protocol.Status, error) {
							p, k, ctx := later.keeper(0, false)
							defer p.kill()
							s, err := k.Show(ctx, page.Runs[0].RunID, wait, 0)
							return s.Status, err
						},
						"Run": func() (protocol.Status, error) {
							p, k, ctx := later.keeper(0, false)
							defer p.kill()
							r, err := k.Run(ctx, twenty(), nil, 0)
							return r.Status, err
						},
					} {
						begin := time.Now()
						status, err := call()
						left := later.limit - time.Since(begin)
						if err != nil || status != protocol.StatusRunning || left < time.Second+takes {
							t.Errorf("%s = %s, %v with %v left, want RUNNING with a second and %v", name, status, err, left, takes)
						}
						if most := 16 * time.Second; takes == 0 && left > most {
							t.Errorf("%s leaves %v, want at most %v", name, left, most)
						}
					}
					stop()
					first.kill()
					time.Sleep(2 * time.Hour)
				})
			})
		}
	}
}

// If its time ends first, a caller gets the run's id, also before the run has a plan.
func TestACallerGetsTheIDWhateverIsKnown(t *testing.T) {
	t.Parallel()
	for dies := 1; dies <= 8; dies++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("death at call %d, made %v", dies, after), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld()
					w.limit, w.takes = 20*time.Second, time.Hour
					first, k, ctx := w.keeper(dies, after)
					_, _ = k.Run(ctx, twenty(), nil, 0)
					first.kill()
					second, k, ctx := w.keeper(0, false)
					defer second.kill()
					result, err := k.Run(ctx, twenty(), nil, 0)
					if err != nil || result.Status != protocol.StatusRunning || len(result.RunID) != 26 || result.Name != "test" || result.StartedAt.IsZero() {
						t.Errorf("Run = %+v, %v; want it RUNNING, with its id", result, err)
					}
					third, k, ctx := w.keeper(0, false)
					defer third.kill()
					err = k.Continue(ctx, result.RunID)
					if _, waited := errors.AsType[*runs.StateError](err); err != nil && !waited {
						t.Errorf("Continue = %v, want no error, or that another coordinator has not ended in time", err)
					}
					time.Sleep(2 * time.Hour)
				})
			})
		}
	}
}
