package main

import (
	"cmp"
	"context"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"

	"meridian/pkg/protocol"
)

const (
	// minPrefix is how many characters of an id at least name a run: the first five stay the
	// same for nine hours, the first six for 17 minutes.
	minPrefix = 6

	// lastRun names the newest run.
	lastRun = "last"
)

// oneRun refuses more or fewer arguments than the name of a run.
func oneRun(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	complaint := usage("%s takes the id of one run", cmd.CommandPath())
	return hintPage(cmd, args, 1, complaint.hint("run `meridian runs` to list the runs; %s is the newest one, and %[1]s~1 the one before", lastRun))
}

// locate returns the run that an argument names, and where it is kept.
func (c *cli) locate(ctx context.Context, f *runFlags, name string) (keep, string, error) {
	k, err := c.keepOf(ctx, f)
	if err != nil {
		return nil, "", err
	}
	id, err := runID(ctx, k, name)
	return k, id, err
}

// runID returns the id of the run that an argument names: an id, the beginning of one, last,
// or last~1.
func runID(ctx context.Context, k keep, name string) (string, error) {
	id := strings.ToUpper(name)
	if protocol.ValidRunID(id) {
		return id, nil
	}
	if back, ok := backOf(name); ok {
		return nthRun(ctx, k, "", back)
	}
	first, most := padded(id, "0"), padded(id, "Z")
	if len(id) < minPrefix || !protocol.ValidRunID(first) {
		return "", usage("%q is not the id of a run: want 26 of 0-9 A-Z without I L O U, at least the first %d of them, or %s", name, minPrefix, lastRun).
			hint("run `meridian runs` to list the runs")
	}
	start, _ := ulid.ParseStrict(first) // valid
	page, err := k.list(ctx, protocol.RunQuery{Since: start.Timestamp(), Next: most, Limit: 2})
	var found []string
	for _, s := range page.Runs {
		if strings.HasPrefix(s.RunID, id) {
			found = append(found, s.RunID)
		}
	}
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", usage("no run has an id that begins with %s", id).hint("run `meridian runs` to list the runs")
	case len(found) > 1:
		return "", usage("several runs have ids that begin with %s, such as %s", id, strings.Join(found, " and ")).
			hint("give more of the id")
	}
	return found[0], nil
}

// padded returns the beginning of an id, filled up with a character.
func padded(id, with string) string {
	return id + strings.Repeat(with, max(0, ulid.EncodedSize-len(id)))
}

// backOf returns how many runs before the newest one a name like last~2 names.
func backOf(name string) (n int, ok bool) {
	rest, ok := strings.CutPrefix(name, lastRun)
	if !ok || rest == "" {
		return 0, ok
	}
	number, ok := strings.CutPrefix(rest, "~")
	n, err := strconv.Atoi(number)
	return n, ok && err == nil && n >= 0
}

// nthRun returns the id of the run that is n before the newest one. It counts the runs with the name
// series, or all runs if series is empty.
func nthRun(ctx context.Context, k keep, series string, n int) (string, error) {
	q, listed := protocol.RunQuery{Name: series, Since: time.Unix(1, 0)}, 0
	for {
		q.Limit = min(n-listed+1, protocol.MaxRunPage)
		page, err := k.list(ctx, q)
		if err != nil {
			return "", err
		}
		if i := n - listed; i < len(page.Runs) {
			return page.Runs[i].RunID, nil
		}
		if listed += len(page.Runs); page.Next != "" {
			q.Next = page.Next
			continue
		}
		of := ""
		if series != "" {
			of = " with the name " + series
		}
		if listed == 0 {
			return "", usage("no runs%s are kept here", of).hint("run `meridian run`, or set --store or --function to where runs are kept")
		}
		if listed == 1 {
			return "", usage("there is only 1 run%s", of)
		}
		return "", usage("there are only %d runs%s", listed, of)
	}
}

// isRun reports whether an argument names a run, and not a file with a result.
func isRun(name string) bool {
	if _, ok := backOf(name); ok || protocol.ValidRunID(strings.ToUpper(name)) {
		return true
	}
	_, err := os.Stat(name)
	return err != nil && name != "-" && !strings.ContainsAny(name, `./\`)
}

// completedRuns is how many runs the shell is offered.
const completedRuns = 20

// completeRuns offers the newest runs in a directory, besides what another directive offers.
func (c *cli) completeRuns(f *runFlags, besides cobra.ShellCompDirective) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var offered []cobra.Completion
		for _, s := range c.newestRuns(cmd.Context(), f, completedRuns) {
			offered = append(offered, cobra.CompletionWithDesc(s.RunID, strings.TrimSpace(s.Name+" "+statusOf(s))))
		}
		return offered, besides
	}
}

// newestRuns returns up to n of the newest runs in a directory.
func (c *cli) newestRuns(ctx context.Context, f *runFlags, n int) []protocol.RunState {
	if f.function != "" || strings.HasPrefix(cmp.Or(f.store, c.lookup(storeVariable)), bucketPrefix) {
		return nil // asking AWS takes too long
	}
	k, err := c.reader(ctx, f)
	if err != nil {
		return nil
	}
	page, _ := k.list(ctx, protocol.RunQuery{Limit: n}) // what could be read is offered
	return page.Runs
}
