package model_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/awsapi/model"
)

// A paginator's expressions are paths, the last item of a list, and alternatives. A
// token that a page does not give is not in the next input.
func TestMerger(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		pages model.Pages
		in    []string
		next  string // after the first page; "" means the last
		want  string
	}{
		{
			"nested",
			model.Pages{InputTokens: []string{"Marker"}, OutputTokens: []string{"L.Next"}, Results: []string{"L.Items"}, Others: []string{"L.Name"}},
			[]string{`{"L":{"Items":[1],"Next":"n","Name":"x"}}`, `{"L":{"Items":[2],"Name":"y"}}`},
			`{"Marker":"n"}`, `{"L":{"Items":[1,2],"Name":"x"}}`,
		},
		{
			"last item",
			model.Pages{InputTokens: []string{"M"}, OutputTokens: []string{"Next || Items[-1].Key"}, Results: []string{"Items"}, More: "More"},
			[]string{`{"More":true,"Items":[{"Key":"a"},{"Key":"b"}]}`, `{"More":false,"Items":[{"Key":"c"}]}`},
			`{"M":"b"}`, `{"Items":[{"Key":"a"},{"Key":"b"},{"Key":"c"}]}`,
		},
		{
			"alternative",
			model.Pages{InputTokens: []string{"M"}, OutputTokens: []string{"Next || Items[-1].Key"}, Results: []string{"Items"}},
			[]string{`{"Next":"n","Items":[]}`, `{"Items":[]}`},
			`{"M":"n"}`, `{"Items":[]}`,
		},
		{
			"some tokens",
			model.Pages{InputTokens: []string{"A", "B"}, OutputTokens: []string{"X", "Y"}, Results: []string{"R"}},
			[]string{`{"X":"1","Y":"","R":["r"]}`, `{"R":["s"]}`},
			`{"A":"1","B":null}`, `{"R":["r","s"]}`,
		},
		{
			"no more",
			model.Pages{InputTokens: []string{"A"}, OutputTokens: []string{"X"}, Results: []string{"R"}, More: "More"},
			[]string{`{"X":"1","R":["r"],"More":false}`},
			``, `{"R":["r"]}`,
		},
		{
			"numbers, texts and the rest",
			model.Pages{InputTokens: []string{"A"}, OutputTokens: []string{"X"}, Results: []string{"N", "T", "O"}},
			[]string{`{"X":"1","N":1,"T":"a","O":{"p":1},"Else":1}`, `{"N":2,"T":"b","O":{"q":1},"Else":2}`},
			`{"A":"1"}`, `{"N":3,"T":"ab","O":{"p":1}}`,
		},
	} {
		merged := test.pages.Merger()
		for i, page := range test.in {
			next, err := merged.Add(object(t, page))
			if err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			want := map[string]any(nil)
			if i == 0 {
				want = object(t, test.next)
			}
			if diff := cmp.Diff(want, next); diff != "" {
				t.Errorf("%s: next input after page %d (-want +got):\n%s", test.name, i+1, diff)
			}
		}
		if diff := cmp.Diff(object(t, test.want), merged.Value()); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", test.name, diff)
		}
	}
}

// Every expression of AWS's paginators is of a kind that is understood.
func TestExpressionsOfEveryPaginator(t *testing.T) {
	t.Parallel()
	word := func(r rune) bool {
		return r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
	}
	for _, service := range model.Services() {
		for _, name := range model.Operations(service) {
			op := lookup(t, service+":"+name)
			if op.Pages == nil {
				continue
			}
			set := append(append([]string{}, op.Pages.Results...), op.Pages.Others...)
			read := append(append([]string{op.Pages.More}, op.Pages.OutputTokens...), set...)
			for _, expression := range read {
				rest := strings.ReplaceAll(strings.ReplaceAll(expression, " || ", "."), "[-1]", "")
				for part := range strings.SplitSeq(rest, ".") {
					if strings.TrimFunc(part, word) != "" || part == "" && expression != "" {
						t.Errorf("%s:%s has the expression %s", service, name, expression)
					}
				}
			}
			for _, expression := range set {
				if strings.ContainsAny(expression, "[|") {
					t.Errorf("%s:%s cannot set %s", service, name, expression)
				}
			}
		}
	}
}
