package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A document is a Markdown file before and after its figures are filled in.
type document struct {
	file          string
	before, after string
}

// fill fills in the figures of README.md and docs/ of the repository in dir.
// It writes no document.
func fill(ctx context.Context, dir string) ([]document, error) {
	files, err := filepath.Glob(filepath.Join(dir, "docs", "*.md"))
	if err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp("", "figures")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp) //nolint:errcheck // a temporary directory
	s := &sources{dir: dir, temp: temp}
	var documents []document
	for _, file := range append([]string{filepath.Join(dir, "README.md")}, files...) {
		before, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		after, err := replace(string(before), func(name string) (string, error) { return s.figure(ctx, name) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		documents = append(documents, document{file, string(before), after})
	}
	return documents, nil
}

// replace replaces the text between each pair of markers.
func replace(text string, figure func(name string) (string, error)) (string, error) {
	var errs []error
	marked := regexp.MustCompile(`(?ms)^<!-- figures: (.+?) -->\n(.*?)^<!-- /figures -->$`)
	text = marked.ReplaceAllStringFunc(text, func(found string) string {
		m := marked.FindStringSubmatch(found)
		if strings.Contains(m[2], "<!-- figures: ") {
			errs = append(errs, fmt.Errorf("figures %s: no end marker", m[1]))
			return found
		}
		content, err := figure(m[1])
		if err != nil {
			errs = append(errs, fmt.Errorf("figures %s: %w", m[1], err))
			return found
		}
		return fmt.Sprintf("<!-- figures: %s -->\n%s<!-- /figures -->", m[1], content)
	})
	return text, errors.Join(errs...)
}

// sources knows where figures come from.
type sources struct {
	dir     string // of the repository
	temp    string // a directory for the command
	program string // the command, once it is built
}

// figure returns the text of a figure.
func (s *sources) figure(ctx context.Context, name string) (string, error) {
	if arguments, ok := strings.CutPrefix(name, "$ meridian "); ok {
		out, err := s.output(ctx, arguments)
		return fmt.Sprintf("```console\n%s\n%s```\n", name, out), err
	}
	if name == "packages" {
		return s.packages(ctx)
	}
	if fact, ok := facts()[name]; ok {
		return fact(), nil
	}
	return s.table(name)
}

// table returns a table of the benchmarks' results.
func (s *sources) table(name string) (string, error) {
	for _, file := range []string{"RESULTS.md", "COLD.md", "CALL.md"} {
		results, err := os.ReadFile(filepath.Join(s.dir, "bench", file))
		if err != nil {
			return "", err
		}
		_, rest, found := strings.Cut(string(results), "<!-- table: "+name+" -->\n")
		table, _, closed := strings.Cut(rest, "<!-- /table -->")
		if found && closed {
			return strings.TrimSpace(table) + "\n", nil
		}
	}
	return "", errors.New("no such table in bench/RESULTS.md, bench/COLD.md or bench/CALL.md")
}

// output returns what the meridian command prints, refusals included. Arguments
// are separated by spaces; single quotes are for the reader's shell.
func (s *sources) output(ctx context.Context, arguments string) (string, error) {
	if s.program == "" {
		program := filepath.Join(s.temp, "meridian")
		build := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/meridian")
		build.Dir = s.dir
		if out, err := build.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%v: %w\n%s", build, err, out)
		}
		s.program = program
	}
	command := exec.CommandContext(ctx, s.program, strings.Fields(strings.ReplaceAll(arguments, "'", ""))...) //nolint:gosec // as the documents of this repository say
	command.Env = append(command.Environ(), "MERIDIAN_STORE=none")
	out, err := command.CombinedOutput()
	if _, refused := errors.AsType[*exec.ExitError](err); refused {
		err = nil
	}
	return string(out), err
}

// packages returns a table of the packages and the first sentences of their
// comments, up to a colon.
func (s *sources) packages(ctx context.Context) (string, error) {
	command := exec.CommandContext(ctx, "go", "list", "-f", "{{.ImportPath}}|{{.Doc}}", "./...")
	command.Dir = s.dir
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%v: %w", command, err)
	}
	var table strings.Builder
	table.WriteString("| package | |\n|---|---|\n")
	for line := range strings.Lines(string(out)) {
		path, doc, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "meridian/"), "|")
		if !strings.Contains(path, "/") || strings.HasPrefix(path, "bench/") {
			continue // tests alone, or a module of its own
		}
		for _, kind := range []string{"Package ", "Command "} {
			if rest, ok := strings.CutPrefix(doc, kind); ok {
				_, doc, _ = strings.Cut(rest, " ")
			}
		}
		doc, _, _ = strings.Cut(strings.NewReplacer("[", "", "]", "").Replace(doc), ": ")
		_, _ = fmt.Fprintf(&table, "| `%s` | %s |\n", path, strings.TrimSuffix(doc, "."))
	}
	return table.String(), nil
}
