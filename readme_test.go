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

	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// The README shows a complete task. This builds the program with that file in
// internal/task, as a reader would, and runs it.
func TestTheREADMEsTaskCompilesAndRuns(t *testing.T) {
	t.Parallel()
	source := fenced(t, "go", "package task")
	file := filepath.Join(t.TempDir(), "addresses.go")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	at, err := filepath.Abs("internal/task/addresses.go")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {at: file}})
	if err != nil {
		t.Fatal(err)
	}
	overlayFile := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(overlayFile, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "go", "run", "-overlay", overlayFile, "./cmd/meridian",
		"run", "--task", "addresses", "--param", "family=ip5")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	if err := command.Run(); err == nil {
		t.Errorf("%v succeeded; its parameters are wrong", command.Args)
	}
	if want := `"ip5"`; !strings.Contains(stderr.String(), want) {
		t.Errorf("%v says\n%s\nwant it to name %s", command.Args, &stderr, want)
	}
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
	readme := read(t, "README.md")
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
