package meridian_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"meridian/internal/coordinator"
	"meridian/internal/task"
	"meridian/pkg/protocol"
	"meridian/pkg/protocol/schema"
)

// The Go code of the documentation is files of internal/task, under the paths that stand
// before them: they compile, and their tests pass, also where a reader has added them.
func TestTheDocumentationsGoCodeCompilesAndPasses(t *testing.T) {
	t.Parallel()
	directory, replace := t.TempDir(), map[string]string{}
	for file, text := range documentation(t) {
		named := regexp.MustCompile("(?ms)`(internal/task/\\w+\\.go)`:\n\n```go\n(.*?)^```$").FindAllStringSubmatch(text, -1)
		if blocks := fenced(text, "go"); len(blocks) != len(named) {
			t.Errorf("%s has %d blocks of Go, %d of them behind the path of a file of internal/task", file, len(blocks), len(named))
		}
		for _, block := range named {
			copied := filepath.Join(directory, filepath.Base(block[1]))
			if err := os.WriteFile(copied, []byte(block[2]), 0o600); err != nil {
				t.Fatal(err)
			}
			at, err := filepath.Abs(block[1])
			if err != nil {
				t.Fatal(err)
			}
			replace[at] = copied
		}
	}
	if len(replace) == 0 {
		t.Fatal("the documentation shows no Go code")
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(directory, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "go", "test", "-overlay", file, "./internal/task")
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v: %v\n%s", command, err, out)
	}
}

func TestTheDocumentationsJSONIsValidAndItsRequestsAreAccepted(t *testing.T) {
	t.Parallel()
	planner := &coordinator.Coordinator{Tasks: task.Builtin()}
	requests := 0
	for file, text := range documentation(t) {
		for _, block := range fenced(text, "json") {
			if !json.Valid([]byte(block)) {
				t.Errorf("%s has JSON that is not valid:\n%s", file, block)
			}
			if !strings.Contains(block, `"task":`) || strings.Contains(block, `"runId":`) {
				continue // not a request, or one to a worker
			}
			requests++
			r, faults := protocol.DecodeRequest([]byte(block))
			if err := faults.Err(); err != nil {
				t.Errorf("%s has a request with faults: %v\n%s", file, err, block)
			} else if _, err := planner.Plan(r, protocol.MaxPayloadBytes); err != nil {
				t.Errorf("%s has a request that is refused: %v\n%s", file, err, block)
			}
		}
	}
	if requests == 0 {
		t.Error("the documentation shows no request")
	}
}

// docs/worker.md shows a request to a worker and the answer to it.
func TestTheDocumentationsWorkerAnswersItsRequest(t *testing.T) {
	t.Parallel()
	blocks := fenced(read(t, "docs/worker.md"), "json")
	if len(blocks) != 2 {
		t.Fatalf("docs/worker.md has %d messages, want a request and its answer", len(blocks))
	}
	for i, name := range []string{"region-request", "region-result"} {
		text, err := schema.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		var values [2]any
		for n, data := range []string{string(text), blocks[i]} {
			if values[n], err = jsonschema.UnmarshalJSON(strings.NewReader(data)); err != nil {
				t.Fatal(err)
			}
		}
		compiler := jsonschema.NewCompiler()
		if err := compiler.AddResource(name, values[0]); err != nil {
			t.Fatal(err)
		}
		if err := compiler.MustCompile(name).Validate(values[1]); err != nil {
			t.Errorf("docs/worker.md: %s: %v", name, err)
		}
	}
	request, err := protocol.DecodeRegionRequest([]byte(blocks[0]))
	if err != nil {
		t.Error(err)
	}
	answer, err := protocol.DecodeRegionResult([]byte(blocks[1]))
	if err != nil {
		t.Error(err)
	}
	if err := protocol.CheckAnswer(&request, &answer); err != nil {
		t.Errorf("docs/worker.md: %v", err)
	}
}

func TestTheDocumentationsLinksResolve(t *testing.T) {
	t.Parallel()
	documents := documentation(t)
	for file, text := range documents {
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(withoutCode(text), -1) {
			path, anchor, _ := strings.Cut(m[1], "#")
			if strings.HasPrefix(path, "https://") {
				continue
			}
			target := file
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", file, m[1], err)
			} else if anchor != "" && !slices.Contains(anchors(documents[target]), anchor) {
				t.Errorf("%s links to %s: no such heading", file, m[1])
			}
		}
	}
}

func TestTheDocumentationNamesOnlyMakeTargetsThatExist(t *testing.T) {
	t.Parallel()
	makefile := read(t, "Makefile")
	for file, text := range documentation(t) {
		for _, m := range regexp.MustCompile("(?m)(?:`|^    )make\\s([a-z0-9-]+)").FindAllStringSubmatch(text, -1) {
			if !regexp.MustCompile(`(?m)^` + m[1] + `:`).MatchString(makefile) {
				t.Errorf("%s says make %s, which the Makefile does not have", file, m[1])
			}
		}
	}
}

func TestTheDocumentationNamesEveryFieldOfARequest(t *testing.T) {
	t.Parallel()
	for message, file := range map[reflect.Type]string{
		reflect.TypeFor[protocol.Request]():     "docs/request.md",
		reflect.TypeFor[protocol.Hedge]():       "docs/request.md",
		reflect.TypeFor[protocol.Retrier]():     "docs/request.md",
		reflect.TypeFor[task.ProbeParameters](): "docs/probe.md",
	} {
		text := read(t, file)
		for field := range message.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if !strings.Contains(text, "`"+name+"`") && !strings.Contains(text, `"`+name+`"`) {
				t.Errorf("%s does not name %s of %v", file, name, message)
			}
		}
	}
}

// documentation returns the Markdown files for readers, by path.
func documentation(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	documents := map[string]string{}
	for _, file := range append(files, "README.md", "CONTRIBUTING.md", "CHANGELOG.md") {
		documents[file] = read(t, file)
	}
	return documents
}

// fenced returns the blocks of code in a language.
func fenced(text, language string) (blocks []string) {
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

// withoutCode returns a document without its blocks of code.
func withoutCode(text string) string {
	return regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(text, "")
}

// anchors returns the anchors of a document's headings, as GitHub makes them.
func anchors(text string) (all []string) {
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(withoutCode(text), -1) {
		kept := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		all = append(all, strings.ReplaceAll(kept, " ", "-"))
	}
	return all
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
