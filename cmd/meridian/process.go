package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// processName names this process and its machine.
func processName() string {
	host, err := os.Hostname()
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s:%d", host, os.Getpid())
}

// processGone reports whether a process with a name ran on this machine and has ended.
func processGone(name string) bool {
	i := strings.LastIndexByte(name, ':')
	if i < 0 {
		return false
	}
	host, err := os.Hostname()
	pid, wrong := strconv.Atoi(name[i+1:])
	if err != nil || wrong != nil || name[:i] != host || pid <= 0 {
		return false
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return true // on Windows
	}
	defer func() { _ = process.Release() }()
	if runtime.GOOS == "windows" {
		return false
	}
	err = process.Signal(syscall.Signal(0))
	return errors.Is(err, os.ErrProcessDone) || errors.Is(err, syscall.ESRCH) || isZombie(pid)
}

// isZombie reports whether a process has ended and its parent has not reaped it, as in a
// container without an init. Systems other than Linux do not show it: then it returns false.
func isZombie(pid int) bool {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), " ")
	return strings.HasPrefix(state, "Z")
}
