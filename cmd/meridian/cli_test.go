package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/pkg/protocol"
)

// -o json prints a result that DecodeResult accepts.
func TestRunPrintsTheResultAsJSON(t *testing.T) {
	t.Parallel()
	var stdout, stderr strings.Builder
	args := []string{"run", "--region", "us-east-1,eu-west-1", "--target", "dynamodb,s3", "-o", "json"}
	if got := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, nil); got != exitSucceeded {
		t.Fatalf("run(%q) = %d, want %d; stderr: %s", args, got, exitSucceeded, &stderr)
	}
	if !json.Valid([]byte(stdout.String())) {
		t.Errorf("run(%q) does not print JSON: %s", args, &stdout)
	}
	result, err := protocol.DecodeResult([]byte(stdout.String()))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range result.Regions {
		for _, target := range r.Targets {
			got = append(got, r.Region+"/"+target.Target+" "+string(target.Status))
		}
	}
	want := []string{
		"us-east-1/dynamodb SUCCEEDED", "us-east-1/s3 SUCCEEDED",
		"eu-west-1/dynamodb SUCCEEDED", "eu-west-1/s3 SUCCEEDED",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("run(%q) accounts for (-want +got):\n%s", args, diff)
	}
}

// An output that cannot be written is an error, not a success.
func TestRunReportsAnOutputThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"run", "--region", "eu-west-1"},
		{"run", "--region", "eu-west-1", "-o", "json"},
		{"regions"},
		{"regions", "-o", "json"},
		{"cost"},
		{"cost", "-o", "json"},
		{"version"},
	} {
		var stderr strings.Builder
		if got := run(t.Context(), args, strings.NewReader(""), fullWriter{}, &stderr, nil); got != exitFailed {
			t.Errorf("run(%q) on a full disk = %d, want %d", args, got, exitFailed)
		}
		if got, want := stderr.String(), "meridian: write output: no space left\n"; got != want {
			t.Errorf("run(%q) on a full disk says %q, want %q", args, got, want)
		}
	}
}

type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// A request that is too long is refused, not truncated.
func TestRunRefusesAFileThatIsTooLong(t *testing.T) {
	t.Parallel()
	var stdout, stderr strings.Builder
	file := `{"regions":["eu-west-1"]}` + strings.Repeat(" ", protocol.MaxRequestBytes)
	if got := run(t.Context(), []string{"run", "-f", "-"}, strings.NewReader(file), &stdout, &stderr, nil); got != exitUsage {
		t.Errorf("run with a file of %d bytes = %d, want %d", len(file), got, exitUsage)
	}
	if want := "meridian: standard input: 1048577 bytes are too many; at most 1048576 (1 MiB)\n"; stderr.String() != want {
		t.Errorf("run with a file of %d bytes says %q, want %q", len(file), &stderr, want)
	}
}

// An interrupt ends the wait for a request on standard input.
func TestAnInterruptEndsTheReadingOfARequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stdin, writer := io.Pipe()
		defer func() { _ = writer.Close() }()
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("interrupt signal received"))
		defer cancel()
		var stdout, stderr strings.Builder
		args, begin := []string{"run", "-f", "-"}, time.Now()
		if got := run(ctx, args, stdin, &stdout, &stderr, nil); got != exitFailed {
			t.Errorf("run(%q) interrupted = %d, want %d", args, got, exitFailed)
		}
		if took := time.Since(begin); took != time.Second {
			t.Errorf("run(%q) interrupted after 1s took %v, want 1s", args, took)
		}
		want := "meridian: read standard input: interrupt signal received\n"
		if got := stdout.String() + stderr.String(); got != want {
			t.Errorf("run(%q) interrupted says %q, want %q", args, got, want)
		}
	})
}

// Arguments reach the terminal without their control sequences.
func TestRunPassesNoControlSequence(t *testing.T) {
	t.Parallel()
	var stdout, stderr strings.Builder
	args := []string{"run", "--region", "\x1b[2Jnowhere", "--\u202eregion"}
	if got := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, nil); got != exitUsage {
		t.Errorf("run(%q) = %d, want %d", args, got, exitUsage)
	}
	if strings.ContainsAny(stdout.String()+stderr.String(), "\x1b\u202e") {
		t.Errorf("run(%q) writes %q, %q", args, stdout.String(), stderr.String())
	}
}

// Every flag that sets a field of the request has a setting, and every field of
// the request a flag.
func TestEveryFieldHasItsFlag(t *testing.T) {
	t.Parallel()
	fields := map[string]bool{}
	cmd := (&cli{}).runCommand()
	for _, s := range (&runFlags{}).settings() {
		fields[s.field] = true
		if cmd.Flags().Lookup(s.flag) == nil {
			t.Errorf("setting --%s is no flag of run", s.flag)
		}
	}
	full := protocol.Request{}
	faults := protocol.DecodeStrict([]byte(`{"":0}`), &full) // names the fields there are
	_, list, _ := strings.Cut(faults[0].Detail, "known are ")
	known := strings.Split(list, ", ")
	if len(known) < 15 {
		t.Fatalf("cannot tell the fields of a request from %q", faults[0].Detail)
	}
	for _, field := range known {
		if !fields[field] {
			t.Errorf("field %s of the request has no flag", field)
		}
	}
}
