package main

import (
	"context"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meridian/internal/report"
	"meridian/pkg/protocol"
)

// diffFlags are the flags of "diff".
type diffFlags struct {
	runFlags
	slower, rowKey string
}

// errWorse is the error of a difference in which something got worse, after it has been printed.
var errWorse = &complaintError{status: exitFailed}

func (c *cli) diffCommand() *cobra.Command {
	var f diffFlags
	cmd := &cobra.Command{
		Use:   "diff run|file run|file",
		Short: "Print what changed from one run to another",
		Long: `Print what changed from one run to another: targets that are newly failing, slower or
recovered, Regions and targets that only one of them has, and rows that came, went or
changed. A run is named by its id, the first characters of it, last, or last~1, or by a
file with its result. With --name, last is the newest run with that name, and without
arguments the last two of them are compared.

Rows are compared where a target succeeded in both runs, without the columns whose names
end in "Ms". With --key a row is the same one if these columns are, and can change.

The exit status is 1 if a target is newly failing or slower.`,
		Example: `  meridian diff last~1 last
  meridian diff --name reachable
  meridian diff --name nightly last~7 last --key VpcId -o json
  meridian diff before.json after.json --slower 500ms`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 || len(args) == 0 && f.name != "" {
				return nil
			}
			return usage("%s takes two runs, or --name", cmd.CommandPath()).hint("run `meridian runs` to list the runs")
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.diff(cmd.Context(), &f, args, cmd.Flags().Changed)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.name, "name", "", "count last and last~1 among the runs with this `name`")
	flags.StringVar(&f.slower, "slower", "2x,100ms", "how much longer the last attempt of a target takes to be slower: a `factor` such as 2x, a time such as 500ms, or both")
	flags.StringVar(&f.rowKey, "key", "", "the `names` of the columns that make a row the same one, besides account, Region and target (default all but those that end in Ms)")
	f.registerKept(cmd)
	addOutput(cmd, &f.output, formatJSONL)
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return c.completeRuns(&f.runFlags, cobra.ShellCompDirectiveDefault)(cmd, args[:max(0, len(args)-1)], typed) // of two arguments
	}
	return cmd
}

// diff prints what changed from one run to another.
func (c *cli) diff(ctx context.Context, f *diffFlags, args []string, changed func(flag string) bool) error {
	if err := f.checkWhere(changed); err != nil {
		return err
	}
	comparison, err := f.comparison(changed)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{lastRun + "~1", lastRun}
	}
	var both [2]keptRun
	for i, name := range args {
		if both[i], err = c.runOrFile(ctx, f, name); err != nil {
			return err
		}
		if both[i].result.Status == protocol.StatusRunning { // it lacks what has not started
			return usage("%s has not ended", shownFile(name)).hint("run `meridian watch` to wait for the end of a run")
		}
	}
	comparison.Rows, _ = rowsOf(both[1].request)
	d := report.Compare(both[0].result, both[1].result, comparison)
	if len(d.UnknownKey) > 0 {
		return usage("--key: no row has the column %s", strings.Join(d.UnknownKey, ", "))
	}
	if err := c.printDifference(d, f.output); err != nil || !d.Worse {
		return err
	}
	return errWorse
}

// comparison returns what the flags say of how to compare.
func (f *diffFlags) comparison(changed func(flag string) bool) (report.Comparison, error) {
	var how report.Comparison
	if changed("name") && !protocol.ValidName(f.name) {
		return how, usage("%s", protocol.RunQuery{Name: f.name}.Validate().Err())
	}
	if changed("key") {
		var err error
		if how.Key, err = columnNames("key", f.rowKey); err != nil {
			return how, err
		}
	}
	for part := range strings.SplitSeq(f.slower, ",") {
		factor, isFactor := strings.CutSuffix(part, "x")
		times, err := strconv.ParseFloat(factor, 64)
		by, notTime := time.ParseDuration(part)
		switch {
		case isFactor && err == nil && times >= 1 && how.Slower.Times == 0:
			how.Slower.Times = times
		case notTime == nil && by > 0 && how.Slower.By == 0:
			how.Slower.By = by
		default:
			return how, usage("--slower: %q: want a factor such as 2x, a time such as 500ms, or both as in 2x,500ms", f.slower)
		}
	}
	if how.Slower.By == 0 {
		how.Slower.By = leastSlower
	}
	return how, nil
}

// leastSlower is the least difference of --slower with a factor alone: less is the noise of a network.
const leastSlower = 100 * time.Millisecond

// runOrFile returns a kept run, or the result in a file.
func (c *cli) runOrFile(ctx context.Context, f *diffFlags, name string) (keptRun, error) {
	if !isRun(name) {
		result, err := c.readResult(name)
		if err != nil {
			return keptRun{}, err
		}
		return keptRun{result: result, request: c.requestOf(ctx, &f.runFlags, result.RunID)}, nil
	}
	k, err := c.keepOf(ctx, &f.runFlags)
	if err != nil {
		return keptRun{}, err
	}
	id := ""
	if back, ok := backOf(name); ok {
		id, err = nthRun(ctx, k, f.name, back)
	} else {
		id, err = runID(ctx, k, name)
	}
	if err != nil {
		return keptRun{}, err
	}
	return k.result(ctx, id)
}

// printDifference prints a difference in a format.
func (c *cli) printDifference(d report.Difference, f format) error {
	if f == formatJSON {
		return c.printJSON(d)
	}
	if f != formatJSONL {
		return c.differenceText(c.stdout, d)
	}
	var lines []json.RawMessage
	for _, finding := range d.Findings {
		line, err := json.Marshal(finding)
		if err != nil {
			return failure("write output: %v", err)
		}
		lines = append(lines, line)
	}
	return c.printLines(lines)
}

// differenceText writes a difference as text.
func (c *cli) differenceText(w io.Writer, d report.Difference) error {
	if err := d.Text(w, report.Options{Width: width(w), Color: c.colorful(w)}); err != nil {
		return failure("write output: %v", err)
	}
	return nil
}
