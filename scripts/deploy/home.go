package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// framework runs a command of the framework for serverless.yml. What it prints is
// printed.
func (s *settings) framework(ctx context.Context, action string) error {
	cmd, err := s.command(ctx, action)
	if err != nil {
		return err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	return nil
}

// build has the framework check the settings and find the credentials, and then builds the
// functions for the architecture that the framework finds: serverless.yml may set it by
// stage. More are arguments of the check.
func (s *settings) build(ctx context.Context, more ...string) error {
	cmd, err := s.command(ctx, "check", more...)
	if err != nil {
		return err
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("check: %s", reason(string(out), err))
	}
	architecture := strings.TrimSpace(string(out))
	goarch, known := map[string]string{"arm64": "arm64", "x86_64": "amd64"}[architecture]
	if !known {
		return fmt.Errorf("the architecture %q: want arm64 or x86_64", architecture)
	}
	cmd = exec.CommandContext(ctx, "make", "--no-print-directory", "build", "ARCH="+goarch)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.root, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return nil
}

// command returns a command of the framework with the settings. An interrupt reaches it
// from the terminal; it then has some time to end.
func (s *settings) command(ctx context.Context, action string, more ...string) (*exec.Cmd, error) {
	root, err := filepath.Abs(s.root)
	if err != nil {
		return nil, err
	}
	args := append([]string{action, "--stage", s.stage, "--region", s.region}, s.args()...)
	cmd := exec.CommandContext(ctx, filepath.Join(root, "node_modules", ".bin", "serverless"), append(args, more...)...)
	cmd.Dir = root
	cmd.Env = append(cmd.Environ(), "PURGE="+s.purge) // for deploy/runs.js
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd, nil
}
