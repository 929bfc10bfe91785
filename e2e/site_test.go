//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// home is the Region that everything is deployed to.
const home = "us-east-1"

// A site is a directory with the layout of the repository. Deployments are made from it,
// so that the repository's dist/ and .serverless/ do not change.
type site struct {
	repo string   // the repository
	dir  string   // the site
	env  []string // what its commands get: nothing of the caller's but the PATH

	templates []string // files with the templates that check has seen
}

// newSite returns a site without zips.
func newSite(t *testing.T) *site {
	t.Helper()
	repo, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{repo: repo, dir: t.TempDir()}
	for _, name := range []string{"deploy", "events"} {
		if err := os.CopyFS(filepath.Join(s.dir, name), os.DirFS(filepath.Join(repo, name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"serverless.yml", "serverless.worker.yml"} {
		content, err := os.ReadFile(filepath.Join(repo, name))
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, name, content)
	}
	if err := os.Symlink(filepath.Join(repo, "node_modules"), filepath.Join(s.dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.serverless()); err != nil {
		t.Fatalf("the framework is not installed, run npm ci: %v", err)
	}
	s.env = []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + t.TempDir(),
		"AWS_REGION=" + home,
		// No credentials of the caller or of the machine.
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_CONFIG_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true",
		"AWS_ENDPOINT_URL=http://127.0.0.1:9",
		// The defaults are a poll every 5 s, and a timeout of 120 s after which the
		// framework invokes again.
		"SLS_AWS_MONITORING_FREQUENCY=500",
		"AWS_CLIENT_TIMEOUT=900000",
		"AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED=1",
		// The framework compiles a validator of configurations, for two seconds, and keeps it.
		"SLS_SCHEMA_CACHE_BASE_DIR=" + filepath.Join(repo, "build", "e2e"),
	}
	return s
}

func (s *site) path(name ...string) string {
	return filepath.Join(append([]string{s.dir}, name...)...)
}

func (s *site) serverless() string { return s.path("node_modules", ".bin", "serverless") }

func (s *site) write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.path(name), content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s *site) read(t *testing.T, name ...string) string {
	t.Helper()
	content, err := os.ReadFile(s.path(name...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// arch returns this machine's architecture in AWS's spelling: the emulator runs the
// functions as processes of this machine.
func arch(t *testing.T) string {
	t.Helper()
	switch runtime.GOARCH {
	case "amd64":
		return "x86_64"
	case "arm64":
		return "arm64"
	}
	t.Fatalf("Lambda has no architecture for %s", runtime.GOARCH)
	return ""
}

// printed has the output of a command, and its exit status.
type printed struct {
	stdout, stderr string
	status         int
}

// command runs a command of the site and returns its output and exit status.
func (s *site) command(ctx context.Context, t *testing.T, env []string, name string, args ...string) printed {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := s.process(ctx, env, name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	out := printed{stdout: stdout.String(), stderr: stderr.String(), status: cmd.ProcessState.ExitCode()}
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited || ctx.Err() != nil {
		t.Fatalf("%s %s: %v\n%s%s", filepath.Base(name), strings.Join(args, " "), errors.Join(err, context.Cause(ctx)), out.stdout, out.stderr)
	}
	return out
}

// process returns a command of the site. Its process group is killed when ctx ends.
func (s *site) process(ctx context.Context, env []string, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = s.dir, env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// each runs a command with an input, and calls f with each line that it writes, as soon as
// it is there.
func (s *site) each(ctx context.Context, t *testing.T, input string, f func(line []byte), name string, args ...string) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := s.process(ctx, s.env, name, args...)
	cmd.Stdin, cmd.Stderr = strings.NewReader(input), &stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		f(lines.Bytes())
	}
	if err := errors.Join(lines.Err(), cmd.Wait(), context.Cause(ctx)); err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, stderr.String())
	}
}

// must runs a command that has to succeed, and logs it.
func (s *site) must(ctx context.Context, t *testing.T, name string, args ...string) printed {
	t.Helper()
	out := s.command(ctx, t, s.env, name, args...)
	said := fmt.Sprintf("$ %s %s", filepath.Base(name), strings.Join(args, " "))
	if out.status != 0 {
		t.Fatalf("%s: exit status %d\n%s%s", said, out.status, out.stdout, out.stderr)
	}
	t.Log(said)
	return out
}

// machine runs a command that prepares this machine (go, make, pip), with the
// caller's own environment and in the repository.
func (s *site) machine(ctx context.Context, t *testing.T, name string, args ...string) {
	t.Helper()
	at := *s
	at.dir, at.env = s.repo, os.Environ()
	at.must(ctx, t, name, args...)
}

// tools returns the directory of the programs of requirements.txt.
func (s *site) tools(ctx context.Context, t *testing.T) string {
	t.Helper()
	return s.venv(ctx, t, "venv", "requirements.txt")
}

// venv creates a Python environment in build/e2e of a file of requirements, unless it
// exists, and returns the directory of its programs.
func (s *site) venv(ctx context.Context, t *testing.T, name, requirements string) string {
	t.Helper()
	want, err := os.ReadFile(requirements)
	if err != nil {
		t.Fatal(err)
	}
	venv := filepath.Join(s.repo, "build", "e2e", name)
	// Written last: an incomplete environment has no such file.
	stamp := filepath.Join(venv, "requirements.txt")
	if have, err := os.ReadFile(stamp); err != nil || !bytes.Equal(have, want) {
		if err := os.RemoveAll(venv); err != nil {
			t.Fatal(err)
		}
		s.machine(ctx, t, "python3", "-m", "venv", venv)
		s.machine(ctx, t, filepath.Join(venv, "bin", "pip"), "install", "--quiet", "--no-compile", "--disable-pip-version-check", "-r", filepath.Join("e2e", requirements))
		if err := os.WriteFile(stamp, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(venv, "bin")
}
