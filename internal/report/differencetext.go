package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"meridian/internal/difference"
	"meridian/pkg/protocol"
)

// DifferenceText writes a line for each finding, by change, and a last line that counts them. What is
// still failing is only counted. With [Options].Width, lines of findings are cut. It returns the
// error of w.
func DifferenceText(w io.Writer, d difference.Difference, o Options) error {
	p := o.palette()
	columns := make([]column, 4)
	for _, f := range d.Findings {
		if f.Change == difference.ChangeStillFailing {
			continue
		}
		style := lipgloss.NewStyle()
		switch f.Change {
		case difference.ChangeNewlyFailing, difference.ChangeSlower:
			style = p.status[protocol.StatusFailed]
		case difference.ChangeRecovered:
			style = p.status[protocol.StatusSucceeded]
		case difference.ChangeStillFailing, difference.ChangeCame, difference.ChangeWent, difference.ChangeRowCame, difference.ChangeRowWent, difference.ChangeRowChanged:
		}
		in := where(protocol.RegionOutcome{Account: f.Account, AccountName: f.AccountName, Region: f.Region})
		for i, cell := range []string{style.Render(f.Change.Words()), clean(in), clean(f.Target), clean(WhatChanged(d.Key, f))} {
			columns[i].cells = append(columns[i].cells, cell)
		}
	}
	_, err := io.WriteString(w, joinWithin(o.Width, columns)+paragraph(differenceTally(d), o.Width, p.strong))
	return err
}

// WhatChanged describes a finding, without its place.
func WhatChanged(key []string, f difference.Finding) string {
	switch f.Change {
	case difference.ChangeSlower:
		return fmt.Sprintf("%s, before %s", seconds(f.AfterMs), seconds(f.BeforeMs))
	case difference.ChangeRecovered:
		return "before: " + cmp.Or(reason(f.Error, f.Cause), string(f.Status))
	case difference.ChangeRowCame, difference.ChangeRowWent:
		return difference.Compact(f.Row)
	case difference.ChangeRowChanged:
		var parts []string
		for _, name := range key {
			parts = append(parts, cellOf(f.Row[name]))
		}
		for _, name := range slices.Sorted(maps.Keys(f.Before)) {
			parts = append(parts, fmt.Sprintf("%s: %s → %s", name, difference.Compact(f.Before[name]), difference.Compact(f.Row[name])))
		}
		return strings.Join(parts, "  ")
	case difference.ChangeNewlyFailing, difference.ChangeStillFailing, difference.ChangeCame, difference.ChangeWent:
	}
	return cmp.Or(reason(f.Error, f.Cause), string(f.Status))
}

// differenceTally counts the findings.
func differenceTally(d difference.Difference) string {
	var parts []string
	for _, c := range difference.Changes() {
		n, words := d.Counts[c], c.Words()
		if n == 0 {
			continue
		}
		if verb, ofRow := strings.CutPrefix(words, "row "); ofRow {
			parts = append(parts, count(n, "row ", "rows ")+verb)
		} else {
			parts = append(parts, fmt.Sprintf("%d %s", n, words))
		}
	}
	if len(d.Findings) == d.Counts[difference.ChangeStillFailing] {
		parts = slices.Insert(parts, 0, "nothing changed")
	}
	if d.NotCompared > 0 {
		parts = append(parts, count(d.NotCompared, "target", "targets")+" not compared (aborted, not started, running, or without its output)")
	}
	line := strings.Join(parts, ", ")
	if d.Before.RunID != "" {
		line = "since run " + clean(d.Before.RunID) + ": " + line
	}
	return line
}
