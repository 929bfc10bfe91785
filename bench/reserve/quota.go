package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// period is how often a process held to a share of a core gets it anew, in
// microseconds. Lambda's is not documented; this is a judgement.
const period = 20_000

// A group is a cgroup, of version 1 or 2, that holds its processes to a share of
// a core.
type group struct{ directory string }

// newGroup makes a group held to so many percent of a core.
func newGroup(percent int) (group, error) {
	var why []error
	for _, parent := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/cpu"} { // version 2, version 1
		g := group{filepath.Join(parent, "meridian-reserve-"+strconv.Itoa(os.Getpid()))}
		if err := os.Mkdir(g.directory, 0o755); err != nil { //nolint:gosec // as all of them are
			why = append(why, err)
			continue
		}
		quota := percent * period / 100
		err := g.write("cpu.max", fmt.Sprintf("%d %d", quota, period))
		if err != nil {
			err = errors.Join(g.write("cpu.cfs_period_us", strconv.Itoa(period)), g.write("cpu.cfs_quota_us", strconv.Itoa(quota)))
		}
		if err == nil {
			return g, nil
		}
		why = append(why, err, g.remove())
	}
	return group{}, errors.Join(why...)
}

// hold puts a process into the group.
func (g group) hold(pid int) error { return g.write("cgroup.procs", strconv.Itoa(pid)) }

// remove removes the group, whose processes have ended.
func (g group) remove() error { return os.Remove(g.directory) }

// write writes one of the group's files, which are there already.
func (g group) write(file, text string) error {
	f, err := os.OpenFile(filepath.Join(g.directory, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
