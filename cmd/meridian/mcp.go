package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meridian/internal/mcp"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// mcpFlags are the flags of "mcp". They bound what its tools do.
type mcpFlags struct {
	runFlags
	allowFunctions []string
	allowURL       bool
	maxRows        int
}

// maxAgentSeconds bounds --timeout of "mcp": as long as a Lambda function may run.
const maxAgentSeconds = 900

func (c *cli) mcpCommand() *cobra.Command {
	var f mcpFlags
	cmd := &cobra.Command{
		Use:   "mcp",
		Short: "Serve the commands as tools for agents, over standard input and output",
		Long: `Serve call, run, plan, operations, regions, runs, show and diff as tools of the Model
Context Protocol, over standard input and output, until standard input ends. An agent's
program starts this command; see docs/mcp.md.

The flags bound what the tools do; no argument of a tool does more. By default they read
from AWS, and run tasks that may be done twice. They hand out no secrets, change nothing,
invoke no functions, assume no roles, and probe no endpoints but those of AWS.`,
		Example: `  meridian mcp
  meridian mcp --region 'eu-*' --allow ec2:StopInstances
  meridian mcp --function my-coordinator --aws-region eu-west-1`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.serveAgent(cmd.Context(), &f, cmd.Flags().Changed)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVar(&f.regions, "region", nil, "`names` or globs of the Regions that tools may run in; they are the default of every tool; repeatable (default all Regions, and * as the default of tools)")
	flags.StringSliceVar(&f.call.allow, "allow", nil, "also allow the operations that match these `patterns`, such as ec2:StopInstances or 's3:*'; repeatable (default those that only read and hand out no secrets)")
	flags.StringSliceVar(&f.allowFunctions, "allow-function", nil, "allow run to invoke the Lambda functions with these `names` or ARNs; repeatable (default none)")
	flags.BoolVar(&f.allowURL, "allow-url", false, "allow run to probe URLs, not only AWS's own endpoints, and to send headers, bodies and queries and follow redirects")
	flags.StringVar(&f.accounts.role, "role", "", "the `name` of the role to assume in the accounts that a tool names, or an ARN with {partition} and {account} (default tools name no accounts)")
	flags.StringVar(&f.accounts.externalID, "external-id", "", "the external `id` that the trust policies of the roles ask for")
	flags.Var(&f.timeout, "timeout", fmt.Sprintf("the most `time` that a tool gives a run, such as 90s or 90 (default %ds)", localTimeoutSeconds))
	flags.IntVar(&f.maxRows, "max-rows", mcp.DefaultMaxRows, "put at most `n` rows into an answer; its bytes are bounded too")
	f.registerKept(cmd)
	flags.BoolVar(&f.keep, "keep", false, "keep the runs of --function, so that show finds them, and stop one when its call is cancelled")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "write the log of the server, the coordinator and the workers to standard error, as JSON lines")
	complete(cmd, "region", completeRunRegions)
	_ = cmd.RegisterFlagCompletionFunc("allow", completeOperations)
	return cmd
}

// serveAgent serves until standard input ends, or until a signal.
func (c *cli) serveAgent(ctx context.Context, f *mcpFlags, changed func(flag string) bool) error {
	a, err := c.newAgent(f, changed)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(escapedWriter{c.stderr}, &slog.HandlerOptions{Level: slog.LevelError}))
	if f.verbose {
		log = c.log(true)
	}
	err = mcp.Serve(ctx, c.agentPipe(ctx), a, mcp.Settings{
		Version: ownVersion(), MaxRows: f.maxRows, Timeout: a.timeout, Log: log,
		Tasks:  taskLines(),
		Writes: len(f.call.allow)+len(f.allowFunctions) > 0,
	})
	if ctx.Err() != nil { // the signal sets the exit status
		return errRunFailed
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return failure("serve agents: %v", err)
	}
	return nil
}

// taskLines describes each task and its parameters.
func taskLines() []string {
	var lines []string
	for _, t := range task.Builtin().All() {
		parts := []string{t.Name + ": " + t.Summary}
		for _, p := range t.Parameters {
			parts = append(parts, p.Name+": "+p.Help)
		}
		lines = append(lines, strings.Join(parts, "; "))
	}
	return lines
}

// newAgent returns the backend of a server with these flags, or the error of one of them.
func (c *cli) newAgent(f *mcpFlags, changed func(flag string) bool) (*agent, error) {
	if err := f.checkWhere(changed); err != nil {
		return nil, err
	}
	if _, err := c.storePlace(&f.runFlags); err != nil {
		return nil, err
	}
	if err := f.call.checkAllow(); err != nil {
		return nil, err
	}
	for _, name := range f.allowFunctions {
		if _, err := planner().Plan(protocol.Request{Worker: &protocol.Worker{Function: name}}, 0); err != nil {
			return nil, source{flags: map[string]string{"worker.function": "allow-function"}}.explain(err)
		}
	}
	switch {
	case changed("role") && f.accounts.role == "":
		return nil, usage(`--role: "": want the name of a role, or an ARN`)
	case f.accounts.externalID != "" && f.accounts.role == "":
		return nil, usage("--external-id needs --role: it is for the roles' trust policies")
	case f.keep && f.function == "":
		return nil, usage("--keep is for --function").hint("leave it out: the runs of this process are kept in --store")
	case f.maxRows < 1:
		return nil, usage("--max-rows: %d: want at least 1", f.maxRows)
	case changed("timeout") && f.timeout <= 0, float64(f.timeout) > maxAgentSeconds:
		return nil, usage("--timeout: %v: want more than 0 seconds, to %d", float64(f.timeout), maxAgentSeconds)
	}
	a := &agent{
		cli: &cli{stdin: strings.NewReader(""), stdout: io.Discard, stderr: c.stderr, env: c.env}, flags: f,
		timeout: localTimeoutSeconds * time.Second,
	}
	if f.timeout > 0 {
		a.timeout = time.Duration(float64(f.timeout) * float64(time.Second))
	}
	if f.regions == nil {
		return a, nil
	}
	from := source{flags: map[string]string{"regions": "region"}}
	if err := decodeNames("regions", f.regions, &a.regions).Err(); err != nil {
		return nil, from.explain(err)
	}
	plan, err := planner().Plan(protocol.Request{Regions: a.regions}, 0)
	if err != nil {
		return nil, from.explain(err)
	}
	a.allowed = map[string]bool{}
	for _, r := range plan.Regions {
		a.allowed[r.Region] = true
	}
	return a, nil
}
