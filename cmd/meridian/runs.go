package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meridian/pkg/protocol"
)

// interruptedRuns is the value of --status for runs that nothing carries on. It is no status of the
// protocol.
const interruptedRuns = "interrupted"

// listFlags are the flags of "runs".
type listFlags struct {
	runFlags
	status, since string
	limit         int
	prune         bool
}

func (c *cli) runsCommand() *cobra.Command {
	var f listFlags
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "List the runs that are kept",
		Long: `List the runs that are kept, the newest first: those of this machine, or with
--function those of a deployed coordinator.

A run is interrupted if it has not ended and nothing carries it on. "meridian resume"
carries it on.`,
		Example: `  meridian runs
  meridian runs --name nightly --status FAILED --since 7d
  meridian runs --function my-coordinator -o json
  meridian runs --prune`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.runs(cmd.Context(), &f, cmd.Flags().Changed) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.name, "name", "", "list only the runs with this `name`")
	flags.StringVar(&f.status, "status", "", "list only the runs with this `status`, or interrupted")
	flags.StringVar(&f.since, "since", "30d", "list the runs since a `time`: 7d, 12h, 2026-11-30 or 2026-11-30T08:00:00Z")
	flags.IntVar(&f.limit, "limit", protocol.DefaultRunPage, "list at most `n` runs")
	flags.BoolVar(&f.prune, "prune", false, fmt.Sprintf("delete the oldest runs of a directory beyond %d runs, %d days or %d MB, as each run does",
		keptLimits.Runs, keptLimits.Age/(24*time.Hour), keptLimits.Bytes>>20))
	f.registerKept(cmd)
	addOutput(cmd, &f.output, formatJSONL)
	complete(cmd, "status", func(string) []cobra.Completion { return runStatuses() })
	return cmd
}

// runStatuses returns what --status takes.
func runStatuses() []string {
	var statuses []string
	for _, s := range protocol.Statuses() {
		if s != protocol.StatusNotStarted && s != protocol.StatusSkipped { // of Regions
			statuses = append(statuses, string(s))
		}
	}
	return append(statuses, interruptedRuns)
}

// runs lists or prunes runs.
func (c *cli) runs(ctx context.Context, f *listFlags, changed func(flag string) bool) error {
	if err := f.checkWhere(changed); err != nil {
		return err
	}
	if f.prune {
		for _, flag := range []string{"name", "status", "since", "limit"} {
			if changed(flag) {
				return usage("--%s cannot be combined with --prune, which deletes the oldest runs", flag)
			}
		}
		return c.pruneRuns(ctx, f)
	}
	_, listed, err := c.list(ctx, f)
	if err != nil {
		return err
	}
	if listed.Next != "" && f.output != formatJSON {
		c.note("older runs are left out; --limit lists more")
	}
	return c.printRuns(listed, f.output)
}

// list returns where runs are kept, and the runs there that the flags ask for, up to the limit.
func (c *cli) list(ctx context.Context, f *listFlags) (keep, protocol.RunPage, error) {
	listed := protocol.RunPage{Runs: []protocol.RunState{}}
	q, err := f.query(time.Now())
	if err != nil {
		return nil, listed, err
	}
	k, err := c.keepOf(ctx, &f.runFlags)
	if err != nil {
		return nil, listed, err
	}
	for len(listed.Runs) < f.limit {
		if q.Limit = min(f.limit-len(listed.Runs), protocol.MaxRunPage); q.Status != "" {
			q.Limit = protocol.MaxRunPage // most of them may have another one
		}
		page, err := k.list(ctx, q)
		if err != nil {
			return nil, listed, err
		}
		for _, s := range page.Runs {
			if f.status != interruptedRuns || s.Interrupted {
				listed.Runs = append(listed.Runs, s)
			}
		}
		if q.Next = page.Next; q.Next == "" {
			break
		}
	}
	if len(listed.Runs) > f.limit {
		listed.Runs = listed.Runs[:f.limit]
		q.Next = listed.Runs[f.limit-1].RunID
	}
	listed.Next = q.Next
	return k, listed, nil
}

// query returns what the flags ask for.
func (f *listFlags) query(now time.Time) (protocol.RunQuery, error) {
	q := protocol.RunQuery{Name: f.name}
	if f.name != "" && !protocol.ValidName(f.name) {
		return q, usage("%s", q.Validate().Err())
	}
	status := f.status
	if !strings.EqualFold(status, interruptedRuns) {
		status = strings.ToUpper(status)
	}
	if f.status != "" && !slices.Contains(runStatuses(), status) {
		return q, usage("%s", protocol.UnknownFault("--status", f.status, "a status of a run", runStatuses()))
	}
	f.status, q.Status = status, protocol.Status(status)
	if status == interruptedRuns {
		q.Status = protocol.StatusRunning
	}
	if f.limit < 1 {
		return q, usage("--limit: %d: want at least 1", f.limit)
	}
	var ok bool
	if q.Since, ok = sinceOf(f.since, now); !ok {
		return q, usage("--since: %q: want a time such as 7d, 12h, 2026-11-30 or 2026-11-30T08:00:00Z", f.since)
	}
	return q, nil
}

// maxDays is more than the age of any run.
const maxDays = 36_500

// sinceOf returns the time that a text names: days or hours before now, a day, or a time.
func sinceOf(text string, now time.Time) (time.Time, bool) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseFloat(days, 64); err == nil && n >= 0 && n <= maxDays {
			return now.Add(-time.Duration(n * float64(24*time.Hour))), true
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), true
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// pruneRuns deletes the oldest runs, and says how many.
func (c *cli) pruneRuns(ctx context.Context, f *listFlags) error {
	if f.function != "" {
		return usage("--prune is for runs in a directory, not for --function").hint("the bucket of a deployed coordinator deletes old runs by a rule of its own")
	}
	k, err := c.reader(ctx, &f.runFlags)
	if err != nil {
		return err
	}
	if f.kept.directory == "" {
		return usage("--prune is for runs in a directory, not in a bucket").hint("set a lifecycle rule of the bucket")
	}
	deleted, err := k.records.Prune(ctx, keptLimits)
	if err != nil {
		return failure("%v", err)
	}
	ids, _, err := k.records.List(ctx, protocol.RunQuery{Since: time.Unix(1, 0), Limit: 2 * keptLimits.Runs})
	if err != nil {
		return failure("%v", err)
	}
	return c.print("%s deleted, %d left in %s\n", count(deleted, "run"), len(ids), f.kept.directory)
}

// printRuns prints a list of runs.
func (c *cli) printRuns(page protocol.RunPage, f format) error {
	if f == formatJSON {
		return c.printJSON(page)
	}
	if f == formatJSONL {
		return printValues(c, page.Runs)
	}
	rows := [][]string{{"ID", "AGE", "NAME", "STATUS", "REGIONS", "TIME"}}
	for _, s := range page.Runs {
		rows = append(rows, []string{
			s.RunID, age(time.Since(s.StartedAt)), s.Name, statusOf(s), regionsDone(s), fmt.Sprintf("%.3f s", s.ElapsedMs/1000),
		})
	}
	return c.printColumns(rows)
}

// statusOf returns the status of a run in a list.
func statusOf(s protocol.RunState) string {
	switch {
	case s.Interrupted:
		return interruptedRuns
	case s.Stopping:
		return "stopping"
	}
	return string(s.Status)
}

// regionsDone says how many Regions of a run have succeeded and failed: "33/34 ok, 1 failed". It
// returns "" if that is not known.
func regionsDone(s protocol.RunState) string {
	r := s.Regions
	if r.Total == 0 {
		return ""
	}
	parts := []string{fmt.Sprintf("%d/%d ok", r.Succeeded, r.Total)}
	for _, part := range []struct {
		n    int
		what string
	}{{r.Failed, "failed"}, {r.TimedOut, "timed out"}, {r.Aborted, "aborted"}, {r.NotStarted, "not started"}, {r.Skipped, "skipped"}, {r.Running, "running"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	return strings.Join(parts, ", ")
}

// age returns a duration in its largest unit: 12s, 5m, 3h or 2d.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(0, d/time.Second))
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}
