//go:build e2e

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCatalogue holds the catalogue of internal/endpoints against botocore at the
// pinned version: generated from it again it is the same to the byte, and what it
// resolves is what botocore resolves. It prints how many were compared.
func TestCatalogue(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	s := newSite(t)
	tools := s.tools(ctx, t)

	pin := strings.Fields(readFile(t, "..", "internal", "endpoints", "botocore.pin"))[0]
	// Beside the emulator's own botocore, which is of another version.
	packages := filepath.Join(s.repo, "build", "e2e", "botocore-"+pin)
	if _, err := os.Stat(filepath.Join(packages, "botocore")); err != nil {
		s.machine(ctx, t, filepath.Join(tools, "pip"), "install", "--quiet", "--disable-pip-version-check",
			"--target", packages, "botocore=="+pin)
	}

	at := *s
	at.dir, at.env = filepath.Join(s.repo, "internal", "endpoints"), append(os.Environ(), "PYTHONPATH="+packages)
	at.must(ctx, t, "go", "run", "./internal/generate", "-check", "-botocore", filepath.Join(packages, "botocore"))
	out := at.must(ctx, t, filepath.Join(tools, "python"), "-B", "testdata/compare.py", "--sample", "200")
	t.Log(out.stdout)
}

func readFile(t *testing.T, name ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(name...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
