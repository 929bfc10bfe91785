package protocol_test

import (
	"slices"
	"strings"
	"testing"

	"meridian/pkg/protocol"

	"pgregory.net/rapid"
)

// A suggestion is like what was written, or there is none.
func TestNearest(t *testing.T) {
	t.Parallel()
	regions := []string{"eu-west-1", "eu-west-2", "eu-central-1", "us-east-1", "us-gov-east-1", "ap-southeast-2", "me-south-1"}
	fields := []string{"name", "task", "regions", "timeoutSeconds", "maxConcurrency", "retry", "s3"}
	tests := []struct {
		name, of string
		known    []string
		want     string
	}{
		{"itself", "eu-west-2", regions, "eu-west-2"},
		{"a letter too many", "eu-west-11", regions, "eu-west-1"},
		{"a letter too few", "e-west-2", regions, "eu-west-2"},
		{"another letter", "eu-wept-2", regions, "eu-west-2"},
		{"two neighbours swapped", "eu-wets-2", regions, "eu-west-2"},
		{"of several equally near, the first", "eu-west-3", regions, "eu-west-1"},
		{"case does not count", "EU-WEST-2", regions, "eu-west-2"},
		{"nor in what is known", "maxconcurrency", fields, "maxConcurrency"},
		{"one change for every three letters", "ap-sotheas-22", regions, "ap-southeast-2"},
		{"too many changes", "mars-north-1", regions, ""},
		{"part of one", "timeout", fields, "timeoutSeconds"},
		{"part of several: the first", "east", regions, "us-east-1"},
		{"fewer changes are nearer than part of one", "gov-east-1", []string{"us-gov-east-1", "gov-eat-1"}, "gov-eat-1"},
		{"a part of three letters says nothing", "max", fields, ""},
		{"half the letters of a short word", "s4", fields, "s3"},
		{"more than half the letters of a short word", "x4", fields, ""},
		{"two neighbours swapped are one change", "ssn", []string{"ecs", "sns"}, "sns"},
		{"two of three letters", "nap", []string{"any", "resolve"}, ""},
		{"no letters", "", fields, ""},
		{"nothing known", "name", nil, ""},
		{"very long", strings.Repeat("eu-west-1", 100_000), regions, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := protocol.Nearest(tt.of, tt.known); got != tt.want {
				t.Errorf("Nearest(%.40q, %q) = %q, want %q", tt.of, tt.known, got, tt.want)
			}
		})
	}
}

// A known name is the nearest to itself, and to itself with one change when it
// is long enough and the others are far.
func TestNearestOfAKnownNameIsItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		known := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-zé-]{0,12}`), 1, 8, rapid.ID).Draw(t, "known")
		name := rapid.SampledFrom(known).Draw(t, "name")
		if got := protocol.Nearest(name, known); got != name {
			t.Errorf("Nearest(%q, %q) = %q, want itself", name, known, got)
		}
		if got := protocol.Nearest(strings.ToUpper(name), known); got != name {
			t.Errorf("Nearest(%q, %q) = %q, want %q", strings.ToUpper(name), known, got, name)
		}
	})
}

// Whatever is suggested is known.
func TestNearestIsKnown(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		known := rapid.SliceOf(rapid.StringMatching(`[a-c]{1,6}`)).Draw(t, "known")
		name := rapid.StringMatching(`[a-c]{1,6}`).Draw(t, "name")
		got := protocol.Nearest(name, known)
		if got != "" && !slices.Contains(known, got) {
			t.Errorf("Nearest(%q, %q) = %q, want a known one or none", name, known, got)
		}
	})
}
