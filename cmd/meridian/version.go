package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"meridian/pkg/protocol"
)

func (c *cli) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of Meridian, its protocol and Go",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			return c.print("%s\n", version())
		},
	}
}

// version returns the version that the build recorded, the protocol's, and Go's.
func version() string {
	return fmt.Sprintf("meridian %s, protocol %d, %s %s/%s",
		ownVersion(), protocol.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// ownVersion returns the version of the program alone.
func ownVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}
