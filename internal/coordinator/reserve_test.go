package coordinator_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/coordinator"
	"meridian/pkg/protocol"
)

// What the end of a run takes is kept of its time: the more invocations are in
// flight, the more targets there are, and the less CPU the coordinator has.
func TestTheReserveGrowsWithTheRunAndWithLessCPU(t *testing.T) {
	t.Parallel()
	const late = ": a run of this size needs that long to finish; more memory shortens it"
	tests := []struct {
		name         string
		cpu          float64
		limit        time.Duration
		targets, per int // of one Region, and of one invocation
		concurrency  int
		want         time.Duration
		notice       string
	}{
		{"a small run", 0.14, time.Minute, 100, 10, 0, 59 * time.Second, ""},
		{"a large run on a whole core", 1, time.Minute, 1000, 1, 0, 59 * time.Second, ""},
		{"on an unknown share", 0, time.Minute, 1000, 1, 0, 59 * time.Second, ""},
		{"on more than a core", 5.8, time.Minute, 1000, 1, 0, 59 * time.Second, ""},
		// Half a second for the way, 60 ms for invocations, 12 ms for targets; by 0.05.
		{
			"on a twentieth of a core", 0.05, time.Minute, 1000, 1, 0, time.Minute - 1940*time.Millisecond,
			"the run's time ends 1.94s before the function's deadline" + late,
		},
		{
			"with fewer in flight", 0.05, time.Minute, 1000, 1, 500, time.Minute - 1340*time.Millisecond,
			"the run's time ends 1.34s before the function's deadline" + late,
		},
		{"with more targets in an invocation", 0.05, time.Minute, 1000, 20, 0, 59 * time.Second, ""},
		{
			"never more than half", 0.05, 2 * time.Second, 1000, 1, 0, time.Second,
			"the run's time ends 1s before the function's deadline" + late,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.limit)
				defer cancel()
				w := world{"us-east-1": {way: lost}}
				c := &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks(), CPU: tt.cpu}
				begin := time.Now()
				got, err := c.Run(ctx, protocol.Request{
					Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets(numbered(tt.targets)...),
					MaxTargetsPerInvocation: tt.per, MaxConcurrency: tt.concurrency,
				})
				if took := time.Since(begin); err != nil || took != tt.want || got.Status != protocol.StatusTimedOut {
					t.Errorf("Run = %s after %v, %v; want TIMED_OUT after %v", got.Status, took, err, tt.want)
				}
				var notices []string
				if tt.notice != "" {
					notices = []string{tt.notice}
				}
				if !slices.Equal(got.Notices, notices) {
					t.Errorf("Notices = %q, want %q", got.Notices, notices)
				}
			})
		})
	}
}

// A run that is given less time than the deadline leaves ends with that, and
// nothing is said of a reserve that it does not notice.
func TestTheReserveIsNotTakenOfATimeThatEndsBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		w := world{"us-east-1": {way: lost}}
		c := &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks(), CPU: 0.05}
		begin := time.Now()
		got, err := c.Run(ctx, protocol.Request{
			Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets(numbered(1000)...), MaxTargetsPerInvocation: 1, TimeoutSeconds: 50,
		})
		if took := time.Since(begin); err != nil || took != 50*time.Second || got.Notices != nil {
			t.Errorf("Run after %v, %v, notices %q; want 50s, none", took, err, got.Notices)
		}
	})
}
