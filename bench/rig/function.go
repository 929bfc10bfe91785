package rig

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Build builds a function as make build does, but for this machine. The package is
// a path in the module of directory; program is the file to write.
func Build(ctx context.Context, directory, path, program string) error {
	build := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -buildid=", "-o", program, path)
	build.Dir, build.Env, build.Stderr = directory, append(build.Environ(), "CGO_ENABLED=0"), os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build %s: %w", path, err)
	}
	return nil
}

// A Function is a Lambda function and its settings.
type Function struct {
	Program  string    // the file that [Build] wrote
	Lambda   *Lambda   // the API that it calls
	MemoryMB int       // its memory, which it reads from its environment
	Settings []string  // more environment variables, as name=value
	Output   io.Writer // gets what the process prints; nil discards it
}

// functionName is the name in the functions' environment.
const functionName = "meridian-bench"

// Environment returns what Lambda sets for a function, with the addresses of the
// benchmark's servers. It has nothing of this process's environment.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func (f Function) Environment(runtimeAPI string) []string {
	return append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + runtimeAPI,
		"AWS_LAMBDA_FUNCTION_NAME=" + functionName, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(f.MemoryMB),
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + functionName,
		"AWS_LAMBDA_LOG_STREAM_NAME=1", "_HANDLER=bootstrap", "LAMBDA_TASK_ROOT=/var/task",
		"AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023", "TZ=:UTC", "LANG=en_US.UTF-8",
		"PATH=/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=example", "AWS_SESSION_TOKEN=example",
		"AWS_ENDPOINT_URL_LAMBDA=" + f.Lambda.URL, "WORKER_FUNCTION=" + functionName + "-regionworker",
		"SSL_CERT_FILE=" + f.Lambda.Roots, "SSL_CERT_DIR=" + f.Lambda.Roots + ".none",
	}, f.Settings...)
}

// An Instance is a running process of a function. Use [Function.Start].
type Instance struct {
	Runtime *Runtime
	Began   time.Time // when the process was started

	command *exec.Cmd
	group   string // the directory of its cgroup; "" means that it has no limit
}

// Start starts a process of the function as Lambda does.
func (f Function) Start(ctx context.Context) (i *Instance, err error) {
	i = &Instance{command: exec.CommandContext(ctx, f.Program)} //nolint:gosec // Build wrote it
	if i.Runtime, err = NewRuntime(ctx); err != nil {
		return nil, err
	}
	i.command.Env, i.command.Dir = f.Environment(i.Runtime.Address), filepath.Dir(f.Program)
	i.command.Stdout, i.command.Stderr = f.Output, f.Output
	i.Began = time.Now()
	if err := i.command.Start(); err != nil {
		i.Runtime.Close()
		return nil, err
	}
	return i, nil
}

// Limit limits the process to a share of a core, in percent. It may be called once.
func (i *Instance) Limit(percent int) (err error) {
	if i.group, err = newGroup(percent); err != nil {
		return err
	}
	return set(i.group, "cgroup.procs", strconv.Itoa(i.command.Process.Pid))
}

// Peak returns the most memory that the process has had resident, see [Peak].
func (i *Instance) Peak() float64 { return Peak(i.command.Process.Pid) }

// End ends the process and returns the CPU time that it took, user's and system's.
func (i *Instance) End() (cpu time.Duration, err error) {
	_ = i.command.Process.Kill() // it waits for its next invocation
	_ = i.command.Wait()
	i.Runtime.Close()
	if i.group != "" {
		err = os.Remove(i.group)
	}
	return i.command.ProcessState.UserTime() + i.command.ProcessState.SystemTime(), err
}

// Peak returns the most memory that a running process has had resident, in MiB, or
// -1 where that is not known. The kernel's getrusage is no help: its maximum
// includes what the parent had when it started the process.
func Peak(pid int) float64 {
	status, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kibibytes, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
			if err == nil {
				return float64(kibibytes) / 1024
			}
		}
	}
	return -1
}

// CPU returns the CPU time that this process has used, user's and system's.
func CPU() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail for the own process
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
