package task

import (
	"context"
	"time"

	"meridian/pkg/protocol"
)

var _ = register("sleep", "wait for parameters.seconds, then resolve: simulated work", sleep)

// The bounds of SleepParameters.Seconds. The upper one leaves a Lambda function
// (900 s) the time to answer.
const (
	minSleepSeconds = 0.001
	maxSleepSeconds = 600
)

// SleepParameters are the parameters of the task "sleep".
type SleepParameters struct {
	// Seconds is how long to wait, 0.001 to 600. Required.
	Seconds float64 `json:"seconds"`
}

// Check implements [Checker].
func (p *SleepParameters) Check() protocol.Faults {
	if p.Seconds >= minSleepSeconds && p.Seconds <= maxSleepSeconds {
		return nil
	}
	return protocol.Faults{protocol.OutOfRange("seconds", p.Seconds, minSleepSeconds, maxSleepSeconds)}
}

// sleep stands for work that takes a while.
func sleep(ctx context.Context, in Input[SleepParameters]) (ResolveOutput, error) {
	timer := time.NewTimer(time.Duration(in.Parameters.Seconds * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return resolve(ctx, Input[struct{}]{Region: in.Region, Target: in.Target})
	case <-ctx.Done():
		return ResolveOutput{}, context.Cause(ctx)
	}
}
