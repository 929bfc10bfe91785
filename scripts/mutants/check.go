package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

// engine is the package whose tests are checked.
const engine = "internal/fanout"

// checkAll makes every mistake, in files of dir, and prints the tests that fail.
func checkAll(ctx context.Context, w io.Writer, dir string, mutants []mutant) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	bad := 0
	for _, m := range mutants {
		caughtBy, err := m.check(ctx, dir)
		if err != nil {
			bad++
			caughtBy = err.Error()
		}
		_, _ = fmt.Fprintf(tab, "%s\t%s\t%s\n", m.file, m.mistake, caughtBy)
	}
	if err := tab.Flush(); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d mistakes are not caught", bad, len(mutants))
	}
	_, err := fmt.Fprintf(w, "%d of %d mistakes are caught\n", len(mutants), len(mutants))
	return err
}

// check makes the mistake and returns the first test that fails.
func (m mutant) check(ctx context.Context, dir string) (caughtBy string, err error) {
	overlay, err := m.overlay(dir)
	if err != nil {
		return "", err
	}
	command := exec.CommandContext(ctx, "go", "test", "-json", "-failfast", "-count=1", "-timeout=60s", "-overlay="+overlay, "./"+engine)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	failed := command.Run()
	if failed == nil {
		return "", errors.New("NOT CAUGHT")
	}
	if _, isExit := errors.AsType[*exec.ExitError](failed); !isExit {
		return "", fmt.Errorf("run go test: %w", failed)
	}
	return firstFailure(&out)
}

// overlay writes the file with the mistake, and the overlay that makes the go command
// use it.
func (m mutant) overlay(dir string) (string, error) {
	path, err := filepath.Abs(filepath.Join(engine, m.file))
	if err != nil {
		return "", err
	}
	source, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		return "", fmt.Errorf("the file has %q %d times; want once", m.old, n)
	}
	mistaken := filepath.Join(dir, m.file)
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {path: mistaken}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, errors.Join(
		os.WriteFile(mistaken, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o600),
		os.WriteFile(overlay, replace, 0o600))
}

// firstFailure returns the first test that failed, from the events of go test.
func firstFailure(events io.Reader) (string, error) {
	var event struct {
		Action      string `json:"Action"`      //nolint:tagliatelle // go test's spelling
		Test        string `json:"Test"`        //nolint:tagliatelle // go test's spelling
		Output      string `json:"Output"`      //nolint:tagliatelle // go test's spelling
		FailedBuild string `json:"FailedBuild"` //nolint:tagliatelle // go test's spelling
	}
	var output strings.Builder
	for decoder := json.NewDecoder(events); ; {
		event.Action, event.Test, event.FailedBuild = "", "", ""
		switch err := decoder.Decode(&event); {
		case errors.Is(err, io.EOF) && strings.Contains(output.String(), "fatal error: "):
			return "(the tests crash)", nil // as a synctest bubble does if it waits for something outside
		case errors.Is(err, io.EOF):
			return "", fmt.Errorf("no test failed, but go test did: %s", output.String())
		case err != nil:
			return "", fmt.Errorf("read the events of go test: %w", err)
		case event.FailedBuild != "":
			return "", errors.New("does not compile")
		case event.Action == "fail" && event.Test != "":
			return event.Test, nil
		case event.Action == "output":
			output.WriteString(event.Output)
		}
	}
}
