package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"meridian/internal/report"
	"meridian/pkg/protocol"
)

// A heading is what a page of a run begins with.
type heading struct {
	Title string
	Facts []string
	Tiles []tile
}

// A tile is a number of a page, with what it says.
type tile struct {
	Name, Value string
	Details     []string
	Bar         []segment // Nil means none.
}

// A segment is a part of the bar of a tile: the share of a status, in percent.
type segment struct {
	Status protocol.Status
	X, W   string
}

// titleOf returns the title of a run.
func titleOf(r protocol.Result) string {
	return report.Clean(cmp.Or(r.Name, "Run "+r.RunID))
}

// headingOf returns the heading of a result with a number of rows.
func headingOf(r protocol.Result, rows int) heading {
	h := heading{Title: titleOf(r)}
	if r.Name != "" { // else the title has the id
		h.Facts = append(h.Facts, "run "+report.Clean(r.RunID))
	}
	if !r.StartedAt.IsZero() {
		h.Facts = append(h.Facts, "started "+when(r.StartedAt))
	}
	if r.Message != "" {
		h.Facts = append(h.Facts, report.Clean(r.Message))
	}
	s := r.Summary
	duration := tile{Name: "Duration", Value: span(r.ElapsedMs)}
	if r.Generations > 1 {
		duration.Details = append(duration.Details, count(r.Generations, "generation", "generations"))
	}
	if r.Redrives > 0 {
		duration.Details = append(duration.Details, count(r.Redrives, "redrive", "redrives"))
	}
	if s.Speedup > 1 {
		duration.Details = append(duration.Details, fmt.Sprintf("%.1f times as fast as one after the other", s.Speedup))
	}
	h.Tiles = append(h.Tiles, duration)
	if s.Accounts != nil {
		h.Tiles = append(h.Tiles, countTile("Accounts", *s.Accounts))
	}
	h.Tiles = append(h.Tiles, countTile("Regions", s.Regions), countTile("Targets", s.Targets), attemptsTile(r))
	h.Tiles = append(h.Tiles, tile{Name: "Rows", Value: plain(rows)})
	if c := s.Cost; c != nil {
		cost := tile{Name: "Cost", Value: report.Dollars(c.USD), Details: []string{count(c.Workers.Requests, "invocation", "invocations")}}
		if n := c.Workers.ColdStarts; n > 0 {
			cost.Details = append(cost.Details, count(n, "cold start", "cold starts"))
		}
		h.Tiles = append(h.Tiles, cost)
	}
	return h
}

// countTile returns the tile of counts by status.
func countTile(name string, c protocol.Counts) tile {
	t := tile{Name: name, Value: plain(c.Succeeded) + " of " + plain(c.Total)}
	at := 0.0
	for _, s := range append([]protocol.Status{protocol.StatusSucceeded}, ranks...) {
		n := c.Of(s)
		if n == 0 || s == protocol.StatusSucceeded && at > 0 {
			continue
		}
		share := 100 * float64(n) / float64(max(1, c.Total))
		t.Bar = append(t.Bar, segment{s, percent(at), percent(share)})
		t.Details = append(t.Details, plain(n)+" "+words(s))
		at += share
	}
	return t
}

// attemptsTile returns the tile of the attempts of a result.
func attemptsTile(r protocol.Result) tile {
	s := r.Summary
	t := tile{Name: "Attempts", Value: plain(s.Attempts)}
	retries := max(0, s.TargetRetries-s.Retries) // a retry of an invocation retries its targets too
	for _, of := range []struct {
		n         int
		one, many string
	}{
		{s.Retries, "retry", "retries"},
		{s.Hedges, "hedge", "hedges"},
		{s.Throttled, "throttle", "throttles"},
		{retries, "retry of a target", "retries of targets"},
	} {
		if of.n > 0 {
			t.Details = append(t.Details, count(of.n, of.one, of.many))
		}
	}
	return t
}

// percent formats a share in percent, as a length in SVG.
func percent(share float64) string { return fmt.Sprintf("%.2f%%", share) }

// shownFailures is the number of groups of failures on a page: more than a person reads. The rows
// have every failure.
const shownFailures = 100

// shownWhy is the number of characters of a reason in a group of failures.
const shownWhy = 500

// failures are the groups of what did not succeed.
type failures struct {
	Groups []failure
	More   int // that are left out
}

// A failure is one group: with its status, where, and why.
type failure struct {
	Status     protocol.Status
	Where, Why string
}

// failuresOf returns the failures of a result.
func failuresOf(r protocol.Result) failures {
	groups := report.Groups(r)
	shown := groups[:min(len(groups), shownFailures)]
	f := failures{More: len(groups) - len(shown)}
	for _, g := range shown {
		parts := []string{some(g.Accounts, "accounts"), some(g.Regions, "Regions"), some(g.Targets, "targets")}
		parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
		f.Groups = append(f.Groups, failure{g.Status, strings.Join(parts, " · "), cut(report.Clean(g.Why), shownWhy)})
	}
	return f
}

// some returns names if they are few, else the first of them and how many there are.
func some(names []string, many string) string {
	const few = 4
	if len(names) <= few {
		return report.Clean(strings.Join(names, ", "))
	}
	return report.Clean(strings.Join(names[:few-1], ", ")) + fmt.Sprintf(" and %d more %s", len(names)-few+1, many)
}
