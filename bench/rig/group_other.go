//go:build !linux

package rig

import (
	"errors"
	"os/exec"
)

// startIn is not to be had here.
func startIn(*exec.Cmd, string) error { return errors.ErrUnsupported }
