package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/task"
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
		if got := run(t.Context(), args, strings.NewReader(""), fullWriter{}, &stderr, nil); got != exitNoResult {
			t.Errorf("run(%q) on a full disk = %d, want %d", args, got, exitNoResult)
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
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, &signalError{os.Interrupt})
		defer cancel()
		var stdout, stderr strings.Builder
		args, begin := []string{"run", "-f", "-"}, time.Now()
		if got := run(ctx, args, stdin, &stdout, &stderr, nil); got != 130 {
			t.Errorf("run(%q) interrupted = %d, want 130", args, got)
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

// A pipe that stays open and empty neither hangs the command nor makes it run the default
// request, unless a flag says what to run.
func TestAPipeThatStaysEmptyIsRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args    []string
		status  int
		seconds int
	}{
		{[]string{"run"}, exitUsage, 5},
		{[]string{"run", "--dry-run", "--timeout", "5"}, exitUsage, 5},
		{[]string{"run", "--dry-run", "--region", "eu-west-1"}, exitSucceeded, 0},
		{[]string{"run", "--dry-run", "-p", "fips=true"}, exitSucceeded, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			stdin, writer := io.Pipe()
			defer func() { _ = writer.Close() }()
			var stdout, stderr strings.Builder
			begin := time.Now()
			if got := run(t.Context(), tt.args, stdin, &stdout, &stderr, nil); got != tt.status {
				t.Errorf("run(%q) = %d, want %d; stderr %s", tt.args, got, tt.status, &stderr)
			}
			if took := time.Since(begin); took != time.Duration(tt.seconds)*time.Second {
				t.Errorf("run(%q) took %v, want %d s", tt.args, took, tt.seconds)
			}
			want := "meridian: standard input is open, and empty after 5s\n" +
				"hint: add -f - to wait for a request from it, or </dev/null to run without one\n"
			if got := stderr.String(); (got == want) != (tt.status == exitUsage) {
				t.Errorf("run(%q) says %q", tt.args, got)
			}
		})
	}
}

// A request that takes a while to arrive is not replaced by the default one.
func TestARequestThatArrivesLateIsRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stdin, writer := io.Pipe()
		go func() {
			defer func() { _ = writer.Close() }()
			<-time.After(4 * time.Second)
			_, _ = io.WriteString(writer, `{"regions":`)
			<-time.After(time.Minute)
			_, _ = io.WriteString(writer, `["eu-west-1"]}`)
		}()
		var stdout, stderr strings.Builder
		if got := run(t.Context(), []string{"run", "--dry-run"}, stdin, &stdout, &stderr, nil); got != exitSucceeded {
			t.Errorf("run = %d; stderr %s", got, &stderr)
		}
		if want := "task resolve: 1 target in 1 Region"; !strings.Contains(stdout.String(), want) {
			t.Errorf("run says %q, want %q", &stdout, want)
		}
	})
}

// The exit status after a signal is the one that a shell shows.
func TestTheExitStatusOfASignal(t *testing.T) {
	t.Parallel()
	for s, want := range map[os.Signal]int{syscall.SIGHUP: 129, os.Interrupt: 130, syscall.SIGTERM: 143} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(&signalError{s})
		for _, tt := range []struct {
			args []string
			want int
		}{
			{[]string{"run", "--region", "eu-west-1"}, want},
			{[]string{"run", "--region", "nowhere"}, exitUsage},
			{[]string{"version"}, exitSucceeded},
		} {
			var stdout, stderr strings.Builder
			if got := run(ctx, tt.args, strings.NewReader(""), &stdout, &stderr, nil); got != tt.want {
				t.Errorf("run(%q) after %v = %d, want %d; stderr %s", tt.args, s, got, tt.want, &stderr)
			}
		}
	}
}

// What a terminal would interpret is escaped in the JSON of a result and in the log, and
// the JSON has the same value.
func TestJSONHasNoCharacterThatATerminalWouldInterpret(t *testing.T) {
	t.Parallel()
	// A bidirectional override, a right-to-left mark, and a tag beyond U+FFFF.
	const target = "a\u202eb\u200fc\U000e0041é"
	var stdout, stderr strings.Builder
	args := []string{"run", "--region", "eu-west-1", "--task", "sleep", "-p", "seconds=0.001", "--target", target, "-v", "-o", "json"}
	if got := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, nil); got != exitSucceeded {
		t.Fatalf("run(%q) = %d; stderr: %s", args, got, &stderr)
	}
	for _, text := range []string{stdout.String(), stderr.String()} {
		if want := `a\u202eb\u200fc\udb40\udc41é`; !strings.Contains(text, want) || strings.ContainsAny(text, "\u202e\u200f\U000e0041") {
			t.Errorf("run(%q) writes %q, want %s", args, text, want)
		}
	}
	result, err := protocol.DecodeResult([]byte(stdout.String()))
	if err != nil || result.Regions[0].Targets[0].Target != target {
		t.Errorf("DecodeResult = %+v, %v; want the target %q", result, err, target)
	}
}

func TestEscapedWriter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"\"\u009b31m\x7f\"":        `"\u009b31m\u007f"`,
		"\"\u2066\u061c\u2028\"\n": `"\u2066\u061c\u2028"` + "\n",
		"\"\x9b\ufffd\"":           `"\ufffd\ufffd"`, // not UTF-8: a C1 of eight bits
		"{\"été\": \"東京🥚\"}\n\t":   "{\"été\": \"東京🥚\"}\n\t",
	} {
		var b strings.Builder
		if n, err := (escapedWriter{&b}).Write([]byte(text)); n != len(text) || err != nil || b.String() != want {
			t.Errorf("Write(%q) = %d, %v, writes %q; want %q", text, n, err, &b, want)
		}
	}
}

// Arguments reach the terminal without their control sequences.
func TestRunPassesNoControlSequence(t *testing.T) {
	t.Parallel()
	var stdout, stderr strings.Builder
	for _, args := range [][]string{
		{"run", "--region", "\x1b[2Jnowhere", "--\u202eregion"},
		{"run", "--region", "a\u009b2J\x7f\u2066", "--target", "\u202e"},
		{"help", "\u009b2J\u202e"},
		{"tasks", "\u009b2J\u202e"},
		{"call", "ec2:\x1b[2J", "--input", `{"\u009b":1}`},
		{"call", "ec2:DescribeVpcs", "--allow", "\u202e"},
		{"operations", "\u009b2J\u202e"},
		{"run", "--dry-run", "--region", "eu-west-1", "--task", "sleep", "-p", "seconds=1", "--name", "\u202e"},
	} {
		_ = run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, nil)
		if text := stdout.String() + stderr.String(); text == "" || strings.ContainsAny(text, "\x1b\x7f\u009b\u202e\u2066") {
			t.Errorf("run(%q) writes %q", args, text)
		}
	}
}

// Every setting has a flag: of "run", or for a parameter of the task "call" of "call".
// Every field of the request and of its worker, and every parameter that people set, has one.
func TestEveryFieldHasItsFlag(t *testing.T) {
	t.Parallel()
	fields := map[string]bool{}
	run, call := (&cli{}).runCommand(), (&cli{}).callCommand()
	for _, s := range (&runFlags{}).settings() {
		fields[s.field] = true
		cmd := run
		if strings.HasPrefix(s.field, "parameters.") {
			cmd = call
		}
		if cmd.Flags().Lookup(s.flag) == nil {
			t.Errorf("setting --%s is no flag of %s", s.flag, cmd.Name())
		}
	}
	called, _ := task.Builtin().Task(callTask)
	for _, p := range called.Parameters {
		if p.Name != "maxBytes" && !fields["parameters."+p.Name] {
			t.Errorf("parameter %s of the task call has no flag", p.Name)
		}
	}
	for field := range reflect.TypeFor[protocol.Worker]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if fields["worker"] = true; !fields["worker."+name] {
			t.Errorf("field %s of a worker has no flag", name)
		}
	}
	for _, field := range protocol.RequestFields() {
		if !fields[field] {
			t.Errorf("field %s of the request has no flag", field)
		}
	}
}
