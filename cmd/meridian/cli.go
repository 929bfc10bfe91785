package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"
)

// A cli is what the commands share: where they read and write.
type cli struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            []string // as in "TERM=xterm"
	args           []string // the command line
	notes          notes
}

// run carries out one command line and returns the exit status. Besides its
// arguments it reads only what the AWS SDK reads for its configuration.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env []string) int {
	c := &cli{stdin: stdin, stdout: stdout, stderr: stderr, env: env, args: args}
	root := c.rootCommand() //nolint:contextcheck // cobra gives each command ctx
	root.SetArgs(joinPage(args))
	cmd, err := root.ExecuteContextC(ctx)
	return c.conclude(ctx, cmd, err)
}

func (c *cli) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "meridian",
		Short: "Run one job in every AWS Region at once and get one answer",
		Long: `Meridian runs one job in every AWS Region at once and returns one answer that
accounts for every Region and every target.`,
		Example: `  meridian call ec2:DescribeVpcs --region enabled
  meridian run --region us-east-1,us-east-2,eu-west-1 --task sleep -p seconds=1
  meridian run --region 'eu-*' --target dynamodb,s3 -o json
  meridian run --function my-coordinator`,
		Version:       version(),
		SilenceErrors: true, // conclude prints them
		SilenceUsage:  true,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().Bool("version", false, "print the version") // without cobra's -v, which is --verbose of run
	root.SetHelpCommand(helpCommand())
	root.SetOut(printableWriter{c.stdout})
	root.SetErr(printableWriter{c.stderr})
	root.SetFlagErrorFunc(suggestFlag)
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	root.AddCommand(c.callCommand(), c.runCommand(), c.startCommand(), c.runsCommand(), c.showCommand(), c.diffCommand(), c.historyCommand(), c.watchCommand(),
		c.stopCommand(), c.resumeCommand(), c.redriveCommand(),
		c.operationsCommand(), c.regionsCommand(), c.servicesCommand(), c.tasksCommand(), c.costCommand(), c.checkWorkerCommand(), c.schemaCommand(), c.mcpCommand(), c.versionCommand())
	return root
}
