package rig

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// period is the period of the CPU quota, in microseconds. Lambda's is not documented;
// this is a judgement. With the kernel's default of 100 ms, a process that runs for a
// few milliseconds would hardly notice its limit. The kernel hands out at least 1 ms
// at once, so that a share of 7 % needs a period of at least 14 ms.
const period = 20_000

// CanLimit returns why [Instance.Limit] does not work here: it needs Linux, and root.
func CanLimit() error {
	group, err := newGroup(100)
	if err != nil {
		return err
	}
	return os.Remove(group)
}

// newGroup makes a cgroup that limits its processes, all together, to a share of a core,
// in percent. It returns the group's directory.
//
// Sources: cpu.max in https://docs.kernel.org/admin-guide/cgroup-v2.html, and for
// version 1 https://docs.kernel.org/scheduler/sched-bwc.html
func newGroup(percent int) (directory string, err error) {
	quota := percent * period / 100
	var why []error
	for _, version := range []struct {
		root     string // where Linux mounts the cpu controller
		settings []string
	}{
		{"/sys/fs/cgroup", []string{"cpu.max", fmt.Sprintf("%d %d", quota, period)}},
		{"/sys/fs/cgroup/cpu", []string{"cpu.cfs_period_us", strconv.Itoa(period), "cpu.cfs_quota_us", strconv.Itoa(quota)}},
	} {
		if directory, err = os.MkdirTemp(version.root, "meridian-bench-"); err != nil {
			why = append(why, err)
			continue
		}
		if err = set(directory, version.settings...); err == nil {
			return directory, nil
		}
		why = append(why, err, os.Remove(directory))
	}
	return "", errors.Join(why...)
}

// set writes some of a group's files, which the kernel has created: pairs of a name and
// a text.
func set(directory string, settings ...string) error {
	for len(settings) > 0 {
		f, err := os.OpenFile(filepath.Join(directory, settings[0]), os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString(settings[1])
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		settings = settings[2:]
	}
	return nil
}
