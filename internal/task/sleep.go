package task

import (
	"context"
	"fmt"
	"time"

	"meridian/internal/endpoints"
	"meridian/pkg/protocol"
)

var _ = register("sleep", "wait for parameters.seconds, then resolve: simulated work", sleep, Idempotent)

// The bounds of SleepParameters.Seconds. The upper bound leaves time for the answer of a
// Lambda function, which runs for 900 s at most.
const (
	minSleepSeconds = 0.001
	maxSleepSeconds = 600
)

// SleepParameters are the parameters of the task "sleep".
type SleepParameters struct {
	// Seconds is how long to wait, 0.001 to 600. Required.
	Seconds float64 `json:"seconds" zero:"want 0.001 to 600" help:"how long to wait, 0.001 to 600; required"`
}

// A SleepOutput describes the endpoint of a target that is a service. It has no rows.
type SleepOutput ResolveOutput

// Check implements [Checker].
func (p *SleepParameters) Check() protocol.Faults {
	switch {
	case p.Seconds == 0: // it is missing: an explicit 0 has been refused already
		return protocol.Faults{protocol.NewFault("seconds", nil, "missing; want 0.001 to 600")}
	case p.Seconds < minSleepSeconds || p.Seconds > maxSleepSeconds:
		return protocol.Faults{protocol.OutOfRangeFault("seconds", p.Seconds, minSleepSeconds, maxSleepSeconds)}
	}
	return nil
}

// LeastTime implements [Timer].
func (p *SleepParameters) LeastTime() time.Duration {
	return time.Duration(p.Seconds * float64(time.Second))
}

// SkipTarget implements [Skipper].
func (*SleepParameters) SkipTarget(region, target string) (reason string) {
	return absence(region, target, endpoints.Variant{})
}

// sleep simulates work that takes a while. A target that is a service is then resolved;
// any other name only sleeps.
func sleep(ctx context.Context, in Input[SleepParameters]) (SleepOutput, error) {
	select {
	case <-time.After(in.Parameters.LeastTime()):
		if deadline, ok := ctx.Deadline(); ok && time.Now().After(deadline) {
			<-ctx.Done() // both have passed while the process stood still, and select chose
			return SleepOutput{}, context.Cause(ctx)
		}
		if _, known := endpoints.ServiceID(in.Target.Name); known {
			o, err := lookUp(in.Region, in.Target.Name, endpoints.Variant{})
			return SleepOutput(o), err
		}
		return SleepOutput{Message: fmt.Sprintf("slept %v s for %s in %s", in.Parameters.Seconds, in.Target.Name, in.Region)}, nil
	case <-ctx.Done():
		return SleepOutput{}, context.Cause(ctx)
	}
}
