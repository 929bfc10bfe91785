package coordinator

import (
	"fmt"
	"time"

	"meridian/pkg/protocol"
)

// The CPU time that the end of a run takes when its time has run out. bench/reserve
// measures it, from the run's end to the answer's arrival: for each of 5,000 invocations
// of one target 8 to 10 µs when none was answered, and at worst, when all answers come
// 50 ms before the end, 17 to 20 µs, at 14 % of a core as at 7 %. These are three times
// as much, for cores that are slower or busier than the one measured.
const (
	// endOfInvocation is for cancelling an invocation in flight, or reading an
	// answer that comes at the last moment, and for accounting for it.
	endOfInvocation = 60 * time.Microsecond

	// endOfTarget is for gathering one target's outcome and encoding it, with an
	// output of 500 bytes.
	endOfTarget = 12 * time.Microsecond
)

// reserve returns how much of the time left a run keeps for its answer, by its size
// and its share of a CPU core: a [protocol.Reserve], half of it for the answer's way
// back. The other half grows to what the end of the run takes on this CPU. The reserve
// is never more than half of the time left.
func reserve(left time.Duration, inFlight, targets int, cpu float64) time.Duration {
	work := time.Duration(inFlight)*endOfInvocation + time.Duration(targets)*endOfTarget
	if cpu > 0 && cpu < 1 {
		work = time.Duration(float64(work) / cpu)
	}
	usual := protocol.Reserve(left)
	return max(usual, min(usual/2+work, left/2))
}

// reserveNotice returns a notice when a run's reserve is longer than usual, else "".
func reserveNotice(reserve, left time.Duration) string {
	if reserve <= protocol.Reserve(left) {
		return ""
	}
	return fmt.Sprintf("the run's time ends %v before the function's deadline: a run of this size needs that long to finish; more memory shortens it",
		reserve.Round(time.Millisecond))
}
