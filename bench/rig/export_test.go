package rig

// GroupIn returns the group of cgroup version 2 that has a directory.
func GroupIn(directory string) Group { return Group{directory: directory, second: true} }
