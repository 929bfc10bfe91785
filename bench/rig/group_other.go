//go:build !linux

package rig

import (
	"errors"
	"os/exec"
)

// startIn is not supported on this system.
func startIn(*exec.Cmd, string) error { return errors.ErrUnsupported }
