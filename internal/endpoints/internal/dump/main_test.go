package main

import (
	"encoding/json"
	"strings"
	"testing"

	"meridian/internal/endpoints"
)

func TestDumpHasALineForEveryServiceRegionAndVariant(t *testing.T) {
	t.Parallel()

	var b strings.Builder
	if err := dump(json.NewEncoder(&b), []string{"eu-west-1", "cn-north-1"}); err != nil {
		t.Fatal(err)
	}

	got := strings.Split(strings.TrimSpace(b.String()), "\n")
	if want := len(endpoints.AllServices()) * 2 * 4; len(got) != want {
		t.Errorf("dump() has %d lines, want %d", len(got), want)
	}

	for i, want := range map[int]string{
		0: `{"service":"accessanalyzer","region":"eu-west-1","fips":false,"dualStack":false,` +
			`"host":"access-analyzer.eu-west-1.amazonaws.com","signingRegion":"eu-west-1","partition":"aws",` +
			`"global":false,"listed":true,"error":""}`,
	} {
		if got[i] != want {
			t.Errorf("dump() has %s, want %s", got[i], want)
		}
	}

	if !strings.Contains(b.String(), `"error":"endpoints.NotInRegionError"`) {
		t.Error("dump() has no service that is not in its Region")
	}
}
