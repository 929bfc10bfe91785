package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"meridian/pkg/protocol"
)

// symbols are the statuses in a strip. They need no color.
//
//nolint:gochecknoglobals // a constant
var symbols = map[protocol.Status]string{
	protocol.StatusSucceeded:  ".",
	protocol.StatusFailed:     "F",
	protocol.StatusTimedOut:   "T",
	protocol.StatusAborted:    "A",
	protocol.StatusNotStarted: "-",
	protocol.StatusSkipped:    "s",
	protocol.StatusRunning:    "r",
}

// symbolUnreadable is the character of each strip for a run that could not be read.
const symbolUnreadable = "?"

// noBreak is a space that no line is wrapped at.
const noBreak = "\u00a0"

// Text writes a line for each run, the newest last, and then a strip for each Region with a character for
// each run, the newest at the right. Regions that always succeeded or were skipped are only counted, unless
// [Options].All. With [Options].Width, strips lose their oldest runs, and a line says how many. It returns
// the error of w.
func (h History) Text(w io.Writer, o Options) error {
	p := o.palette()
	var b strings.Builder
	b.WriteString(h.table(o.width(), p))
	if len(h.Strips) > 0 {
		b.WriteString("\n")
		h.writeStrips(&b, o, p)
	}
	if h.Older {
		b.WriteString(paragraph("there are older runs: --limit and --since list more", o.Width, p.quiet))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// table returns the lines of the runs. If it is wider than width, it has no ids of runs, the counts of Regions
// are cut, and it has no times if that is not enough.
func (h History) table(width int, p palette) string {
	columns := []column{
		{cells: []string{p.quiet.Render("STARTED (UTC)")}},
		{cells: []string{p.quiet.Render("STATUS")}},
		{cells: []string{p.quiet.Render("REGIONS")}},
		{cells: []string{p.quiet.Render("CHANGED")}},
		{cells: []string{p.quiet.Render("TIME")}, right: true},
		{cells: []string{p.quiet.Render("RUN")}},
	}
	for _, run := range h.Runs {
		for i, cell := range []string{
			startOf(run), run.status(p), run.regions(), run.changed(), span(run.ElapsedMs), clean(run.RunID),
		} {
			columns[i].cells = append(columns[i].cells, cell)
		}
	}
	if width > 0 && total(columns) > width {
		columns = columns[:5]
		regions := columns[2]
		if total(columns)-regions.width()+leastLabel > width {
			columns = columns[:4]
		}
		room := width - (total(columns) - regions.width())
		for i, cell := range regions.cells {
			regions.cells[i] = cut(cell, max(leastLabel, room))
		}
	}
	var b strings.Builder
	b.WriteString(joinWithin(width, columns))
	for _, run := range h.Runs {
		if run.Unreadable != "" {
			b.WriteString(indented(startOf(run)+" cannot be read: "+clean(run.Unreadable), width))
		}
	}
	return b.String()
}

// startOf returns when a run started.
func startOf(r PastRun) string { return r.StartedAt.UTC().Format("2006-01-02 15:04") }

// status returns the status of a run as it is printed.
func (r PastRun) status(p palette) string {
	switch {
	case r.Interrupted:
		return p.status[protocol.StatusAborted].Render("interrupted")
	case r.Status == "":
		return "unknown"
	}
	return p.status[r.Status].Render(clean(string(r.Status)))
}

// regions counts the Regions of a run by status: "33/34 ok, 1 failed".
func (r PastRun) regions() string {
	if r.Regions.Total == 0 {
		return ""
	}
	return strings.Join(append([]string{fmt.Sprintf("%d/%d ok", r.Regions.Succeeded, r.Regions.Total)}, others(r.Regions, false)...), ", ")
}

// changed returns what changed against the run before.
func (r PastRun) changed() string {
	var parts []string
	if r.NewlyFailing > 0 {
		parts = append(parts, fmt.Sprintf("%d newly failing", r.NewlyFailing))
	}
	if r.Recovered > 0 {
		parts = append(parts, fmt.Sprintf("%d recovered", r.Recovered))
	}
	return strings.Join(parts, ", ")
}

// writeStrips writes the strips, how many Regions have none, and what the characters mean.
func (h History) writeStrips(b *strings.Builder, o Options, p palette) {
	var shown []Strip
	used, steady, skipped := map[string]bool{}, 0, false
	for _, s := range h.Strips {
		if !o.All && h.steady(s) {
			steady++
			skipped = skipped || slices.Contains(s.Statuses, protocol.StatusSkipped)
			continue
		}
		shown = append(shown, s)
		for i := range s.Statuses {
			used[h.symbol(s, i)] = true
		}
	}
	b.WriteString(h.lines(shown, o, p))
	if steady > 0 {
		text := count(steady, "Region", "Regions")
		if h.Strips[0].Account+h.Strips[0].AccountName != "" {
			text = count(steady, "Region of an account", "Regions of accounts")
		}
		text += " always succeeded"
		if skipped {
			text += " or were skipped"
		}
		b.WriteString(paragraph(text, o.Width, lipgloss.NewStyle()))
	}
	if len(shown) > 0 {
		b.WriteString(strings.ReplaceAll(paragraph(h.legend(used), o.Width, p.quiet), noBreak, " "))
	}
}

// lines returns a line for each strip, and one above them that says what they show.
func (h History) lines(strips []Strip, o Options, p palette) string {
	if len(strips) == 0 {
		return ""
	}
	columns := stripNames(strips, o.width(), p)
	runs, left := len(h.Runs), 0
	if width := o.width(); width > 0 {
		left = max(0, runs-max(1, width-total(columns)-gap))
	}
	title := count(runs, "run", "runs") + ", the newest at the right"
	if left > 0 {
		title = fmt.Sprintf("the %d newest runs, the newest at the right", runs-left)
	}
	cells := column{cells: []string{p.quiet.Render(title)}}
	for _, s := range strips {
		cells.cells = append(cells.cells, h.strip(s, left, p))
	}
	lines := joinWithin(o.width(), append(columns, cells))
	if left > 0 {
		lines += paragraph(fmt.Sprintf("the strips leave out %s: -o wide has them", count(left, "older run", "older runs")), o.Width, lipgloss.NewStyle())
	}
	return lines
}

// stripNames returns the columns with the accounts and Regions of strips. With a width, names of accounts are cut.
func stripNames(strips []Strip, width int, p palette) []column {
	var accounts []account
	for _, s := range strips {
		if a := (account{s.Account, s.AccountName}); a != (account{}) && !slices.Contains(accounts, a) {
			accounts = append(accounts, a)
		}
	}
	short := labels(accounts)
	owners, regions := column{cells: []string{p.quiet.Render("ACCOUNT")}}, column{cells: []string{p.quiet.Render("REGION")}}
	for _, s := range strips {
		label := clean(short[account{s.Account, s.AccountName}])
		if width > 0 {
			label = cut(label, max(leastLabel, width/3))
		}
		owners.cells, regions.cells = append(owners.cells, label), append(regions.cells, clean(s.Region))
	}
	if accounts == nil {
		return []column{regions}
	}
	return []column{owners, regions}
}

// strip returns the characters of a strip, without its first runs.
func (h History) strip(s Strip, left int, p palette) string {
	var b strings.Builder
	for i := left; i < len(s.Statuses); {
		status, symbol, n := s.Statuses[i], h.symbol(s, i), 1
		for i+n < len(s.Statuses) && s.Statuses[i+n] == status && h.symbol(s, i+n) == symbol {
			n++
		}
		b.WriteString(p.status[status].Render(strings.Repeat(symbol, n)))
		i += n
	}
	return b.String()
}

// symbol returns the character of a strip for a run.
func (h History) symbol(s Strip, run int) string {
	switch status := s.Statuses[run]; {
	case h.Runs[run].Unreadable != "":
		return symbolUnreadable
	case status == "":
		return " "
	default:
		return cmp.Or(symbols[status], "+") // a newer coordinator has other statuses
	}
}

// legend says what the characters mean that the strips have.
func (h History) legend(used map[string]bool) string {
	var parts []string
	for _, s := range protocol.Statuses() {
		if used[symbols[s]] {
			parts = append(parts, symbols[s]+" "+strings.ToLower(strings.ReplaceAll(string(s), "_", " ")))
		}
	}
	if used[symbolUnreadable] {
		parts = append(parts, symbolUnreadable+" cannot be read")
	}
	if used[" "] {
		parts = append(parts, "blank: not asked for, or not reached yet")
	}
	for i, part := range parts {
		parts[i] = strings.ReplaceAll(part, " ", noBreak)
	}
	return strings.Join(parts, "  ")
}

// steady reports whether a Region succeeded, or had nothing to do, in each run that asked for it. One that was
// running when its run was interrupted did not.
func (h History) steady(s Strip) bool {
	some := false
	for i, status := range s.Statuses {
		switch {
		case status == protocol.StatusSucceeded, status == protocol.StatusSkipped:
			some = true
		case status == protocol.StatusRunning && !h.Runs[i].Interrupted, status == "":
		default:
			return false
		}
	}
	return some
}
