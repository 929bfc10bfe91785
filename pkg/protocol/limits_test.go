package protocol_test

import (
	"testing"
	"time"

	"meridian/pkg/protocol"
)

// What is kept for the answer grows with the time, up to a second.
func TestUsefulTimeIsATenthAtMostTenMilliseconds(t *testing.T) {
	t.Parallel()
	for left, want := range map[time.Duration]time.Duration{
		0: 0, 1: 0, 10 * time.Millisecond: time.Millisecond, 100 * time.Millisecond: 10 * time.Millisecond, time.Hour: 10 * time.Millisecond,
	} {
		if got := protocol.UsefulTime(left); got != want {
			t.Errorf("UsefulTime(%v) = %v, want %v", left, got, want)
		}
	}
}

func TestReserveIsATenthAtMostASecond(t *testing.T) {
	t.Parallel()
	tests := []struct{ left, want time.Duration }{
		{0, 0},
		{time.Second, 100 * time.Millisecond},
		{10 * time.Second, time.Second},
		{15 * time.Minute, time.Second},
	}
	for _, tt := range tests {
		if got := protocol.Reserve(tt.left); got != tt.want {
			t.Errorf("Reserve(%v) = %v, want %v", tt.left, got, tt.want)
		}
	}
}
