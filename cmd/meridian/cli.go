package main

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"meridian/pkg/protocol"
)

// A cli is what the commands share: where they read and write.
type cli struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            []string // as in "TERM=xterm"
}

// run carries out one command line and returns the exit status. What it reads of
// its surroundings it is given, but for the AWS SDK's own configuration.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env []string) int {
	c := &cli{stdin: stdin, stdout: stdout, stderr: stderr, env: env}
	root := c.rootCommand(ctx)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if _, _, unknown := root.Find(args); unknown != nil {
		err = unknownCommand(root, args)
	}
	return c.conclude(err)
}

func (c *cli) rootCommand(ctx context.Context) *cobra.Command {
	root := &cobra.Command{
		Use:   "meridian",
		Short: "Run one job in every AWS Region at once and get one answer",
		Long: `Meridian runs one job in every AWS Region at once and hands back one answer, in
which every Region and every target is accounted for.`,
		Example: `  meridian run --region us-east-1,us-east-2,eu-west-1 --task sleep -p seconds=1
  meridian run --region 'eu-*' --target dynamodb,s3 -o json
  meridian run --function my-coordinator`,
		Version:            version(),
		SilenceErrors:      true,
		SilenceUsage:       true,
		DisableSuggestions: true, // unknownCommand makes them
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().Bool("version", false, "print what the command version prints") // cobra's own would also be -v
	root.SetIn(c.stdin)
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(c.runCommand(ctx), c.regionsCommand(), c.servicesCommand(), c.costCommand(), c.versionCommand())
	addCobras(root)
	return root
}

// addCobras adds cobra's own commands, help and completion, and has them complain
// about what they do not know: they would print their help, and succeed.
func addCobras(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, command := range root.Commands() {
		switch command.Name() {
		case "help":
			command.Args = func(_ *cobra.Command, args []string) error {
				if _, _, unknown := root.Find(args); unknown != nil {
					return unknownCommand(root, args)
				}
				return nil
			}
		case "completion":
			command.RunE = func(cmd *cobra.Command, args []string) error {
				if len(args) > 0 {
					return unknownCommand(cmd, args)
				}
				return cmd.Help()
			}
			command.Args = nil
		}
	}
}

// noArguments refuses whatever a command is given beside flags.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usage("%s takes no arguments: %q", cmd.Name(), args[0]).
		hint("%s --help lists its flags", cmd.CommandPath())
}

// unknownCommand names the command that comes nearest.
func unknownCommand(root *cobra.Command, args []string) error {
	i := slices.IndexFunc(args, func(arg string) bool { return !strings.HasPrefix(arg, "-") })
	name := args[max(i, 0)]
	var names []string
	for _, command := range root.Commands() {
		if command.IsAvailableCommand() {
			names = append(names, command.Name())
		}
	}
	err := usage("unknown command %q", name)
	if near := protocol.Nearest(name, names); near != "" {
		return err.hint("did you mean %q?", near)
	}
	return err.hint("commands are %s", strings.Join(names, ", "))
}
