package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A service is the directory from which one Region's worker is deployed.
type service struct {
	dir     string
	command string   // the framework's program
	args    []string // of all its commands
}

// serverless runs a command of the framework in the service's directory. It returns the
// output, and appends it to the file "log" there. The error has the framework's message.
func (s service) serverless(ctx context.Context, action string) (string, error) {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return "", err
	}
	defer func() { _ = log.Close() }() // errors of writing are checked below

	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, s.command, append([]string{action}, s.args...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, &output, &output
	// In a process group of its own, to kill the framework's child processes too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	runErr := cmd.Run()
	if _, err := log.Write(output.Bytes()); err != nil {
		return output.String(), err
	}
	switch {
	case runErr == nil:
		return output.String(), nil
	case ctx.Err() != nil:
		return output.String(), fmt.Errorf("%s: %w (see %s)", action, context.Cause(ctx), log.Name())
	}
	return output.String(), fmt.Errorf("%s: %s (see %s)", action, reason(output.String(), runErr), log.Name())
}

// reason finds the message in the framework's output: the line after "Error:", and the next one
// if that ends with a colon.
func reason(output string, err error) string {
	if _, after, found := strings.Cut(output, "Error:\n"); found {
		line, rest, _ := strings.Cut(after, "\n")
		if strings.HasSuffix(line, ":") {
			next, _, _ := strings.Cut(rest, "\n")
			line += " " + strings.TrimLeft(next, " -")
		}
		return strings.TrimSpace(line)
	}
	return err.Error()
}
