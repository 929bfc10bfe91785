package main

import (
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"meridian/internal/endpoints"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// noArguments refuses arguments, and hints at the flag that they are for.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	complaint := usage("%q: %s takes no arguments", args[0], cmd.CommandPath())
	for _, flag := range []struct {
		name string
		find func(arg string) string // what the flag takes for it, or ""
	}{
		{"task", func(arg string) string { return protocol.Nearest(arg, task.Builtin().Names()) }},
		{"region", region},
		{"service", service},
		{"target", service},
	} {
		values := make([]string, len(args))
		for i, arg := range args {
			values[i] = flag.find(arg)
		}
		if cmd.Flags().Lookup(flag.name) != nil && !slices.Contains(values, "") {
			return complaint.hint("did you mean --%s %s?", flag.name, quoted(strings.Join(values, ",")))
		}
	}
	return complaint.hint("run `%s --help`", cmd.CommandPath())
}

// region returns the Region that is named, a glob that matches some, or the nearest
// Region, or "".
func region(arg string) string {
	names := endpoints.Names(endpoints.AllRegions())
	matches := func(name string) bool { ok, _ := path.Match(arg, name); return ok }
	if arg == protocol.AllRegions || slices.ContainsFunc(names, matches) {
		return arg
	}
	return protocol.Nearest(arg, names)
}

// service returns the service that is named, or "".
func service(arg string) string {
	id, _ := endpoints.ServiceID(arg)
	return id
}

// quoted returns a word as a shell takes it, if it may have globs.
func quoted(word string) string {
	if strings.ContainsAny(word, `*?[`) {
		return "'" + word + "'"
	}
	return word
}

// helpCommand returns the command "help", which refuses what is no command. Cobra's own
// succeeds.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Help about any command",
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var names []cobra.Completion
			for _, c := range cmd.Root().Commands() {
				if c.IsAvailableCommand() {
					names = append(names, cobra.CompletionWithDesc(c.Name(), c.Short))
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err //nolint:wrapcheck // conclude looks at it
			}
			if len(rest) > 0 {
				return usage("unknown command %q for %q", rest[0], about.CommandPath()).hint("run `meridian help`")
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}
