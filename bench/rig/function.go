package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Build builds a function as make build does, but for this machine, to the file
// program.
func Build(ctx context.Context, program, source string) error {
	build := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -buildid=", "-o", program, source)
	build.Env, build.Stderr = append(build.Environ(), "CGO_ENABLED=0"), os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build %s: %w", source, err)
	}
	return nil
}

// A Function says where a function finds its world. All fields are required.
type Function struct {
	RuntimeAPI string // the address of its Runtime
	Lambda     string // the URL of the Lambda that it calls
	Roots      string // the file of the certificates that it trusts
	MemoryMB   int    // which it is told that it has
}

// functionName is what the functions are told they are called.
const functionName = "meridian-bench"

// Environment is what Lambda gives a function, with what points it to its world.
// There is nothing of this process's own in it.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func (f Function) Environment() []string {
	return []string{
		"AWS_LAMBDA_RUNTIME_API=" + f.RuntimeAPI,
		"AWS_LAMBDA_FUNCTION_NAME=" + functionName, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(f.MemoryMB),
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + functionName,
		"AWS_LAMBDA_LOG_STREAM_NAME=1", "_HANDLER=bootstrap", "LAMBDA_TASK_ROOT=/var/task",
		"AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023", "TZ=:UTC", "LANG=en_US.UTF-8",
		"PATH=/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=example", "AWS_SESSION_TOKEN=example",
		"AWS_ENDPOINT_URL_LAMBDA=" + f.Lambda, "WORKER_FUNCTION=" + functionName + "-regionworker",
		"SSL_CERT_FILE=" + f.Roots, "SSL_CERT_DIR=" + f.Roots + ".none",
	}
}

// Peak returns the most memory that a running process had resident, in MiB, or -1
// where that is not known. (What wait4 says is at least what this process had when
// it started that one.)
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
