package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want []string // nil for an error
	}{
		{"", []string{}},
		{" ,\t,\n", []string{}},
		{"a", []string{"a"}},
		{"a,b", []string{"a", "b"}},
		{"us-east-1, eu-west-1", []string{"us-east-1", "eu-west-1"}},
		{"us-east-1\teu-west-1\r\nsa-east-1\n", []string{"us-east-1", "eu-west-1", "sa-east-1"}},
		{"a b\u00a0c\u2003d", []string{"a", "b", "c", "d"}},
		{",a,,b,", []string{"a", "b"}},
		{"\ufeffa,b", []string{"a", "b"}},
		{`["a", "b, c"]`, []string{"a", "b, c"}},
		{"\n[]\n", []string{}},
		{`[""]`, []string{""}},
		{"[a-c]*", []string{"[a-c]*"}},
		{`"a b","c""d"`, []string{"a b", `c"d`}},
		{`""`, []string{""}},
		{"[a]", nil},
		{`["a",]`, nil},
		{`["a" "b"]`, nil},
		{`[["a"]]`, nil},
		{`["a",1]`, nil},
		{`a"b`, nil},
		{`"a`, nil},
		{`"a"b`, nil},
		{`"a""`, nil},
	} {
		got, err := parseNames(tt.text)
		if diff := cmp.Diff(tt.want, got); (err != nil) != (tt.want == nil) || diff != "" {
			t.Errorf("parseNames(%q) = %q, %v; want %q", tt.text, got, err, tt.want)
		}
	}
}

// Any names come back from a JSON array, and from a list in which they are quoted.
func TestParseNamesReadsAnyNames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(rapid.String()).Draw(t, "names")
		array, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		quoted := make([]string, len(want))
		for i, name := range want {
			quoted[i] = `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
		}
		separator := rapid.SampledFrom([]string{",", ", ", "\n", " ,\t"}).Draw(t, "separator")
		for _, text := range []string{string(array), strings.Join(quoted, separator)} {
			got, err := parseNames(text)
			if err != nil || !cmp.Equal(append([]string{}, want...), got) {
				t.Fatalf("parseNames(%q) = %q, %v; want %q", text, got, err, want)
			}
		}
	})
}
