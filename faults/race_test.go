//go:build linux && race

package faults_test

// raceDetector is true if the tests run under the race detector, which multiplies the
// memory that a program takes.
const raceDetector = true
