package rig

import (
	"os/exec"
	"syscall"
)

// startIn starts a command in a cgroup of version 2.
func startIn(command *exec.Cmd, directory string) error {
	fd, err := syscall.Open(directory, syscall.O_DIRECTORY|syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = syscall.Close(fd) }()
	command.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd}
	return command.Start()
}
