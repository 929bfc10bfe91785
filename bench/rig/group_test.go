package rig_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"meridian/bench/rig"
)

func TestTheZeroGroupHoldsNothing(t *testing.T) {
	t.Parallel()
	var g rig.Group
	command := exec.CommandContext(t.Context(), "go", "version")
	if err := g.Set(7); err != nil {
		t.Errorf("Set(7) = %v, want nil", err)
	}
	if err := g.Start(command); err != nil {
		t.Fatalf("Start() = %v, want nil", err)
	}
	if err := command.Wait(); err != nil {
		t.Error(err)
	}
	if err := g.Remove(); err != nil {
		t.Errorf("Remove() = %v, want nil", err)
	}
}

// Not parallel: a process has one group at a time.
func TestAGroupHoldsACommandFromItsFirstInstructionOn(t *testing.T) {
	if err := rig.Holds(); err != nil {
		t.Skip("no group can be made here:", err)
	}
	g, err := rig.NewGroup(50)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "cat", "/proc/self/cgroup")
	var said strings.Builder
	command.Stdout = &said
	if err := g.Start(command); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		t.Error(err)
	}
	if err := g.Remove(); err != nil {
		t.Errorf("Remove() = %v, want nil", err)
	}
	if !strings.Contains(said.String(), "/meridian-bench-") {
		t.Errorf("the command was in the groups\n%s, want one of meridian-bench", said.String())
	}
}

func TestTheEnvironmentHasNothingOfThisProcess(t *testing.T) {
	t.Setenv("MERIDIAN_BENCH_TEST", "here")
	for _, variable := range (rig.Function{}).Environment() {
		if strings.HasPrefix(variable, "MERIDIAN_BENCH_TEST=") {
			t.Errorf("Environment() has %s", variable)
		}
	}
	all := rig.Function{RuntimeAPI: "127.0.0.1:1", Lambda: "https://127.0.0.1:2", Roots: "roots.pem", MemoryMB: 128}.Environment()
	for _, want := range []string{
		"AWS_LAMBDA_RUNTIME_API=127.0.0.1:1", "AWS_ENDPOINT_URL_LAMBDA=https://127.0.0.1:2",
		"SSL_CERT_FILE=roots.pem", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
	} {
		if !slices.Contains(all, want) {
			t.Errorf("Environment() = %q, want %s in it", all, want)
		}
	}
}
