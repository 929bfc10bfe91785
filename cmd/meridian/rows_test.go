package main

import (
	"encoding/json"
	"testing"
)

// An array of objects has a row for each, an object is one, null is one without columns, and
// anything else is an output.
func TestFunctionRows(t *testing.T) {
	t.Parallel()
	for output, want := range map[string]string{
		`[{"a":1},{}]`:   `[{"a":1},{}]`,
		`{"a":[1]}`:      `[{"a":[1]}]`,
		`[]`:             `[]`,
		`[{"a":1},2]`:    `[{"output":[{"a":1},2]}]`,
		`[{"a":1},null]`: `[{"output":[{"a":1},null]}]`,
		`"a"`:            `[{"output":"a"}]`,
		`null`:           `[{}]`,
	} {
		_, rows := functionRows(json.RawMessage(output))
		if got, _ := json.Marshal(rows); string(got) != want {
			t.Errorf("functionRows(%s) = %s, want %s", output, got, want)
		}
	}
}

// The live view counts the rows that the result has: those of a task, or of a function of the
// caller's own. A task without rows, or one that is not known here, has none to count.
func TestRowCounter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, task, output string
		want               int // -1 for none to count
	}{
		{"call", "call", `{"operation":"ec2:DescribeVpcs","result":[{"VpcId":"a"},{"VpcId":"b"}]}`, 2},
		{"resolve", "resolve", `{"host":"dynamodb.eu-west-1.amazonaws.com"}`, 1},
		{"a function", "", `[{},{},{}]`, 3},
		{"sleep", "sleep", `{}`, -1},
		{"a newer coordinator's", "explode", `{}`, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, rows := -1, rowCounter(tt.task)
			if rows != nil {
				got = rows(json.RawMessage(tt.output))
			}
			if got != tt.want {
				t.Errorf("rowCounter(%q)(%s) = %d, want %d", tt.task, tt.output, got, tt.want)
			}
		})
	}
}
