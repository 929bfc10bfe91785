package task_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/task"
)

func TestRowsOfResolve(t *testing.T) {
	t.Parallel()
	columns, rows := taskCalled(t, "resolve").Rows(json.RawMessage(
		`{"message":"m","host":"iam.amazonaws.com","partition":"aws","signingRegion":"us-east-1","global":true}`))
	if want := []string{"host", "partition", "signingRegion", "global"}; !slices.Equal(columns, want) {
		t.Errorf("Rows has columns %v, want %v", columns, want)
	}
	want := []map[string]json.RawMessage{{
		"host": json.RawMessage(`"iam.amazonaws.com"`), "partition": json.RawMessage(`"aws"`),
		"signingRegion": json.RawMessage(`"us-east-1"`), "global": json.RawMessage(`true`),
	}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("Rows (-want +got):\n%s", diff)
	}
}

// A row of a probe has the phases, and the certificate's end if there was one.
func TestRowsOfProbe(t *testing.T) {
	t.Parallel()
	rows := taskCalled(t, "probe").Rows
	columns, found := rows(json.RawMessage(`{"message":"m","summary":"s","host":"h","address":"192.0.2.1","httpStatus":200,` +
		`"tls":{"version":"TLS 1.3","certificateDaysLeft":30},"resolveMs":1,"connectMs":2,"tlsMs":3,"firstByteMs":4,"totalMs":10.5}`))
	want := []string{"httpStatus", "totalMs", "resolveMs", "connectMs", "tlsMs", "firstByteMs", "certificateDaysLeft", "address", "host"}
	if !slices.Equal(columns, want) {
		t.Errorf("Rows has columns %v, want %v", columns, want)
	}
	if len(found) != 1 || string(found[0]["totalMs"]) != "10.5" || string(found[0]["certificateDaysLeft"]) != "30" || len(found[0]) != len(want) {
		t.Errorf("Rows = %s, want one row of %v", found, want)
	}
	if columns, _ := rows(json.RawMessage(`{"host":"h","httpStatus":200}`)); slices.Contains(columns, "certificateDaysLeft") {
		t.Errorf("Rows of plain HTTP has columns %v, want no certificateDaysLeft", columns)
	}
}

// Rows is nil for a task whose result is no Lister.
func TestRowsIsNilForATaskWithoutThem(t *testing.T) {
	t.Parallel()
	if taskCalled(t, "sleep").Rows != nil {
		t.Error("the task sleep has rows, want none")
	}
}

// An output of a worker of another version is a row with its value.
func TestRowsOfAnotherOutput(t *testing.T) {
	t.Parallel()
	for _, output := range []string{`"h"`, `[1]`, `{"host":1}`} {
		if _, rows := taskCalled(t, "resolve").Rows(json.RawMessage(output)); len(rows) != 1 || string(rows[0]["value"]) != output {
			t.Errorf("Rows(%s) = %s, want one row with it", output, rows)
		}
	}
}

func taskCalled(t *testing.T, name string) task.Task {
	t.Helper()
	found, ok := task.Builtin().Task(name)
	if !ok {
		t.Fatalf("there is no task %s", name)
	}
	return found
}
