package main

import (
	"cmp"
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meridian/internal/difference"
	"meridian/internal/report"
	"meridian/internal/report/page"
	"meridian/pkg/protocol"
)

// diffFlags are the flags of "diff".
type diffFlags struct {
	runFlags
	slower, rowKey string
}

// defaultSlower is the default of --slower.
const defaultSlower = "2x,100ms"

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
			return hintPage(cmd, args, 2, usage("%s takes two runs, or --name", cmd.CommandPath()).hint("run `meridian runs` to list the runs"))
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.diff(cmd.Context(), &f, args, cmd.Flags().Changed)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.name, "name", "", "count last and last~1 among the runs with this `name`")
	flags.StringVar(&f.slower, "slower", defaultSlower, "how much longer the last attempt of a target takes to be slower: a `factor` such as 2x, a time such as 500ms, or both")
	flags.StringVar(&f.rowKey, "key", "", "the `names` of the columns that make a row the same one, besides account, Region and target (default all but those that end in Ms)")
	f.registerKept(cmd)
	addOutput(cmd, &f.output, formatJSONL)
	addPage(cmd, &f.html, namelessDifference)
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
	if err := checkPage(f.html, changed); err != nil {
		return err
	}
	comparison, err := f.comparison(changed)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{lastRun + "~1", lastRun}
	}
	d, err := compareNamed(args, comparison, func(name string) (keptRun, error) { return c.runOrFile(ctx, f, name) })
	if err != nil {
		return err
	}
	if f.html != printedPage {
		if err := c.printDifference(d, f.output); err != nil {
			return err
		}
	}
	if f.html != "" {
		if err := c.writeFile(f.html, d.After.RunID, func(w io.Writer) error { return page.Difference(w, d) }); err != nil {
			return err
		}
	}
	if !d.Worse {
		return nil
	}
	return errWorse
}

// compareNamed compares two runs that names find.
func compareNamed(names []string, how difference.Comparison, find func(name string) (keptRun, error)) (difference.Difference, error) {
	var both [2]keptRun
	for i, name := range names {
		var err error
		if both[i], err = find(name); err != nil {
			return difference.Difference{}, err
		}
		if both[i].state.Interrupted {
			return difference.Difference{}, usage("%s is interrupted", shownFile(name)).hint("run `meridian resume` to carry a run on, or `meridian stop` to end it")
		}
		if both[i].result.Status == protocol.StatusRunning { // it lacks what has not started
			return difference.Difference{}, usage("%s has not ended", shownFile(name)).hint("run `meridian watch` to wait for the end of a run")
		}
	}
	how.Rows, _ = rowsOf(both[1].request)
	d := difference.Compare(both[0].result, both[1].result, how)
	if len(d.UnknownKey) > 0 {
		return d, usage("--key: no row has the column %s", strings.Join(d.UnknownKey, ", "))
	}
	return d, nil
}

// comparison returns what the flags say of how to compare.
func (f *diffFlags) comparison(changed func(flag string) bool) (difference.Comparison, error) {
	var how difference.Comparison
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
	how.Slower.By = cmp.Or(how.Slower.By, leastSlower)
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
	return c.namedRun(ctx, f, name)
}

// namedRun returns a kept run. A name such as last counts among the runs of a series if there is one.
func (c *cli) namedRun(ctx context.Context, f *diffFlags, name string) (keptRun, error) {
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
func (c *cli) printDifference(d difference.Difference, f format) error {
	if f == formatJSON {
		return c.printJSON(d)
	}
	if f == formatJSONL {
		return printValues(c, d.Findings)
	}
	return c.differenceText(c.stdout, d)
}

// differenceText writes a difference as text.
func (c *cli) differenceText(w io.Writer, d difference.Difference) error {
	if err := report.DifferenceText(w, d, report.Options{Width: width(w), Color: c.colorful(w)}); err != nil {
		return failure("write output: %v", err)
	}
	return nil
}
