//go:build race

package coordinator_test

// raceDetector is true if the tests run under the race detector, which makes them ten times as
// slow. The longest ones are then shorter: they run in full without it.
const raceDetector = true
