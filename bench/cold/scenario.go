package cold

import (
	"time"

	"meridian/bench/meridian"
)

// A scenario is a function and its invocation.
type scenario struct {
	name    string
	program string
	payload []byte
	wanted  string        // must be in the answer
	takes   time.Duration // what each worker takes
}

// The scenarios. Cold starts are compared with the first one's.
const (
	hello     = "bare handler"
	oneTarget = "worker, 1 target"
	few       = "coordinator, 3 Regions"
	many      = "coordinator, 28 Regions"

	run28   = "coordinator, 28 Regions"
	run5000 = "coordinator, 5,000 invocations"
	hundred = "worker, 100 targets"
)

// coldStarts returns the scenarios of cold starts. The workers answer at once, because
// it is the function that is measured.
func coldStarts() []scenario {
	return []scenario{
		{hello, bare, []byte("{}"), "hello", 0},
		{oneTarget, worker, resolve(1), meridian.Succeeded, 0},
		{few, coordinator, run(3, 1), meridian.Succeeded, 0},
		{many, coordinator, run(28, 1), meridian.Succeeded, 0},
	}
}

// wholeRuns returns the scenarios that compare the sizes. The workers take a second, as
// in the hello-world.
func wholeRuns() []scenario {
	return []scenario{
		{run28, coordinator, run(28, 1), meridian.Succeeded, time.Second},
		{run5000, coordinator, run(20, 250), meridian.Succeeded, time.Second},
		{hundred, worker, resolve(100), meridian.Succeeded, 0},
	}
}

// run is the request of a run with an invocation for each Region and target.
func run(regions, targets int) []byte {
	return meridian.Encode(meridian.Sleep(1, meridian.Regions(regions), meridian.Targets(targets)))
}

// resolve is a worker's request for a number of endpoints.
func resolve(targets int) []byte { return meridian.Encode(meridian.Resolve(targets)) }
