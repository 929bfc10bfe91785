package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// makeSays runs make in the repository with a variable, as the environment's or on the
// command line, and returns what it prints.
func makeSays(t *testing.T, target, variable string, inEnvironment bool) (string, error) {
	t.Helper()
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("no make")
	}
	cmd := exec.CommandContext(t.Context(), "make", "--no-print-directory", "--dry-run", target)
	cmd.Dir = filepath.Join("..", "..")
	if inEnvironment {
		cmd.Env = append(cmd.Environ(), variable)
	} else {
		cmd.Args = append(cmd.Args, variable)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestMakeGivesCodeToNoShell(t *testing.T) {
	t.Parallel()
	for target, names := range map[string][]string{
		"remove": {"STAGE", "REGION", "PURGE"}, "deploy": {"PLACEMENT", "ARCH"}, "deploy-workers": {"REGIONS"},
		"build": {"DIST", "FUNCTION_GOOS"}, "soak": {"RUNS", "SEED"}, "fuzz": {"FUZZTIME"}, "bench-reserve": {"UNITS"},
	} {
		for _, name := range names {
			for i, inEnvironment := range []bool{true, false} {
				pwned := filepath.Join(t.TempDir(), "pwned")
				for _, code := range []string{"feature;touch${IFS}" + pwned + ";", "$(shell touch " + pwned + ")", "`touch " + pwned + "`", "x'"} {
					out, err := makeSays(t, target, name+"="+code, inEnvironment)
					if err == nil || !strings.Contains(out, name+" may have letters") {
						t.Errorf("make %s %s=%s (%d) = %v, want it refused: %s", target, name, code, i, err, out)
					}
				}
				if _, err := os.Stat(pwned); !os.IsNotExist(err) {
					t.Errorf("make %s has run what %s has", target, name)
				}
			}
		}
	}
}

func TestMakeKeepsPARAMSFromTheShell(t *testing.T) {
	t.Parallel()
	for _, inEnvironment := range []bool{true, false} {
		pwned := filepath.Join(t.TempDir(), "pwned")
		out, err := makeSays(t, "deploy", "PARAMS=$(shell touch "+pwned+"); touch "+pwned, inEnvironment)
		if err != nil || strings.Contains(out, pwned) || !strings.Contains(out, "go run ./scripts/deploy deploy") {
			t.Errorf("make deploy = %v, want a command without PARAMS: %s", err, out)
		}
		if _, err := os.Stat(pwned); !os.IsNotExist(err) {
			t.Error("make has run what PARAMS has")
		}
	}
}
