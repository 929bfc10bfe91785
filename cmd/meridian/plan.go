package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"meridian/internal/coordinator"
	"meridian/pkg/protocol"
)

// preview returns what the request would do. It invokes nothing.
func (c *cli) preview(ctx context.Context, f *runFlags, request protocol.Request) (coordinator.Preview, error) {
	limit, planner := protocol.MaxPayloadBytes, planner()
	if f.function == "" { // else the deployed coordinator knows which functions it may invoke
		limit, request.TimeoutSeconds = 0, cmp.Or(request.TimeoutSeconds, localTimeoutSeconds)
		var err error
		if planner.Functions, err = functions(ctx, request, nil); err != nil {
			return coordinator.Preview{}, err
		}
	}
	plan, err := planner.Preview(request, limit)
	if err == nil && f.function == "" {
		err = f.checkAllowed(c.lookup, request)
	}
	return plan, err
}

// printPlan prints what the request would do. It invokes nothing.
func (c *cli) printPlan(ctx context.Context, f *runFlags, request protocol.Request, from source) error {
	plan, err := c.preview(ctx, f, request)
	if err != nil {
		return from.explain(err)
	}
	if f.output == formatJSON {
		return c.printJSON(plan)
	}
	if err := c.printColumns(planRows(plan)); err != nil {
		return err
	}
	return c.print("\n%s", planSummary(plan))
}

// anyFunction accepts every worker; it does not invoke it.
func anyFunction(protocol.Worker) (coordinator.Function, error) { return coordinator.Function{}, nil }

// planRows returns a row for each Region, with its account and its wave if there are any.
func planRows(plan coordinator.Preview) [][]string {
	shown := []bool{false, false, true, false, true, true, true}
	for _, r := range plan.Regions {
		shown[0] = shown[0] || r.Account != ""
		shown[1] = shown[1] || r.AccountName != ""
		shown[3] = shown[3] || r.Wave > 0
	}
	var rows [][]string
	add := func(cells ...string) {
		var row []string
		for i, cell := range cells {
			if shown[i] {
				row = append(row, cell)
			}
		}
		rows = append(rows, row)
	}
	add("ACCOUNT", "ACCOUNT NAME", "REGION", "WAVE", "TARGETS", "INVOCATIONS", "SKIPPED")
	for _, r := range plan.Regions {
		add(r.Account, r.AccountName, r.Region, strconv.Itoa(r.Wave+1), strconv.Itoa(r.Targets), strconv.Itoa(len(r.Batches)), skipped(r))
	}
	return rows
}

// shownSkips is how many targets a line names.
const shownSkips = 3

// skipped returns the names of a Region's targets that would be skipped, or a single
// one with its cause.
func skipped(r coordinator.RegionPreview) string {
	switch n := len(r.Skips); {
	case n == 0 && r.Targets == 0:
		return "no service is listed in this Region"
	case n == 1:
		return r.Skips[0].Target + ": " + r.Skips[0].Cause
	case n > 1:
		names := make([]string, 0, shownSkips)
		for _, s := range r.Skips[:min(n, shownSkips)] {
			names = append(names, s.Target)
		}
		if n > shownSkips {
			names = append(names, fmt.Sprintf("and %d more", n-shownSkips))
		}
		return fmt.Sprintf("%d: %s", n, strings.Join(names, ", "))
	}
	return ""
}

// planSummary returns the amount of work, the time limits and the size limits.
func planSummary(p coordinator.Preview) string {
	var b strings.Builder
	work := "task " + p.Task
	if p.Function != "" {
		work = "function " + p.Function
	}
	fmt.Fprintf(&b, "%s: %s in %s, by %s, at most %d at once\n", work, count(p.Targets, "target"),
		regionsOf(p), count(p.Invocations, "invocation"), p.MaxConcurrency)
	fmt.Fprintf(&b, "time: %s for the run, %s for an invocation, %s for a target\n", within(p.TimeoutSeconds, "the function's timeout"),
		within(p.RegionTimeoutSeconds, "what is left of it"), within(p.TargetTimeoutSeconds, "what is left of that"))
	fmt.Fprintf(&b, "the longest invocation takes %d of %d bytes\n", p.PayloadBytes, p.MaxPayloadBytes)
	fmt.Fprintf(&b, "the outcomes take up to %d of the %d bytes of a function's answer, outputs not counted\n", p.AnswerBytes, p.MaxAnswerBytes)
	for _, notice := range p.Notices {
		fmt.Fprintf(&b, "%s\n", notice)
	}
	b.WriteString("nothing was invoked\n")
	return b.String()
}

// regionsOf counts the Regions of a plan, and its accounts if it has any.
func regionsOf(p coordinator.Preview) string {
	accounts := map[string]bool{}
	for _, r := range p.Regions {
		if key := r.Account + " " + r.AccountName; key != " " {
			accounts[key] = true
		}
	}
	regions := count(len(p.Regions), "Region")
	if len(accounts) > 0 {
		regions += " of " + count(len(accounts), "account")
	}
	return regions
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// within returns a time limit; 0 means no limit.
func within(seconds float64, unlimited string) string {
	if seconds == 0 {
		return unlimited
	}
	return strconv.FormatFloat(seconds, 'g', -1, 64) + " s"
}
