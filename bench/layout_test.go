package main_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// imports is the import table of this module: what each package may import of ours.
// Only one package uses the product; only four use AWS's modules.
func imports() map[string][]string {
	return map[string][]string{
		"":         {"call", "client", "cold", "invocation", "reserve"},
		"bare":     {"aws"},
		"figure":   {},
		"rig":      {},
		"meridian": {"product", "aws"},
		"server":   {"rig"},
		// The client also calls as people without Meridian do, to compare.
		"client": {"figure", "meridian", "rig", "aws"},
		// So does call, and it decodes with the SDK's typed client.
		"call":       {"figure", "meridian", "rig", "aws"},
		"invocation": {"client", "figure", "meridian", "server"},
		"cold":       {"figure", "meridian", "rig"},
		"reserve":    {"figure", "meridian", "rig"},
	}
}

func TestEveryPackageImportsOnlyWhatTheTableAllows(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}}:{{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	table := imports()
	for line := range strings.Lines(string(out)) {
		path, list, _ := strings.Cut(strings.TrimSpace(line), ":")
		name := strings.TrimPrefix(strings.TrimPrefix(path, "meridian/bench"), "/")
		allowed, known := table[name]
		if !known {
			t.Errorf("package %q has no row in the import table", name)
		}
		delete(table, name)
		for imported := range strings.FieldsSeq(list) {
			ours, isBench := strings.CutPrefix(imported, "meridian/bench/")
			switch {
			case isBench:
			case strings.HasPrefix(imported, "meridian/"):
				ours = "product"
			case strings.HasPrefix(imported, "github.com/aws/"):
				ours = "aws"
			default:
				continue
			}
			if !slices.Contains(allowed, ours) {
				t.Errorf("package %q imports %s; its row allows %v", name, imported, allowed)
			}
		}
	}
	for name := range table {
		t.Errorf("the import table has a row for %q, which does not exist", name)
	}
}
