package protocol_test

import (
	"strings"
	"testing"

	"meridian/pkg/protocol"
)

// A run's id is a ULID; names and keys have ASCII letters, digits and their punctuation.
func TestNamesKeysAndIDsOfRuns(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind  string
		valid func(string) bool
		in    string
		want  bool
	}{
		{"run id", protocol.ValidRunID, runID, true},
		{"run id", protocol.ValidRunID, "", false},
		{"run id", protocol.ValidRunID, runID[1:], false},
		{"run id", protocol.ValidRunID, runID + "0", false},
		{"run id", protocol.ValidRunID, strings.ToLower(runID), false},
		{"run id", protocol.ValidRunID, strings.Repeat("0", 26), true},
		{"run id", protocol.ValidRunID, "7" + strings.Repeat("Z", 25), true},
		{"run id", protocol.ValidRunID, "8" + strings.Repeat("0", 25), false},
		{"run id", protocol.ValidRunID, "../" + runID[3:], false},
		{"run id", protocol.ValidRunID, "é" + runID[2:], false},
		{"name", protocol.ValidName, "nightly-sweep_2.0:a+b", true},
		{"name", protocol.ValidName, strings.Repeat("a", protocol.MaxNameLength), true},
		{"name", protocol.ValidName, strings.Repeat("a", protocol.MaxNameLength+1), false},
		{"name", protocol.ValidName, "", false},
		{"name", protocol.ValidName, "a/b", false},
		{"key", protocol.ValidKey, "arn:aws:s3:::a/b", true},
		{"key", protocol.ValidKey, "2026-11-30T09:00:00+01:00", true},
		{"key", protocol.ValidKey, "aGVsbG8/d29ybGQ==@x", true},
		{"key", protocol.ValidKey, strings.Repeat("a", protocol.MaxKeyLength), true},
		{"key", protocol.ValidKey, strings.Repeat("a", protocol.MaxKeyLength+1), false},
		{"key", protocol.ValidKey, "", false},
		{"key", protocol.ValidKey, "a b", false},
		{"key", protocol.ValidKey, "a%2F", false},
	}
	for _, tt := range tests {
		if got := tt.valid(tt.in); got != tt.want {
			t.Errorf("%q as a %s = %v, want %v", tt.in, tt.kind, got, tt.want)
		}
	}
	for _, l := range "ILOU" {
		if id := string(l) + runID[1:]; protocol.ValidRunID(id) {
			t.Errorf("ValidRunID(%s) = true, want false: Crockford's base32 has no %c", id, l)
		}
	}
}
