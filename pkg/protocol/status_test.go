package protocol_test

import (
	"reflect"
	"testing"

	"meridian/pkg/protocol"
)

// Counts has a field for every status, in the order of Statuses, and its fields
// add up to Total.
func TestCountsAddUpToTotal(t *testing.T) {
	t.Parallel()
	var counts protocol.Counts
	for i, status := range protocol.Statuses() {
		for range i + 1 {
			counts.Add(status)
		}
	}
	sum := 0
	for i, status := range protocol.Statuses() {
		if got := counts.Of(status); got != i+1 {
			t.Errorf("Of(%s) = %d after %d times Add, want that", status, got, i+1)
		}
		if field := reflect.ValueOf(counts).Field(i + 1); field.Int() != int64(i+1) {
			t.Errorf("Counts field %d is %d, want the count of %s, %d", i+1, field.Int(), status, i+1)
		}
		sum += counts.Of(status)
	}
	if fields := reflect.TypeFor[protocol.Counts]().NumField(); sum != counts.Total || fields != len(protocol.Statuses())+1 {
		t.Errorf("Total = %d in %d fields, want %d in one field a status and Total", counts.Total, fields, sum)
	}
	if got := counts.Of("EXPLODED"); got != 0 {
		t.Errorf("Of(EXPLODED) = %d, want 0", got)
	}
}

func TestFailedAndTimedOutAreFailures(t *testing.T) {
	t.Parallel()
	for _, s := range protocol.Statuses() {
		if got, want := s.IsFailure(), s == protocol.StatusFailed || s == protocol.StatusTimedOut; got != want {
			t.Errorf("%s.IsFailure() = %t, want %t", s, got, want)
		}
	}
}
