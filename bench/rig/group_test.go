package rig

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestALimitedInstanceIsInAGroupUntilItsEnd(t *testing.T) {
	t.Parallel()
	if err := CanLimit(); err != nil {
		t.Skip("no group can be made here:", err)
	}
	program := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexec sleep 60\n"), 0o700); err != nil { //nolint:gosec // it is to be run
		t.Fatal(err)
	}
	i, err := Function{Program: program, Lambda: new(Lambda)}.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = i.Limit(50)
	groups, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", i.command.Process.Pid))
	_, ended := i.End()
	if err != nil || ended != nil || !strings.Contains(string(groups), "/meridian-bench-") {
		t.Errorf("Limit(50) = %v in the groups\n%s, End() = %v; want one of meridian-bench", err, groups, ended)
	}
}
