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
