package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheCommittedSchemasAreUpToDate(t *testing.T) {
	t.Parallel()
	all, err := documents("../..")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join("../..", directory, "*.json"))
	if err != nil || len(files) != len(all) {
		t.Fatalf("%s has %d documents, %v; want %d", directory, len(files), err, len(all))
	}
	for name, want := range all {
		is, err := os.ReadFile(filepath.Join("../..", directory, name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(is), string(want)); diff != "" {
			t.Errorf("run make schemas: %s.json is out of date (-is +want):\n%s", name, diff)
		}
	}
}

// A rule for a field that was renamed would be lost without a word.
func TestEveryRuleIsForATypeOrAFieldThereIs(t *testing.T) {
	t.Parallel()
	s, err := read("../../pkg/protocol")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for at := range s.fields {
		typ, field, _ := strings.Cut(at, ".")
		known[typ], known[typ+"."+s.json[field]] = true, true
	}
	for at := range rules() {
		if !known[at] {
			t.Errorf("a rule is for %s, which does not exist", at)
		}
	}
}

func TestACommentIsForReadersOfJSON(t *testing.T) {
	t.Parallel()
	s := &source{
		json:      map[string]string{"Region": "region", "RunID": "runId", "ID": "id"},
		constants: map[string]string{"MaxRegions": "200", "DefaultTask": `"resolve"`},
	}
	for _, tt := range []struct {
		name, comment, want string
		fields              []string
	}{
		{"names", "Region and RunID are\nthose of an AWS Region.", "region and runId are those of an AWS Region.", []string{"Region", "RunID"}},
		{"constants", "Up to MaxRegions; else DefaultTask.", `Up to 200; else "resolve".`, nil},
		{"links", "See [Fit], and the [RunID] of each ID. Nil means none.", "See Fit, and the runId of each ID. Left out means none.", nil},
		{"sources", "A limit.\n\nSource: https://example.com/x\n", "A limit.", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := s.text(tt.comment, tt.fields...); got != tt.want {
				t.Errorf("text(%q) = %q, want %q", tt.comment, got, tt.want)
			}
		})
	}
}

func TestAFieldWithoutACommentIsAFault(t *testing.T) {
	t.Parallel()
	s := &source{}
	type silent struct {
		Field string `json:"field"`
	}
	if _, err := message(s, reflect.TypeFor[silent](), "silent", false); err == nil || !strings.Contains(err.Error(), "silent.Field has no comment") {
		t.Errorf("message: %v, want an error that names the field", err)
	}
}
