// Package meridian_test holds the repository to its own rules: which package may
// import which, what a binary may link, and that the documentation is right.
package meridian_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// imports returns the import table: which of our packages each package can import. A
// new package gets a row here first.
//
// pkg/protocol and internal/fanout import none. internal/task imports the protocol
// because a task's parameters are part of the request: the same strict decoder reads
// them, and they are refused with the same faults.
func imports() map[string][]string {
	return map[string][]string{
		"pkg/protocol":        {},
		"pkg/protocol/schema": {},
		"internal/fanout":     {},
		"internal/endpoints":  {},
		"internal/function":   {},
		"internal/probe":      {},
		"internal/account":    {"pkg/protocol", "internal/endpoints"},
		"internal/task": {
			"pkg/protocol", "internal/endpoints", "internal/probe", "internal/awsapi", "internal/awsapi/model", "internal/wire",
			"internal/account",
		},
		// Two results are compared without printing them: the coordinator links the comparison, and not
		// the terminal.
		"internal/difference": {"pkg/protocol"},
		"internal/report":     {"pkg/protocol", "internal/difference"},
		// The pages of a result and of a difference, with the bars and the rows of a report.
		"internal/report/page": {"pkg/protocol", "internal/report", "internal/difference"},
		// The metrics of a run are made of its result and of the last one: no run knows of them.
		"internal/metrics": {"pkg/protocol", "internal/difference"},
		// The live view: it knows the events of a run, and no run.
		"internal/live":             {"pkg/protocol"},
		"internal/live/livetest":    {},
		"internal/wire":             {},
		"internal/wire/wiretest":    {},
		"internal/price":            {},
		"internal/awsapi":           {"internal/awsapi/model", "internal/endpoints"},
		"internal/awsapi/model":     {"pkg/protocol"},
		"internal/awsapi/sdkconfig": {"internal/awsapi"},
		"internal/invoke":           {"pkg/protocol", "internal/awsapi", "internal/wire"},
		"internal/store":            {"internal/awsapi", "internal/awsapi/model", "internal/wire"},
		// The form in which runs are kept. Stores fit its interface without being known to it.
		"internal/record":            {"pkg/protocol"},
		"internal/store/storetest":   {"internal/store"},
		"internal/trigger":           {"pkg/protocol"},
		"internal/invoke/invoketest": {"pkg/protocol", "internal/wire/wiretest"},
		// The checks of a worker, which may be in any language: they know what a coordinator sends
		// and accepts, and the errors of a call, and none of our worker.
		"internal/workercheck": {"pkg/protocol", "internal/invoke"},
		// internal/coordinator takes from invoke the default retriers, which follow the table of
		// Lambda's errors, and the functions of callers. How they are called, it does not know.
		"internal/coordinator": {
			"pkg/protocol", "internal/fanout", "internal/endpoints", "internal/price", "internal/invoke",
		},
		// Tools for agents know the messages, and not what carries them out: the command line is their
		// backend. Only its binary links the protocol's SDK.
		"internal/mcp": {"pkg/protocol"},
		// Kept runs: what carries them on knows their form in the store and the coordinator, and not
		// which store it is.
		"internal/runs":         {"pkg/protocol", "internal/coordinator", "internal/record", "internal/price"},
		"internal/regionworker": {"pkg/protocol", "internal/fanout", "internal/task"},
		"functions/coordinator": {
			"internal/coordinator", "internal/function", "internal/awsapi/sdkconfig", "internal/invoke", "internal/metrics", "internal/runs",
			"internal/store", "internal/task", "internal/trigger", "pkg/protocol",
		},
		"functions/regionworker": {"internal/function", "internal/regionworker", "internal/task"},
		"cmd/meridian":           {anything},
		// The deployment: its program, which takes the settings past every shell and checks the
		// requests of schedules as the coordinator will, and the test of all of it.
		"scripts/deploy": {"pkg/protocol"},
		// The tables of the documentation that are facts of the code.
		"scripts/figures": {"pkg/protocol", "internal/price", "internal/invoke"},
		// The schemas of the messages are made from their types and the HTTP API's answers.
		"scripts/schema": {"pkg/protocol", "internal/trigger"},
		// The picture of a terminal is drawn by the report that the command line prints.
		"scripts/pictures": {"pkg/protocol", "internal/report"},
		// The checks of the engine's tests and of the programs on other systems, and the
		// proof that nothing is lost.
		"scripts/mutants": {},
		"scripts/systems": {},
		"faults":          {},
		"e2e":             {},
		// Which tests run under the race detector.
		"internal/race": {},
	}
}

const anything = "*"

// A listed package is a package in the output of `go list -json`.
type listed struct {
	ImportPath string   `json:"ImportPath"` //nolint:tagliatelle // go list's spelling
	Doc        string   `json:"Doc"`        //nolint:tagliatelle // go list's spelling
	Imports    []string `json:"Imports"`    //nolint:tagliatelle // go list's spelling
	GoFiles    []string `json:"GoFiles"`    //nolint:tagliatelle // go list's spelling
}

func TestEveryPackageImportsOnlyWhatTheTableAllows(t *testing.T) {
	t.Parallel()
	table := imports()
	for _, p := range list(t, "./...") {
		name := strings.TrimPrefix(p.ImportPath, "meridian/")
		if len(p.GoFiles) == 0 {
			continue
		}
		allowed, known := table[name]
		if !known {
			t.Errorf("package %s has no row in the import table", name)
		}
		delete(table, name)
		for _, imported := range p.Imports {
			ours, isOurs := strings.CutPrefix(imported, "meridian/")
			if isOurs && !slices.Contains(allowed, anything) && !slices.Contains(allowed, ours) {
				t.Errorf("package %s imports %s; its row allows %v", name, ours, allowed)
			}
			if name == "internal/task" {
				continue // a task of one's own may need any other package
			}
			if imported == "github.com/aws/aws-sdk-go-v2/service/lambda" && name != "internal/invoke" {
				t.Errorf("package %s imports the SDK's Lambda client; only internal/invoke does", name)
			}
			if strings.HasPrefix(imported, "github.com/modelcontextprotocol/") && name != "internal/mcp" && name != "cmd/meridian" {
				t.Errorf("package %s imports %s; only the tools for agents need it", name, imported)
			}
			if strings.HasPrefix(imported, "go.yaml.in/") && name != "cmd/meridian" {
				t.Errorf("package %s imports %s; only the command reads YAML", name, imported)
			}
			if (name == "internal/fanout" || name == "internal/wire" || name == "internal/price") && strings.Contains(imported, ".") &&
				imported != "golang.org/x/net/proxy" { // for SOCKS5, as net/http has it inside
				t.Errorf("package %s imports %s; want only the standard library", name, imported)
			}
		}
	}
	for name := range table {
		t.Errorf("the import table has a row for %s, which does not exist", name)
	}
}

func TestEveryPackageHasAComment(t *testing.T) {
	t.Parallel()
	for _, p := range list(t, "./...") {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("package %s has no package comment", p.ImportPath)
		}
	}
}

func TestNoBinaryLinksWhatTestsNeed(t *testing.T) {
	t.Parallel()
	for _, p := range list(t, "-deps", "./functions/...", "./cmd/...") {
		for _, forTests := range []string{"testing", "github.com/google/go-cmp", "github.com/santhosh-tekuri/jsonschema", "github.com/chromedp", "pgregory.net/rapid", "github.com/charmbracelet/x/vt", "github.com/creack/pty"} {
			if strings.HasPrefix(p.ImportPath+"/", forTests+"/") {
				t.Errorf("a binary links the package %s", p.ImportPath)
			}
		}
	}
}

func TestProductionFilesStayShort(t *testing.T) {
	t.Parallel()
	const most, mostMain = 300, 60
	eachGoFile(t, func(path string, source []byte) {
		lines := bytes.Count(source, []byte("\n"))
		if generated := bytes.Contains(source, []byte("\n// Code generated ")); strings.HasSuffix(path, "_test.go") || generated {
			return
		}
		if lines > most || filepath.Base(path) == "main.go" && lines > mostMain {
			t.Errorf("%s has %d lines; at most %d, a main.go %d", path, lines, most, mostMain)
		}
	})
}

func TestTestsSleepOnlyInVirtualTime(t *testing.T) {
	t.Parallel()
	sleeps, bubbles := map[string]string{}, map[string]bool{}
	eachGoFile(t, func(path string, source []byte) {
		if path != "layout_test.go" && bytes.Contains(source, []byte("time.Sleep(")) {
			sleeps[filepath.Dir(path)] = path
		}
		if bytes.Contains(source, []byte(`"testing/synctest"`)) {
			bubbles[filepath.Dir(path)] = true
		}
	})
	for directory, path := range sleeps {
		if !bubbles[directory] {
			t.Errorf("%s sleeps, and its package has no synctest bubble to sleep in", path)
		}
	}
}

// list runs go list -json.
func list(t *testing.T, args ...string) []listed {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Doc,Imports,GoFiles"}, args...)...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	var packages []listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// eachGoFile calls f with every Go file of the repository.
func eachGoFile(t *testing.T, f func(path string, source []byte)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "node_modules" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		source, err := os.ReadFile(path)
		if err == nil {
			f(path, source)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
