package main

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheDocumentsFiguresAreUpToDate(t *testing.T) {
	t.Parallel()
	documents, err := fill(t.Context(), "../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range documents {
		if diff := cmp.Diff(d.before, d.after); diff != "" {
			t.Errorf("run make figures: %s is out of date (-is +want):\n%s", d.file, diff)
		}
	}
}

func TestReplaceReplacesWhatStandsBetweenMarkers(t *testing.T) {
	t.Parallel()
	figure := func(name string) (string, error) {
		if name == "unknown" {
			return "", errors.New("no such table")
		}
		return "new " + name + "\n", nil
	}
	tests := []struct{ name, text, want, err string }{
		{name: "none", text: "a\n", want: "a\n"},
		{
			name: "two", text: "<!-- figures: a -->\nold\n<!-- /figures -->\nb\n<!-- figures: $ c --d -->\n<!-- /figures -->\n",
			want: "<!-- figures: a -->\nnew a\n<!-- /figures -->\nb\n<!-- figures: $ c --d -->\nnew $ c --d\n<!-- /figures -->\n",
		},
		{name: "unknown", text: "<!-- figures: unknown -->\n<!-- /figures -->\n", err: "figures unknown: no such table"},
		{
			name: "no end", text: "<!-- figures: a -->\n<!-- figures: b -->\n<!-- /figures -->\n",
			err: "figures a: no end marker",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := replace(tt.text, figure)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("replace = %v, want error %s", err, tt.err)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Errorf("replace = %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}
