package main

import (
	"os"
	"testing"
)

// A fault in a file for one system is found for that system alone.
func TestCheck(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, content := range map[string]string{
		"go.mod":          "module m\n",
		"main.go":         "package main\n\nfunc main() {}\n",
		"main_windows.go": "package main\n\nvar n int = \"one\"\n",
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for platform, faulty := range map[string]bool{"linux/arm64": false, "windows/amd64": true} {
		if err := check(platform, "."); (err != nil) != faulty {
			t.Errorf("check(%s) = %v, want an error: %t", platform, err, faulty)
		}
	}
}
