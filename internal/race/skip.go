// Package race says whether a test runs under the race detector.
//
// The race detector multiplies the memory that a program takes, and a test that computes much
// takes up to ten times as long. `make test RACE=` runs what is skipped under it.
package race

import "testing"

// Skip skips a test under the race detector and with -short, and says why. It is for tests that
// measure memory or compute long, and start no goroutines.
func Skip(t *testing.T, why string) {
	t.Helper()
	if Enabled || testing.Short() {
		t.Skip(why)
	}
}
