package rig_test

import (
	"slices"
	"strings"
	"testing"

	"meridian/bench/rig"
)

func TestTheEnvironmentHasNothingOfThisProcess(t *testing.T) {
	t.Setenv("MERIDIAN_BENCH_TEST", "here")
	f := rig.Function{
		Lambda: &rig.Lambda{URL: "https://127.0.0.1:2", Roots: "roots.pem"}, MemoryMB: 128, Settings: []string{"GODEBUG=inittrace=1"},
	}
	all := f.Environment("127.0.0.1:1")
	for _, variable := range all {
		if strings.HasPrefix(variable, "MERIDIAN_BENCH_TEST=") {
			t.Errorf("Environment() has %s", variable)
		}
	}
	for _, want := range []string{
		"AWS_LAMBDA_RUNTIME_API=127.0.0.1:1", "AWS_ENDPOINT_URL_LAMBDA=https://127.0.0.1:2",
		"SSL_CERT_FILE=roots.pem", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128", "GODEBUG=inittrace=1",
	} {
		if !slices.Contains(all, want) {
			t.Errorf("Environment() = %q, want %s in it", all, want)
		}
	}
}
