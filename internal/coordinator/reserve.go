package coordinator

import (
	"fmt"
	"time"

	"meridian/pkg/protocol"
)

// The CPU time that the end of a run takes when its time has run out. `make
// bench-reserve` measures it, from the run's end to the answer's arrival: for each of
// 5,000 invocations of one target 8 to 10 µs when none was answered, and at worst, when
// all answers come 50 ms before the end, 17 to 20 µs, at 14 % of a core as at 7 %. These
// are three times as much, for cores that are slower or busier than the one measured.
const (
	// endOfInvocation is for giving up an invocation in flight, or taking in an
	// answer that comes at the last moment, and for accounting for it.
	endOfInvocation = 60 * time.Microsecond

	// endOfTarget is for gathering one target's outcome and encoding it, with an
	// output of 500 bytes.
	endOfTarget = 12 * time.Microsecond
)

// reserve returns how much of the time that is left a run of so many invocations
// in flight and so many targets keeps for its answer. That is a [protocol.Reserve],
// half of it for the answer's way back; the other half grows to what the run's end
// takes on this CPU. It is never more than half of what is left.
func (c *Coordinator) reserve(left time.Duration, inFlight, targets int) time.Duration {
	work := time.Duration(inFlight)*endOfInvocation + time.Duration(targets)*endOfTarget
	if c.CPU > 0 && c.CPU < 1 {
		work = time.Duration(float64(work) / c.CPU)
	}
	usual := protocol.Reserve(left)
	return max(usual, min(usual/2+work, left/2))
}

// keep returns a notice when a run's reserve is more than the usual one, else "".
func keep(reserve, left time.Duration) string {
	if reserve <= protocol.Reserve(left) {
		return ""
	}
	return fmt.Sprintf("the run's time ends %v before the function's deadline: its end takes the coordinator that long; with more memory it takes less",
		reserve.Round(time.Millisecond))
}
