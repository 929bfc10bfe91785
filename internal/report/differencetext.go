package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"meridian/pkg/protocol"
)

// Text writes a line for each finding, by change, and a last line that counts them. What is
// still failing is only counted. With [Options].Width, lines of findings are cut. It returns the
// error of w.
func (d Difference) Text(w io.Writer, o Options) error {
	p := o.palette()
	columns := make([]column, 4)
	for _, f := range d.Findings {
		if f.Change == ChangeStillFailing {
			continue
		}
		style := lipgloss.NewStyle()
		switch f.Change {
		case ChangeNewlyFailing, ChangeSlower:
			style = p.status[protocol.StatusFailed]
		case ChangeRecovered:
			style = p.status[protocol.StatusSucceeded]
		case ChangeStillFailing, ChangeCame, ChangeWent, ChangeRowCame, ChangeRowWent, ChangeRowChanged:
		}
		in := where(protocol.RegionOutcome{Account: f.Account, AccountName: f.AccountName, Region: f.Region})
		for i, cell := range []string{style.Render(f.Change.words()), clean(in), clean(f.Target), clean(d.what(f))} {
			columns[i].cells = append(columns[i].cells, cell)
		}
	}
	var b strings.Builder
	for line := range strings.Lines(join(columns, nil)) {
		b.WriteString(cut(strings.TrimSuffix(line, "\n"), o.Width) + "\n")
	}
	b.WriteString(paragraph(d.tally(), o.Width, p.strong))
	_, err := io.WriteString(w, b.String())
	return err
}

// words returns a change as it is printed.
func (c Change) words() string {
	return strings.ToLower(strings.ReplaceAll(string(c), "_", " "))
}

// what returns what a finding says besides where it is.
func (d Difference) what(f Finding) string {
	switch f.Change {
	case ChangeSlower:
		return fmt.Sprintf("%s, before %s", seconds(f.AfterMs), seconds(f.BeforeMs))
	case ChangeRecovered:
		return "before: " + cmp.Or(reason(f.Error, f.Cause), string(f.Status))
	case ChangeRowCame, ChangeRowWent:
		return compact(f.Row)
	case ChangeRowChanged:
		var parts []string
		for _, name := range d.Key {
			parts = append(parts, cellOf(f.Row[name]))
		}
		for _, name := range slices.Sorted(maps.Keys(f.Before)) {
			parts = append(parts, fmt.Sprintf("%s: %s → %s", name, value(f.Before[name]), value(f.Row[name])))
		}
		return strings.Join(parts, "  ")
	case ChangeNewlyFailing, ChangeStillFailing, ChangeCame, ChangeWent:
	}
	return cmp.Or(reason(f.Error, f.Cause), string(f.Status))
}

// tally counts the findings.
func (d Difference) tally() string {
	var parts []string
	for _, c := range Changes() {
		n, words := d.Counts[c], c.words()
		if n == 0 {
			continue
		}
		if verb, ofRow := strings.CutPrefix(words, "row "); ofRow {
			parts = append(parts, count(n, "row ", "rows ")+verb)
		} else {
			parts = append(parts, fmt.Sprintf("%d %s", n, words))
		}
	}
	if len(d.Findings) == d.Counts[ChangeStillFailing] {
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
