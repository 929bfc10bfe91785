package model_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/awsapi/model"
)

// An input is what its JSON says, with exact numbers, and without members given twice.
func TestParseInput(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		json   string
		want   map[string]any
		faults []string
	}{
		{`{}`, map[string]any{}, nil},
		{
			` {"a":9007199254740993,"b":[true,null,"x",[]],"c":{"d":1.50}} `,
			map[string]any{"a": json.Number("9007199254740993"), "b": []any{true, nil, "x", []any{}}, "c": map[string]any{"d": json.Number("1.50")}},
			nil,
		},
		{`{"Limit":1,"Limit":2}`, map[string]any{"Limit": json.Number("2")}, []string{"Limit: 2: given twice"}},
		{`{"a":null,"a":"x"}`, map[string]any{"a": "x"}, []string{`a: "x": given twice`}},
		{`{"a":1,"A":1}`, map[string]any{"a": json.Number("1"), "A": json.Number("1")}, nil},
		{
			`{"F":[{},{"a b":{"x":1,"x":1,"x":1}}]}`,
			map[string]any{"F": []any{map[string]any{}, map[string]any{"a b": map[string]any{"x": json.Number("1")}}}},
			[]string{`F[1]["a b"].x: 1: given twice`},
		},
		{`[{}]`, nil, nil},
		{`null`, nil, nil},
		{`{`, nil, nil},
		{``, nil, nil},
	} {
		got, faults := model.ParseInput([]byte(test.json))
		var texts []string
		for _, fault := range faults {
			texts = append(texts, fault.String())
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("ParseInput(%s): (-want +got):\n%s", test.json, diff)
		}
		if diff := cmp.Diff(test.faults, texts); diff != "" {
			t.Errorf("ParseInput(%s): faults (-want +got):\n%s", test.json, diff)
		}
	}
}
