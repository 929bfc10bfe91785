package rig_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meridian/bench/rig"
)

func TestTheZeroGroupLimitsNothing(t *testing.T) {
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

// Not parallel: a process can have one group at a time.
func TestAGroupLimitsACommandFromItsFirstInstructionOn(t *testing.T) {
	by, err := rig.Limits()
	if err != nil {
		t.Skip("no group can be made here:", err)
	}
	t.Log("limited by", by)
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

// It writes to a directory of its own, because the controller may belong to version 1
// here.
func TestTheShareInVersion2IsTheQuotaAndThePeriod(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "cpu.max")
	g := rig.GroupIn(filepath.Dir(file))
	if err := g.Set(14); err == nil {
		t.Error("Set(14) = nil without the cpu controller, want an error")
	}
	for share, want := range map[int]string{7: "1400 20000", 14: "2800 20000", 57: "11400 20000", 100: "20000 20000"} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := g.Set(share); err != nil {
			t.Errorf("Set(%d) = %v, want nil", share, err)
		}
		if got, err := os.ReadFile(file); string(got) != want {
			t.Errorf("Set(%d) writes %q, %v, want %q", share, got, err, want)
		}
	}
}

func TestACommandStartsInItsGroupOfVersion2(t *testing.T) {
	t.Parallel()
	var directory string
	for _, mounted := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(filepath.Join(mounted, "cgroup.controllers")); err == nil {
			directory = filepath.Join(mounted, fmt.Sprintf("meridian-rig-%d", os.Getpid()))
		}
	}
	if directory == "" {
		t.Skip("version 2 is mounted nowhere")
	}
	if err := os.Mkdir(directory, 0o755); err != nil { //nolint:gosec // the mode of all cgroups
		t.Skip("no group can be made here:", err)
	}
	g := rig.GroupIn(directory)
	command := exec.CommandContext(t.Context(), "cat", "/proc/self/cgroup")
	var said strings.Builder
	command.Stdout = &said
	err := errors.Join(g.Start(command), command.Wait(), g.Remove())
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, os.ErrPermission) {
		t.Skip("no command can be started in a group here:", err)
	}
	if want := "/" + filepath.Base(directory) + "\n"; err != nil || !strings.Contains(said.String(), want) {
		t.Errorf("the command was in the groups\n%s, %v; want %q", said.String(), err, want)
	}
}

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
