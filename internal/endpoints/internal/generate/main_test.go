package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const made, pin = "../../testdata/made", "../../testdata/made.pin"

func TestCheckFailsIfTheFileWouldChange(t *testing.T) {
	t.Parallel()

	out := filepath.Join(t.TempDir(), "catalogue.txt")

	if err := run(made, pin, out, true); err == nil {
		t.Error("run() with check and no file = nil, want an error")
	}

	if err := run(made, pin, out, false); err != nil {
		t.Fatal(err)
	}

	if err := run(made, pin, out, true); err != nil {
		t.Errorf("run() with check = %v, want nil", err)
	}

	if err := os.WriteFile(out, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}

	err := run(made, pin, out, true)
	if err == nil || !strings.Contains(err.Error(), "is not what botocore 9.8.7 gives: run go generate") {
		t.Errorf("run() with check and an old file = %v, want what to do", err)
	}
}

func TestRunSaysWhatIsMissing(t *testing.T) {
	t.Parallel()

	out := filepath.Join(t.TempDir(), "catalogue.txt")

	tests := []struct{ dir, pin, want string }{
		{"", pin, "set BOTOCORE"},
		{"none", pin, "open botocore"},
		{made, "none", "no such file"},
		{made, made + "/__init__.py", "is not a version and a date"},
		{made, "../../botocore.pin", "is pinned"},
	}

	for _, tt := range tests {
		if err := run(tt.dir, tt.pin, out, false); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("run(%q, %q) = %v, want %s", tt.dir, tt.pin, err, tt.want)
		}
	}
}
