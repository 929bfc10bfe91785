//go:build linux && race

package faults_test

// raceDetector says that the tests run under the race detector, which takes
// memory of its own, several times that of the program.
const raceDetector = true
