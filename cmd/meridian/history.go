package main

import (
	"context"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"

	"meridian/internal/report"
	"meridian/internal/report/page"
	"meridian/pkg/protocol"
)

const (
	// historyRuns is how many runs a history has: a day of an hourly schedule and some of the day before,
	// which fit into 80 columns.
	historyRuns = 30

	// maxHistoryRuns bounds a history: each run is read.
	maxHistoryRuns = 200

	// historyReads is how many results are read at once.
	historyReads = 8
)

func (c *cli) historyCommand() *cobra.Command {
	var f listFlags
	cmd := &cobra.Command{
		Use:   "history name",
		Short: "Print what became of the runs of a name, run by run and Region by Region",
		Long: `Print the runs of a name, the newest last: when each started, its status, its Regions, and
how many targets are newly failing or recovered against the run before it. Below them is a
strip for each Region, or for each account in it, with a character for each run. Regions
that always succeeded are counted; -o wide prints their strips, too.

The exit status is 0, whatever became of the runs.`,
		Example: `  meridian history reachable
  meridian history reachable --since 7d --limit 200 -o wide
  meridian history reachable --function my-coordinator -o json
  meridian history reachable --html reachable.html`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return nil
			}
			return hintPage(cmd, args, 1, usage("%s takes the name of a series of runs", cmd.CommandPath()).hint("run `meridian runs` to list the runs with their names"))
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			f.name = args[0]
			return c.history(cmd.Context(), &f, cmd.Flags().Changed)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.since, "since", "", "only the runs since a `time`: 7d, 12h, 2026-11-30 or 2026-11-30T08:00:00Z (default all that are kept)")
	flags.IntVar(&f.limit, "limit", historyRuns, "only the `n` newest runs, at most 200")
	f.registerKept(cmd)
	addOutput(cmd, &f.output, formatWide, formatJSONL)
	addPage(cmd, &f.html, namelessHistory)
	cmd.ValidArgsFunction = c.completeNames(&f.runFlags)
	return cmd
}

// history prints the history of a name.
func (c *cli) history(ctx context.Context, f *listFlags, changed func(flag string) bool) error {
	if err := f.checkWhere(changed); err != nil {
		return err
	}
	if err := checkPage(f.html, changed); err != nil {
		return err
	}
	switch {
	case f.name == "":
		return usage(`"" is not the name of a series of runs`).hint("run `meridian runs` to list the runs with their names")
	case f.limit > maxHistoryRuns:
		return usage("--limit: %d: want at most %d", f.limit, maxHistoryRuns)
	case !changed("since"):
		f.since = time.Unix(1, 0).UTC().Format(time.RFC3339) // before every run
	}
	k, listed, err := c.list(ctx, f)
	if err != nil {
		return err
	}
	if len(listed.Runs) == 0 {
		since := ""
		if changed("since") {
			since = " since " + f.since
		}
		return usage("no runs with the name %s are kept%s", f.name, since).hint("run `%s` to list the runs with their names", "meridian runs"+f.place())
	}
	slices.Reverse(listed.Runs)
	h := report.HistoryOf(f.name, inOrder(listed.Runs, historyReads, func(s protocol.RunState) report.KeptRun { return statuses(ctx, k, s) }))
	h.Older = listed.Next != ""
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if f.html != printedPage {
		if err := c.printHistory(h, f.output); err != nil {
			return err
		}
	}
	if f.html == "" {
		return nil
	}
	return c.writeFile(f.html, f.name, func(w io.Writer) error { return page.History(w, h) })
}

// statuses reads the statuses of a run in a list.
func statuses(ctx context.Context, k keep, listed protocol.RunState) report.KeptRun {
	if start, err := ulid.ParseStrict(listed.RunID); err == nil && listed.StartedAt.IsZero() { // its record is broken
		listed.StartedAt = start.Timestamp()
	}
	s, err := k.show(ctx, listed.RunID)
	if err != nil {
		return report.KeptRun{State: listed, Err: err}
	}
	if s.Result == nil {
		r, err := k.result(ctx, listed.RunID) // as far as it is
		if err != nil {
			return report.KeptRun{State: s, Err: err}
		}
		s.Result = &r.result
	}
	outcomes := report.Statuses(s.Result.Regions)
	s.Result = nil // it has the outputs
	return report.KeptRun{State: s, Outcomes: outcomes}
}

// inOrder returns what f makes of each item, in the order of the items. f runs for most items at a time, and
// starts at most that many items ahead of the one that is taken.
func inOrder[T, R any](items []T, most int, f func(T) R) iter.Seq[R] {
	return func(yield func(R) bool) {
		made := make([]chan R, len(items))
		start := func(i int) {
			if i < len(items) {
				made[i] = make(chan R, 1)
				go func() { made[i] <- f(items[i]) }()
			}
		}
		for i := range most {
			start(i)
		}
		for i := range items {
			r := <-made[i]
			start(i + most)
			if !yield(r) {
				return
			}
		}
	}
}

// printHistory prints a history in a format.
func (c *cli) printHistory(h report.History, f format) error {
	if f == formatJSON {
		return c.printJSON(h)
	}
	if f == formatJSONL {
		return printValues(c, h.Runs)
	}
	if err := h.Text(c.stdout, report.Options{Width: width(c.stdout), Color: c.colorful(c.stdout), All: f == formatWide}); err != nil {
		return failure("write output: %v", err)
	}
	return nil
}

// completeNames offers the names of the newest runs in a directory.
func (c *cli) completeNames(f *runFlags) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		const only = cobra.ShellCompDirectiveNoFileComp
		if len(args) > 0 {
			return nil, only
		}
		var offered []cobra.Completion
		for _, s := range c.newestRuns(cmd.Context(), f, protocol.MaxRunPage) {
			if s.Name != "" && !slices.Contains(offered, s.Name) {
				offered = append(offered, s.Name)
			}
		}
		return offered, only
	}
}
