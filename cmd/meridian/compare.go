package main

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"meridian/internal/difference"
	"meridian/pkg/protocol"
)

// slowerThanLast says when --compare calls a target slower. Tests set it.
var slowerThanLast difference.Slower //nolint:gochecknoglobals // see above

// registerCompare adds the flag --compare.
func (f *runFlags) registerCompare(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.compare, "compare", false, "also print what changed since the last kept run with the same name")
}

// checkCompare returns the error of --compare.
func (f *runFlags) checkCompare(request protocol.Request) error {
	switch {
	case !f.compare:
		return nil
	case request.Name == "":
		return usage("--compare needs --name: it compares with the last run of that name")
	case f.dryRun:
		return usage("--compare cannot be combined with --dry-run: there is no result")
	case f.function != "" && f.output == formatEvents:
		return usage("--compare cannot be combined with -o events and --function").
			hint("run `meridian diff --name %s --function %s` afterwards", request.Name, f.function)
	case f.function == "" && f.store == noStore:
		return usage("--compare needs a store of runs, not --store none")
	}
	return nil
}

// compareWithLast prints what changed since the last run of the name that has ended, before this one: on
// standard output after text, else on standard error. A comparison that fails costs a note, not the result.
func (c *cli) compareWithLast(ctx context.Context, f *runFlags, r keptRun) {
	if r.result.Status == protocol.StatusRunning {
		c.note("the run has not ended, and is not compared")
		return
	}
	last, err := c.lastOf(ctx, f, r)
	switch {
	case err != nil:
		c.note("the run is not compared: %v", err)
		return
	case last == nil:
		c.note("no earlier run with the name %s is kept: there is nothing to compare with", r.request.Name)
		return
	}
	rows, _ := rowsOf(r.request)
	out := c.stdout
	if slices.Contains([]format{formatCSV, formatJSONL, formatJSON, formatEvents}, f.output) {
		out = c.stderr
	}
	_ = c.differenceText(out, difference.Compare(last.result, r.result, difference.Comparison{Rows: rows, Slower: slowerThanLast})) // the result has been printed
}

// lastOf returns the newest run that started before r, has the name of r and has ended. Nil means that
// there is none.
func (c *cli) lastOf(ctx context.Context, f *runFlags, r keptRun) (*keptRun, error) {
	k, err := c.keepOf(ctx, f)
	if err != nil {
		return nil, err
	}
	q := protocol.RunQuery{Name: cmp.Or(r.result.Name, r.request.Name), Since: time.Unix(1, 0), Next: r.result.RunID}
	page, err := k.list(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, s := range page.Runs {
		if s.Status != protocol.StatusRunning {
			last, err := k.result(ctx, s.RunID)
			return &last, err
		}
	}
	return nil, nil //nolint:nilnil // a first run is no error
}
