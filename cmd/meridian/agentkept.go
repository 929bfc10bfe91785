package main

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"meridian/internal/mcp"
	"meridian/internal/report"
	"meridian/pkg/protocol"
)

// Runs implements mcp.Backend.
func (a *agent) Runs(ctx context.Context, q mcp.RunsInput) (protocol.RunPage, error) {
	f := listFlags{runFlags: *a.runFlags(), status: q.Status, since: cmp.Or(q.Since, "30d"), limit: q.Limit}
	f.name = q.Name
	_, page, err := a.cli.list(ctx, &f)
	return page, agentError(err)
}

// Show implements mcp.Backend.
func (a *agent) Show(ctx context.Context, run string, filter mcp.Filter, s mcp.Selection) (mcp.Listing, error) {
	f := a.runFlags()
	k, id, err := a.cli.locate(ctx, f, run)
	if err != nil {
		return mcp.Listing{}, agentError(err)
	}
	kept, err := k.result(ctx, id)
	if err != nil {
		return mcp.Listing{}, agentError(err)
	}
	return f.list(kept, true, filter, s)
}

// Result implements mcp.Backend.
func (a *agent) Result(ctx context.Context, id string) (protocol.Result, bool, error) {
	k, err := a.cli.keepOf(ctx, a.runFlags())
	if err != nil {
		return protocol.Result{}, false, agentError(err)
	}
	kept, err := k.result(ctx, id)
	if complaint, ok := errors.AsType[*complaintError](err); ok && complaint.status == exitUsage {
		return protocol.Result{}, false, nil // there is none
	}
	kept.markInterrupted()
	return kept.result, true, agentError(err)
}

// Diff implements mcp.Backend.
func (a *agent) Diff(ctx context.Context, q mcp.DiffQuery) (mcp.Difference, error) {
	f := diffFlags{runFlags: *a.runFlags(), slower: cmp.Or(q.Slower, defaultSlower)}
	f.name = q.Name
	how, err := f.comparison(func(flag string) bool { return flag == "name" && q.Name != "" })
	if err != nil {
		return mcp.Difference{}, agentError(err)
	}
	how.Key = q.Key
	d, err := compareNamed([]string{q.Before, q.After}, how, func(name string) (keptRun, error) { return a.cli.namedRun(ctx, &f, name) })
	if err != nil {
		return mcp.Difference{}, agentError(err)
	}
	var text strings.Builder
	if err := report.DifferenceText(&text, d, report.Options{}); err != nil {
		return mcp.Difference{}, err
	}
	found := mcp.Difference{
		Before: mcp.RunRef(d.Before), After: mcp.RunRef(d.After), Worse: d.Worse, Counts: map[string]int{}, Summary: printable(text.String()),
	}
	for change, n := range d.Counts {
		found.Counts[string(change)] = n
	}
	found.Findings, err = mcp.Rows(d.Findings)
	return found, err
}
