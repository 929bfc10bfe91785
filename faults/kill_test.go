package faults_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"meridian/internal/invoke/invoketest"
	"meridian/pkg/protocol"
)

var kills = flag.Int("kills", 6, "how many times the command line is killed")

// The command line is killed with SIGKILL at a random moment of a run, and the run is resumed: nothing is lost,
// nothing that may not be done twice is, and every target has one true outcome.
func TestTheCommandLineIsKilled(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "meridian")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "meridian/cmd/meridian")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	var told tale
	t.Run("kills", func(t *testing.T) {
		for i := range *kills {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				killed(t, binary, i%2 == 0, rand.New(rand.NewPCG(uint64(i), 7)), &told)
			})
		}
	})
	t.Logf("%d kills: %d before the run was kept, %d in its middle, %d after its end; %d targets interrupted, %d done twice that may be",
		*kills, told.early.Load(), told.middle.Load(), told.late.Load(), told.interrupted.Load(), told.twice.Load())
}

// A tale counts what became of the killed runs.
type tale struct{ early, middle, late, interrupted, twice atomic.Int64 }

// A line is the command line with a store of its own, and a Lambda that counts what its function has done.
type line struct {
	binary, store string
	env           []string
}

// command returns a command, with the store and the credentials.
func (l line) command(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, l.binary, args...)
	command.Env = append(command.Environ(), l.env...)
	return command
}

// output runs a command and reads its JSON. Its exit status says how a run ended, and is not checked.
func (l line) output(t *testing.T, into any, args ...string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	command := l.command(t.Context(), args...)
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	if command.ProcessState.ExitCode() == 66 { // the race detector's
		t.Errorf("meridian %s: %s", strings.Join(args, " "), stderr.String())
	}
	if wrong := json.Unmarshal(stdout.Bytes(), into); wrong != nil {
		t.Fatalf("meridian %s: %v, %v\n%s%s", strings.Join(args, " "), err, wrong, stdout.String(), stderr.String())
	}
}

// killed kills one run, resumes it, and checks it.
func killed(t *testing.T, binary string, idempotent bool, random *rand.Rand, told *tale) {
	t.Helper()
	function := &caller{runs: map[echo]int{}}
	server := invoketest.NewServer(t, function.run)
	server.Decide(func(invoketest.Call) invoketest.Fault {
		return invoketest.After(invoketest.Fixed(40*time.Millisecond), invoketest.Work)
	})
	l := line{binary, t.TempDir(), []string{
		"MERIDIAN_STORE=" + filepath.Join(t.TempDir(), "store"), "AWS_ENDPOINT_URL=" + server.URL, "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=none", "AWS_SHARED_CREDENTIALS_FILE=none",
	}}
	targets := []string{"a", "b", "c", "d", "e"}
	args := []string{
		"run", "--worker-function", "my-check", "--payload", `{"region": "{region}", "target": "{target}"}`, "--region", "us-east-1,us-east-2,us-west-2,eu-west-1",
		"--target", strings.Join(targets, ","), "--max-concurrency", "3", "--tolerated-failure-percentage", "100", "-o", "json",
	}
	if idempotent {
		args = append(args, "--worker-idempotent")
	}
	run := l.command(t.Context(), args...)
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(time.Duration(random.Int64N(int64(450*time.Millisecond))), func() { _ = run.Process.Kill() })
	_ = run.Wait()
	var page protocol.RunPage
	l.output(t, &page, "runs", "-o", "json")
	if len(page.Runs) == 0 {
		told.early.Add(1)
		if n := len(function.runs); n > 0 && !idempotent {
			t.Errorf("%d targets were done before the run was kept", n)
		}
		return
	}
	var result protocol.Result
	if told.late.Add(1); page.Runs[0].Status == protocol.StatusRunning {
		told.late.Add(-1)
		told.middle.Add(1)
		l.output(t, &result, "resume", page.Runs[0].RunID, "-o", "json")
	} else {
		l.output(t, &result, "show", page.Runs[0].RunID, "-o", "json")
	}
	function.check(t, result, targets, idempotent, told)
}

// check compares a result with what the function has done.
func (c *caller) check(t *testing.T, result protocol.Result, targets []string, idempotent bool, told *tale) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(result.Regions) != 4 {
		t.Errorf("the result has %d Regions, want 4", len(result.Regions))
	}
	for _, region := range result.Regions {
		if len(region.Targets) != len(targets) {
			t.Errorf("%s has %d targets, want %d", region.Region, len(region.Targets), len(targets))
		}
		for i, o := range region.Targets {
			n := c.runs[echo{region.Region, o.Target}]
			interrupted := o.Error == protocol.ErrorInterrupted && !idempotent
			if o.Target != targets[i] || n > 1 && !idempotent || o.Status != protocol.StatusSucceeded && !interrupted || n == 0 && !interrupted {
				t.Errorf("%s in %s is %s (%s: %s) and has run %d times", o.Target, region.Region, o.Status, o.Error, o.Cause, n)
			}
			if interrupted {
				told.interrupted.Add(1)
			}
			if n > 1 {
				told.twice.Add(1)
			}
		}
	}
}
