package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"charm.land/lipgloss/v2"

	"meridian/pkg/protocol"
)

// The measures of the table, in cells.
const (
	gap            = 2
	leastAnswer    = 20 // with less room the answer goes on a line of its own
	enoughAnswer   = 60 // the timeline leaves this much for the answer: most causes fit
	leastTimeline  = 10
	widestTimeline = 24
)

// A column is one column of the table, its header first. Its cells can contain escape
// sequences.
type column struct {
	right bool // aligned to the right: numbers
	extra bool // left out when there is no room
	cells []string
}

func (c column) width() int {
	widest := 0
	for _, cell := range c.cells {
		widest = max(widest, lipgloss.Width(cell))
	}
	return widest
}

// pad returns cell i, padded to width.
func (c column) pad(i, width int) string {
	blank := strings.Repeat(" ", max(0, width-lipgloss.Width(c.cells[i])))
	if c.right {
		return blank + c.cells[i]
	}
	return c.cells[i] + blank
}

// regionTable returns the table of the Regions, and which Regions' answers were cut.
func regionTable(r protocol.Result, o Options, p palette) (table string, shortened []bool) {
	width := o.width()
	columns := facts(r, p)
	answers := answers(r, o.All, p)
	shortened = make([]bool, len(r.Regions))
	if width == 0 {
		return join(append(columns, answers), nil), shortened
	}
	room := width - total(columns) - gap
	if room < min(leastAnswer, answers.width()) {
		if total(columns) > width {
			columns = slices.DeleteFunc(columns, func(c column) bool { return c.extra })
		}
		return join(columns, below(answers.cut(width-gap, shortened))), shortened
	}
	cells := min(widestTimeline, room-gap-min(answers.width(), enoughAnswer))
	if cells >= leastTimeline && len(r.Regions) > 1 {
		if line := timelines(r, cells, p); line.width() <= cells { // the times of a long run can be wider
			columns = append(columns, line)
			room -= gap + cells
		}
	}
	return join(append(columns, answers.cut(room, shortened)), nil), shortened
}

// cut returns the column with its cells cut to width, and notes in shortened which they
// are, the header not counted.
func (c column) cut(width int, shortened []bool) column {
	for i, cell := range c.cells {
		if lipgloss.Width(cell) > width {
			c.cells[i] = cut(cell, width)
			if i > 0 {
				shortened[i-1] = true
			}
		}
	}
	return c
}

// facts returns the columns that do not depend on the width: the account if there are
// several, Region, status and time, the Region in which the worker ran if it was another
// one, and the invocations and their retries if there was more than one attempt.
func facts(r protocol.Result, p palette) []column {
	columns := []column{
		{cells: []string{p.quiet.Render("ACCOUNT")}},
		{cells: []string{p.quiet.Render("ACCOUNT NAME")}},
		{cells: []string{p.quiet.Render("REGION")}},
		{cells: []string{p.quiet.Render("RAN IN")}, extra: true},
		{cells: []string{p.quiet.Render("STATUS")}},
		{cells: []string{p.quiet.Render("INVOCATIONS")}, extra: true, right: true},
		{cells: []string{p.quiet.Render("RETRIES")}, extra: true, right: true},
		{cells: []string{p.quiet.Render("TIME")}, right: true},
	}
	accounts := accountsOf(r)
	named := len(accounts) > 1 && slices.ContainsFunc(accounts, func(a account) bool { return a.name != "" })
	elsewhere, several, retried := false, false, false
	for _, region := range r.Regions {
		workerIn, invoked, again, elapsed := "-", "-", "-", "-"
		if region.WorkerRegion != "" {
			workerIn = clean(region.WorkerRegion)
			elsewhere = elsewhere || region.WorkerRegion != region.Region
		}
		if len(region.Attempts) > 0 {
			invocations, retries := region.Invocations()
			invoked, again = strconv.Itoa(invocations), strconv.Itoa(retries)
			several, retried = several || invocations > 1, retried || retries > 0
		}
		if len(region.Attempts) > 0 || region.ElapsedMs > 0 { // the attempts may have been left out of the result
			elapsed = seconds(region.ElapsedMs)
		}
		status := p.status[region.Status].Render(clean(string(region.Status)))
		for i, cell := range []string{clean(region.Account), clean(region.AccountName), clean(region.Region), workerIn, status, invoked, again, elapsed} {
			columns[i].cells = append(columns[i].cells, cell)
		}
	}
	shown := []bool{len(accounts) > 1, named, true, elsewhere, true, several, several || retried, true}
	var facts []column
	for i, c := range columns {
		if shown[i] {
			facts = append(facts, c)
		}
	}
	return facts
}

func timelines(r protocol.Result, cells int, p palette) column {
	t := newTimeline(r, cells, p)
	c := column{cells: []string{p.quiet.Render(t.axis())}}
	for _, region := range r.Regions {
		c.cells = append(c.cells, t.draw(region))
	}
	return c
}

// longReason is the length in bytes above which a reason is not repeated.
const longReason = 60

// answers returns the column of what came back. A long reason for a failure appears once,
// with its first Region; all says to repeat it.
func answers(r protocol.Result, all bool, p palette) column {
	c := column{cells: []string{p.quiet.Render("WHAT CAME BACK")}}
	first := map[string]string{} // the Region of each long reason
	for _, region := range r.Regions {
		text := answer(region)
		if len(text) > longReason && Failed(region.Status) && !all {
			why := requestID.ReplaceAllString(text, "$1")
			if as, told := first[why]; told {
				text = "as in " + clean(as)
			} else {
				first[why] = region.Region
			}
		}
		c.cells = append(c.cells, text)
	}
	return c
}

// total returns the width of the columns together.
func total(columns []column) int {
	sum := gap * (len(columns) - 1)
	for _, c := range columns {
		sum += c.width()
	}
	return sum
}

// below returns the cells of a column as lines to print below their rows.
func below(c column) []string {
	lines := make([]string, len(c.cells))
	for i, cell := range c.cells {
		if cell != "" {
			lines[i] = strings.Repeat(" ", gap) + cell
		}
	}
	return lines
}

// join returns the columns side by side, a line for each row. A row with a note is
// followed by it.
func join(columns []column, notes []string) string {
	var b strings.Builder
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = c.width()
	}
	for row := range columns[0].cells {
		cells := make([]string, len(columns))
		for i, c := range columns {
			cells[i] = c.pad(row, widths[i])
		}
		b.WriteString(strings.TrimRight(strings.Join(cells, strings.Repeat(" ", gap)), " ") + "\n")
		if notes != nil && notes[row] != "" {
			b.WriteString(notes[row] + "\n")
		}
	}
	return b.String()
}

// joinWithin returns the columns side by side, in lines of at most width cells. A width of 0 means no limit.
func joinWithin(width int, columns []column) string {
	var b strings.Builder
	for line := range strings.Lines(join(columns, nil)) {
		b.WriteString(cut(strings.TrimSuffix(line, "\n"), width) + "\n")
	}
	return b.String()
}

// seconds formats a time in the unit of all rows.
func seconds(ms float64) string { return fmt.Sprintf("%.3f s", ms/1000) }
