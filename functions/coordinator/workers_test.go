package main

import (
	"slices"
	"testing"
)

func TestRegions(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string][]string{
		"": nil, " , ": nil, "eu-west-1": {"eu-west-1"}, "eu-west-1, us-east-1,": {"eu-west-1", "us-east-1"},
	} {
		if got := regions(func(string) string { return setting }); !slices.Equal(got, want) || (got == nil) != (want == nil) {
			t.Errorf("regions of WORKER_REGIONS=%q = %q, want %q", setting, got, want)
		}
	}
}
