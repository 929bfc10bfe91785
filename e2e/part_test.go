//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// part begins a part of the end-to-end test, which needs some programs. E2E selects the
// parts by name, separated by commas; all run if it is empty. A part with a program
// missing is skipped, but fails in continuous integration, which sets CI.
func part(t *testing.T, name string, programs ...string) {
	t.Helper()
	selected := os.Getenv("E2E")
	if selected != "" && !slices.Contains(strings.Split(selected, ","), name) {
		t.Skipf("E2E=%s does not select the part %s", selected, name)
	}
	for _, program := range programs {
		if _, err := exec.LookPath(program); err == nil {
			continue
		}
		if os.Getenv("CI") != "" {
			t.Fatalf("the part %s needs %s", name, program)
		}
		t.Skipf("the part %s needs %s", name, program)
	}
}

// full reports whether to run the whole of what takes longer than two minutes, and
// not a sample: E2E_FULL is 1.
func full() bool {
	return os.Getenv("E2E_FULL") == "1"
}
