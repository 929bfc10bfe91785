package rig

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
)

// period is the period of the CPU quota, in microseconds. Lambda's is not documented;
// this is a judgement. With the kernel's default of 100 ms, a process that runs for a
// few milliseconds would hardly notice its limit. The kernel hands out at least 1 ms
// at once, so that a share of 7 % needs a period of at least 14 ms.
const period = 20_000

// A Group is a cgroup that limits its processes, all together, to a share of a core.
// Its zero value limits nothing.
type Group struct {
	directory string
	second    bool // cgroup version 2
}

// Limits returns the kernel's setting that limits a Group here, or why no group can be
// made: it needs Linux, and root.
func Limits() (by string, err error) {
	g, err := NewGroup(100)
	if err != nil {
		return "", err
	}
	by = "cpu.cfs_quota_us of cgroup version 1"
	if g.second {
		by = "cpu.max of cgroup version 2"
	}
	return by, g.Remove()
}

// NewGroup makes a group with a share of a core, in percent. A process can have one
// group at a time.
func NewGroup(share int) (Group, error) {
	var why []error
	name := "meridian-bench-" + strconv.Itoa(os.Getpid())
	// Linux mounts version 2 here, or the cpu controller of version 1.
	for _, g := range []Group{{"/sys/fs/cgroup/" + name, true}, {"/sys/fs/cgroup/cpu/" + name, false}} {
		if err := os.Mkdir(g.directory, 0o755); err != nil { //nolint:gosec // the mode of all cgroups
			why = append(why, err)
			continue
		}
		err := g.Set(share)
		if err == nil {
			return g, nil
		}
		why = append(why, err, g.Remove())
	}
	return Group{}, errors.Join(why...)
}

// Set changes the share.
func (g Group) Set(share int) error {
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

// Start starts a command in the group, which limits it from its first instruction on.
func (g Group) Start(command *exec.Cmd) error {
	if g.directory == "" {
		return command.Start()
	}
	if g.second {
		return startIn(command, g.directory)
	}
	// A process starts in the group of the thread that forks it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := g.write("tasks", "0"); err != nil {
		return err
	}
	err := command.Start()
	return errors.Join(err, os.WriteFile(filepath.Join(filepath.Dir(g.directory), "tasks"), []byte("0"), 0o600))
}

// Remove removes the group. Its processes must have ended.
func (g Group) Remove() error {
	if g.directory == "" {
		return nil
	}
	return os.Remove(g.directory)
}

// write writes one of the group's files, which the kernel has created.
func (g Group) write(file, text string) error {
	f, err := os.OpenFile(filepath.Join(g.directory, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
