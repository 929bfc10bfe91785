package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
)

// The programs, as their packages' last names.
const (
	bare        = "bare"
	worker      = "regionworker"
	coordinator = "coordinator"
)

// A lab has what is measured, and what it is measured with.
type lab struct {
	directory string
	hold      hold
	unheld    error // why there is no hold
	lambda    *lambda
	roots     string // the file of trusted certificates
}

// newLab builds the programs, and starts the endpoint.
func newLab(ctx context.Context, directory string) (*lab, error) {
	l := &lab{directory: directory, roots: filepath.Join(directory, "roots.pem")}
	for name, source := range map[string]string{
		bare: "./bench/cold/bare", worker: "./functions/regionworker", coordinator: "./functions/coordinator",
	} {
		// As the Makefile builds them, but for this machine.
		build := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false",
			"-ldflags", "-s -w -buildid=", "-o", filepath.Join(directory, name), source)
		build.Env, build.Stderr = append(build.Environ(), "CGO_ENABLED=0"), os.Stderr
		if err := build.Run(); err != nil {
			return nil, fmt.Errorf("build %s: %w", name, err)
		}
	}
	if l.hold, l.unheld = newHold(); l.unheld != nil {
		fmt.Fprintf(os.Stderr, "No share of a core can be set here, so only a whole machine of %d is measured: %v\n",
			runtime.NumCPU(), l.unheld)
	}
	var err error
	l.lambda, err = newLambda(ctx, l.roots)
	return l, err
}

// close ends the endpoint.
func (l *lab) close() { _ = l.lambda.server.Close() }

// environment is what Lambda gives a function, with what points it here.
func (l *lab) environment(api string, size int) []string {
	return []string{
		"AWS_LAMBDA_RUNTIME_API=" + api,
		"AWS_LAMBDA_FUNCTION_NAME=meridian-cold", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(size),
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/meridian-cold",
		"AWS_LAMBDA_LOG_STREAM_NAME=1", "_HANDLER=bootstrap", "LAMBDA_TASK_ROOT=/var/task",
		"AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023", "TZ=:UTC", "LANG=en_US.UTF-8",
		"PATH=/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=example", "AWS_SESSION_TOKEN=example",
		"AWS_ENDPOINT_URL_LAMBDA=" + l.lambda.url, "WORKER_FUNCTION=meridian-cold-regionworker",
		"SSL_CERT_FILE=" + l.roots, "SSL_CERT_DIR=" + l.directory + "/none",
	}
}

// errNoAnswer is a function that was waited for in vain.
var errNoAnswer = errors.New("the function said nothing in time")
