package protocol_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"meridian/pkg/protocol"

	"github.com/google/go-cmp/cmp"
)

// A fault is one line, whatever the value.
func TestFaultIsOneLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault protocol.Fault
		want  string
	}{
		{"all of it", protocol.NewFault("retry[0].backoffRate", 0.5, "too low"), "retry[0].backoffRate: 0.5: too low"},
		{"no value", protocol.NewFault("targets", nil, "missing"), "targets: missing"},
		{"a nil list is no value", protocol.NewFault("targets", []string(nil), "missing"), "targets: missing"},
		{"the whole document", protocol.Fault{Detail: "empty"}, "empty"},
		{"a value with line breaks", protocol.NewFault("name", "a\nb", "bad"), `name: "a\nb": bad`},
		{"a value for a person, not for HTML", protocol.NewFault("name", "<a> & b", "bad"), `name: "<a> & b": bad`},
		{"a long value", protocol.NewFault("name", strings.Repeat("é", 99), "bad"), `name: "` + strings.Repeat("é", 39) + "…: bad"},
		{"a value that just fits", protocol.NewFault("name", strings.Repeat("é", 39), "bad"), `name: "` + strings.Repeat("é", 39) + `": bad`},
		{"a value that JSON cannot write", protocol.NewFault("x", math.Inf(1), "bad"), "x: +Inf: bad"},
		{"out of range", protocol.OutOfRangeFault("seconds", 0, 0.001, 600), "seconds: 0: out of range; want 0.001 to 600"},
		{"out of any range", protocol.OutOfRangeFault("seconds", math.NaN(), 0, 1), `seconds: "NaN": out of range; want 0 to 1`},
		{
			"unknown, with a near one", protocol.UnknownFault("task", "Resolv", "a task", []string{"probe", "resolve"}),
			`task: "Resolv": is not a task; did you mean "resolve"?`,
		},
		{
			"unknown, of few", protocol.UnknownFault("task", "xyz", "a task", []string{"probe", "resolve"}),
			`task: "xyz": is not a task; known are probe, resolve`,
		},
		{
			"unknown, of many", protocol.UnknownFault("task", "xyz", "a task", strings.Split("aaaa bbbb cccc dddd eeee ffff gggg hhhh iiii", " ")),
			`task: "xyz": is not a task`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.fault.String(); got != tt.want {
				t.Errorf("String() = %s, want %s", got, tt.want)
			}
		})
	}
}

// A part of a message that was read on its own has paths of its own.
func TestWithinPutsPathsBelow(t *testing.T) {
	t.Parallel()
	part := faults("", "7", "want an object", "seconds", "0", "out of range", `["a b"].c`, "1", "unknown field", "[2]", "", "is blank")
	want := faults("parameters", "7", "want an object", "parameters.seconds", "0", "out of range",
		`parameters["a b"].c`, "1", "unknown field", "parameters[2]", "", "is blank")
	if diff := cmp.Diff(want, part.Within("parameters")); diff != "" {
		t.Errorf("Within(parameters) (-want +got):\n%s", diff)
	}
	if part[0].Path != "" {
		t.Errorf("Within changed the faults it was called on: %v", part)
	}
	if got := protocol.Faults(nil).Within("parameters"); got.Err() != nil {
		t.Errorf("Within of no faults = %v, want none", got)
	}
}

// Faults are an error only when there are any.
func TestErrIsNilWhenThereAreNoFaults(t *testing.T) {
	t.Parallel()
	if err := (protocol.Faults{}).Err(); err != nil {
		t.Errorf("Faults{}.Err() = %v, want nil", err)
	}
	err := fmt.Errorf("read request: %w", faults("name", `"a b"`, "bad", "", "", "worse").Err())
	invalid, ok := errors.AsType[*protocol.InvalidRequestError](err)
	if !ok || invalid.Error() != "name: \"a b\": bad\nworse" || invalid.ErrorName() != protocol.ErrorInvalidRequest {
		t.Errorf("Err() = %v, want an InvalidRequestError with the faults, a line each", err)
	}
}

// What is wrong with a value that was not read has been said.
func TestAndSaysNothingTwice(t *testing.T) {
	t.Parallel()
	first := faults("retry[1]", "null", "null", "targets[1]", "7", "want a string", "name", "5", "want a string")
	more := faults("name", `""`, "too short", "names", "1", "bad", "retry", "[]", "bad", "retry[1].errorEquals", "", "missing",
		"retry[10]", "", "bad", "targets[1]", `""`, "is blank", "targets[10]", `""`, "is blank", "", "", "bad")
	want := slices.Concat(first, faults("names", "1", "bad", "retry", "[]", "bad", "retry[10]", "", "bad",
		"targets[10]", `""`, "is blank", "", "", "bad"))
	if diff := cmp.Diff(want, first.And(more)); diff != "" {
		t.Errorf("And (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(faults("", "x", "not JSON"), faults("", "x", "not JSON").And(more)); diff != "" {
		t.Errorf("And after a fault of the whole document (-want +got):\n%s", diff)
	}
	if got := protocol.Faults(nil).And(nil); got != nil {
		t.Errorf("no faults And none = %v, want nil", got)
	}
	if got := slices.Repeat(more, 20).And(slices.Repeat(more, 20)); len(got) != 160 {
		t.Errorf("160 faults And as many that say nothing new = %d faults, want 160", len(got))
	}
}

// After 100 faults one last fault says that there are more: a request of 1 MiB
// can have half a million.
func TestFaultsSayThatThereAreMore(t *testing.T) {
	t.Parallel()
	const more = "there are more faults; these are the first 100"
	const noTarget = "want a target's name, or an object with name and input, got a number"
	tests := []struct {
		name, in    string
		want        int
		first, last string
	}{
		{
			"100 of the form", `{"targets":[` + times("7", 100) + `]}`, 100,
			"targets[0]: 7: " + noTarget, "targets[99]: 7: " + noTarget,
		},
		{"101 of the form", `{"targets":[` + times("7", 101) + `]}`, 101, "targets[0]: 7: " + noTarget, more},
		{"10,000 of the form", `{"targets":[` + times("7", 10_000) + `]}`, 101, "targets[0]: 7: " + noTarget, more},
		{"100,000 unknown fields", `{` + times(`"a":1`, 100_000) + `}`, 101, "a: 1: unknown field; known are " + strings.Join(protocol.RequestFields(), ", "), more},
		{"10,000 of values", `{"targets":[` + times(`""`, 10_000) + `]}`, 101, `targets[0].name: "": is blank`, more},
		{
			"some of each", `{"name":" ","excludeRegions":[` + times("7", 98) + `],"targets":["",""]}`, 101,
			"excludeRegions[0]: 7: want a string, got a number", more,
		},
		{
			"99 and 1", `{"name":" ","excludeRegions":[` + times("7", 99) + `]}`, 100,
			"excludeRegions[0]: 7: want a string, got a number", `name: " ": want 1 to 80 of A-Z a-z 0-9 . _ - : +`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, got := protocol.DecodeRequest([]byte(tt.in))
			if len(got) != tt.want || got[0].String() != tt.first || got[len(got)-1].String() != tt.last {
				t.Errorf("DecodeRequest = %d faults, %q to %q; want %d, %q to %q",
					len(got), got[0], got[len(got)-1], tt.want, tt.first, tt.last)
			}
		})
	}
}

// times returns n times element, with commas between.
func times(element string, n int) string {
	return strings.TrimSuffix(strings.Repeat(element+",", n), ",")
}
