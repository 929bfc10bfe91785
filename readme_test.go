package meridian_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"meridian/internal/coordinator"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// The README shows a complete task and its test. This puts both into internal/task, as
// a reader would: the test passes, so do all that are there already, and the command
// line knows the task.
func TestTheREADMEsTaskIsAllThatATaskNeeds(t *testing.T) {
	t.Parallel()
	overlay := overlaid(t, map[string]string{
		"internal/task/addresses.go":      fenced(t, "go", "package task\n"),
		"internal/task/addresses_test.go": fenced(t, "go", "package task_test\n"),
	})
	tests := exec.CommandContext(t.Context(), "go", "test", "-overlay", overlay, "./internal/task", "./internal/coordinator")
	if out, err := tests.CombinedOutput(); err != nil {
		t.Errorf("%v: %v\n%s", tests.Args, err, out)
	}
	command := exec.CommandContext(t.Context(), "go", "run", "-overlay", overlay, "./cmd/meridian",
		"run", "--task", "addresses", "--param", "family=ip5", "--target", "dynamodbb")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	if err := command.Run(); err == nil {
		t.Errorf("%v succeeded; its parameters and its target are wrong", command.Args)
	}
	for _, want := range []string{`--param family: "ip5": want ip, ip4 or ip6`, `"dynamodbb": is not a service`} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("%v says\n%s\nwant %s in it", command.Args, &stderr, want)
		}
	}
}

// overlaid returns a file for go's flag -overlay that puts texts where files would be.
func overlaid(t *testing.T, files map[string]string) string {
	t.Helper()
	replace := map[string]string{}
	for name, text := range files {
		at, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		replace[at] = filepath.Join(t.TempDir(), filepath.Base(name))
		if err := os.WriteFile(replace[at], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// What the README shows of meridian cost is what it prints.
func TestTheREADMEsCostsAreWhatTheCommandPrints(t *testing.T) {
	t.Parallel()
	const prompt = "$ meridian "
	shown, want, _ := strings.Cut(fenced(t, "console", prompt+"cost"), "\n")
	args := append([]string{"run", "./cmd/meridian"}, strings.Fields(strings.TrimPrefix(shown, prompt))...)
	command := exec.CommandContext(t.Context(), "go", args...)
	command.Stderr = os.Stderr
	got, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %v", command.Args, err)
	}
	if string(got) != want {
		t.Errorf("%v prints\n%s\nwant, as the README shows\n%s", command.Args, got, want)
	}
}

// Each request that the README shows can be carried out.
func TestTheREADMEsRequestsAreGoodOnes(t *testing.T) {
	t.Parallel()
	planner := &coordinator.Coordinator{Tasks: task.Builtin()}
	requests := 0
	for _, m := range regexp.MustCompile("(?ms)^```json\n(.*?)^```$").FindAllStringSubmatch(read(t, "README.md"), -1) {
		if !strings.Contains(m[1], `"task":`) {
			continue // an output
		}
		requests++
		r, faults := protocol.DecodeRequest([]byte(m[1]))
		if err := faults.Err(); err != nil {
			t.Errorf("the README shows a request with faults: %v\n%s", err, m[1])
		} else if _, err := planner.Plan(r, protocol.MaxPayloadBytes); err != nil {
			t.Errorf("the README shows a request that is refused: %v\n%s", err, m[1])
		}
	}
	if requests == 0 {
		t.Error("the README shows no request")
	}
}

func TestTheREADMENamesOnlyMakeTargetsThatExist(t *testing.T) {
	t.Parallel()
	makefile := read(t, "Makefile")
	for _, m := range regexp.MustCompile("`make ([a-z0-9-]+)").FindAllStringSubmatch(read(t, "README.md"), -1) {
		if !regexp.MustCompile(`(?m)^` + m[1] + `:`).MatchString(makefile) {
			t.Errorf("the README says `make %s`, which the Makefile does not have", m[1])
		}
	}
}

func TestTheREADMEsLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	readme := regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(read(t, "README.md"), "") // code has its own brackets
	anchors := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(readme, -1) {
		anchors[strings.ToLower(strings.ReplaceAll(m[1], " ", "-"))] = true
	}
	for _, m := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(readme, -1) {
		if strings.HasPrefix(m[1], "http") {
			continue
		}
		if anchor, within := strings.CutPrefix(m[1], "#"); within {
			if !anchors[anchor] {
				t.Errorf("the README links to its section %s, which it does not have", m[1])
			}
		} else if _, err := os.Stat(m[1]); err != nil {
			t.Errorf("the README links to %s: %v", m[1], err)
		}
	}
}

// Everything that a request may have is in the README, and so is every parameter of
// the task that has most.
func TestTheREADMENamesEveryFieldOfARequest(t *testing.T) {
	t.Parallel()
	readme := read(t, "README.md")
	for _, message := range []reflect.Type{
		reflect.TypeFor[protocol.Request](), reflect.TypeFor[protocol.Hedge](), reflect.TypeFor[task.ProbeParameters](),
	} {
		for field := range message.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if !strings.Contains(readme, "`"+name+"`") && !strings.Contains(readme, `"`+name+`"`) {
				t.Errorf("the README does not have %s of %v", name, message)
			}
		}
	}
}

// The README's layout names every directory of code, and none that is not there.
func TestTheREADMEsLayoutIsTheRepositorys(t *testing.T) {
	t.Parallel()
	_, section, _ := strings.Cut(read(t, "README.md"), "\n## The layout\n")
	named := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^    (\S+)/(?:, (\S+)/)?(?: |$)`).FindAllStringSubmatch(section, -1) {
		for _, directory := range m[1:] {
			if directory == "" {
				continue
			}
			named[directory] = true
			if _, err := os.Stat(directory); err != nil {
				t.Errorf("the README's layout has %s: %v", directory, err)
			}
		}
	}
	tracked, err := exec.CommandContext(t.Context(), "git", "ls-files").Output()
	if err != nil {
		t.Skip("not a git repository:", err)
	}
	for file := range strings.Lines(string(tracked)) {
		parts := strings.Split(strings.TrimSpace(file), "/")
		if len(parts) == 1 || strings.HasPrefix(file, ".") {
			continue
		}
		whole, part := parts[0], strings.Join(parts[:2], "/")
		if !named[whole] && !named[part] {
			t.Errorf("the README's layout does not have %s", part)
			named[part] = true // said once
		}
	}
}

// fenced returns the README's block of code in that language that begins so.
func fenced(t *testing.T, language, begin string) string {
	t.Helper()
	_, rest, found := strings.Cut(read(t, "README.md"), "```"+language+"\n"+begin)
	block, _, closed := strings.Cut(rest, "\n```")
	if !found || !closed {
		t.Fatalf("the README has no block of %s that begins with %q", language, begin)
	}
	return begin + block + "\n"
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
