package server

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestSettleWaitsUntilOnlyTheCallersConnectionIsOpen(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		closed time.Duration // when the other connections are closed
		want   bool
		after  time.Duration
	}{
		{"the others are closed", 0, true, 0},
		{"the others close", 20 * time.Millisecond, true, 20 * time.Millisecond},
		{"the caller leaves", time.Hour, false, time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				l := new(Server)
				l.open.Store(1)
				if tt.closed > 0 {
					l.open.Add(2)
					defer time.AfterFunc(tt.closed-time.Microsecond, func() { l.open.Add(-2) }).Stop()
				}
				begin := time.Now()
				if got := l.settle(ctx); got != tt.want {
					t.Errorf("settle() = %v, want %v", got, tt.want)
				}
				if got := time.Since(begin); got != tt.after {
					t.Errorf("settle() took %v, want %v", got, tt.after)
				}
			})
		})
	}
}
