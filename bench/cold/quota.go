package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
)

// period is how often a process held to a share of a core gets it anew, in
// microseconds. Lambda's is not documented; this is a judgement: below the
// kernel's default of 100 ms, with which a process of a few milliseconds would
// hardly be held at all.
const period = 20_000

// Where Linux has its cgroups: version 2, or the cpu controller of version 1.
const cgroup2, cgroup1 = "/sys/fs/cgroup", "/sys/fs/cgroup/cpu"

// A hold makes groups of processes that are held to a share of a core together.
type hold struct {
	parent string // "" where there is none
	second bool   // cgroup version 2
}

// newHold returns what this machine has, or why there is none.
func newHold() (hold, error) {
	var why []error
	for _, h := range []hold{{cgroup2, true}, {cgroup1, false}} {
		g, err := h.group(100)
		if err == nil {
			return h, g.remove()
		}
		why = append(why, err)
	}
	return hold{}, errors.Join(why...)
}

// A group is a cgroup held to a share. Its zero value holds nothing.
type group struct {
	directory string
	second    bool
}

// group makes a group held to a share of a core, in percent.
func (h hold) group(share int) (group, error) {
	if h.parent == "" {
		return group{}, nil
	}
	g := group{filepath.Join(h.parent, "meridian-cold-"+strconv.Itoa(os.Getpid())), h.second}
	if err := os.Mkdir(g.directory, 0o755); err != nil { //nolint:gosec // as all of them are
		return group{}, err
	}
	if err := g.set(share); err != nil {
		return group{}, errors.Join(err, g.remove())
	}
	return g, nil
}

// set changes the share.
func (g group) set(share int) error {
	quota := share * period / 100
	switch {
	case g.directory == "":
		return nil
	case g.second:
		return g.write("cpu.max", fmt.Sprintf("%d %d", quota, period))
	}
	if err := g.write("cpu.cfs_period_us", strconv.Itoa(period)); err != nil {
		return err
	}
	return g.write("cpu.cfs_quota_us", strconv.Itoa(quota))
}

// start starts a command in the group, so that it is held from its first
// instruction on.
func (g group) start(command *exec.Cmd) error {
	if g.directory == "" {
		return command.Start()
	}
	if g.second {
		return startIn(command, g.directory)
	}
	// A process begins in the group of the thread that starts it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := g.write("tasks", "0"); err != nil {
		return err
	}
	err := command.Start()
	return errors.Join(err, os.WriteFile(filepath.Join(filepath.Dir(g.directory), "tasks"), []byte("0"), 0o600))
}

// remove removes the group, whose processes have ended.
func (g group) remove() error {
	if g.directory == "" {
		return nil
	}
	return os.Remove(g.directory)
}

// write writes one of the group's files, which are there already.
func (g group) write(file, text string) error {
	f, err := os.OpenFile(filepath.Join(g.directory, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
