package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"meridian/internal/difference"
	"meridian/pkg/protocol"
)

// Columns returns the names of the columns, in order.
func (l *Listing) Columns() []string { return slices.Clone(l.columns) }

// Found returns how many rows the task found. Rows of errors do not count.
func (l *Listing) Found() int { return l.found }

// Cells returns each row as the texts of its columns, safe to show on one line. A list or an object is
// JSON.
func (l *Listing) Cells() [][]string {
	rows := make([][]string, len(l.rows))
	for n, row := range l.rows {
		rows[n] = make([]string, len(l.columns))
		for i, name := range l.columns {
			rows[n][i] = clean(cellOf(row[name]))
		}
	}
	return rows
}

// Table writes the rows as a table. With a width, its widest columns are cut, so that no
// row is wider; Summary then has the errors that were cut. Without a row, it writes
// nothing.
func (l *Listing) Table(w io.Writer, o Options) error {
	if len(l.rows) == 0 {
		return nil
	}
	l.shown = true
	p := o.palette()
	var columns []column
	for _, name := range l.columns {
		if name == columnError && !l.failed && !l.chosen {
			continue
		}
		columns = append(columns, l.column(name, p))
	}
	if o.Width > 0 {
		l.fit(columns, o.Width)
	}
	for i, c := range columns {
		columns[i].cells[0] = p.quiet.Render(c.cells[0])
	}
	var b strings.Builder
	row := -1 // the header
	for line := range strings.Lines(join(columns, nil)) {
		line = cut(strings.TrimSuffix(line, "\n"), o.Width)
		b.WriteString(line + "\n")
		if row >= 0 && !strings.Contains(ansi.Strip(line), clean(errorOf(l.rows[row]))) {
			l.hidden = append(l.hidden, l.rows[row])
		}
		row++
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// fit cuts the cells of the columns to a width. The first columns, which say where a row is
// from, stay whole unless there are no others.
func (l *Listing) fit(columns []column, width int) {
	var rest []column
	left, leading := width, true
	for i, c := range columns {
		leading = leading && l.columns[i] != columnTarget && slices.Contains(places, l.columns[i])
		if leading && l.columns[i] != columnAccountName { // a name may be long
			left -= c.width() + gap
		} else {
			rest = append(rest, c)
		}
	}
	if rest == nil {
		rest, left = columns, width
	}
	fit(rest, left)
}

// header returns the header of a column in a table.
func header(name string) string {
	if name == columnAccountName {
		return "ACCOUNT NAME"
	}
	return strings.ToUpper(name)
}

// column returns the cells of a column. One of numbers is aligned to the right.
func (l *Listing) column(name string, p palette) column {
	c := column{cells: []string{clean(header(name))}}
	numbers, others := false, false
	for _, row := range l.rows {
		cell := clean(cellOf(row[name]))
		if name == columnError {
			cell = clean(errorOf(row))
		}
		numbers = numbers || number(row[name])
		others = others || cell != "" && !number(row[name])
		if name == columnError && cell != "" {
			cell = p.status[protocol.StatusFailed].Render(cell)
		}
		c.cells = append(c.cells, cell)
	}
	c.right = numbers && !others
	return c
}

// leastCell is the least width of a cell that is cut. A line that is still too long is cut
// at its end.
const leastCell = 4

// fit cuts the cells of the widest columns to one width, so that all columns together take
// no more than width.
func fit(columns []column, width int) {
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = c.width()
	}
	most := slices.Max(widths)
	for sum := total(columns); most > leastCell && sum > width; most-- {
		for _, w := range widths {
			if w >= most {
				sum--
			}
		}
	}
	for _, c := range columns {
		for i, cell := range c.cells {
			c.cells[i] = cut(cell, most)
		}
	}
}

// CSV writes the rows as comma-separated values, after a row with the names of the
// columns.
func (l *Listing) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	write := func(record []string) error {
		if len(record) == 1 && record[0] == "" { // readers take an empty line for no row
			out.Flush()
			_, err := io.WriteString(w, "\"\"\n")
			return err
		}
		return out.Write(record)
	}
	header := make([]string, len(l.columns))
	for i, name := range l.columns {
		header[i] = graphic(name)
	}
	if err := write(header); err != nil {
		return err
	}
	for _, row := range l.rows {
		record := make([]string, len(l.columns))
		for i, name := range l.columns {
			record[i] = graphic(cellOf(row[name]))
		}
		if err := write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// JSONLines writes each row as a JSON object on a line of its own, with its members in
// the order of the columns. A row has no member for a column that it lacks. It writes
// whole lines.
func (l *Listing) JSONLines(w io.Writer) error {
	for _, row := range l.rows {
		var b bytes.Buffer
		b.WriteByte('{')
		for _, name := range l.columns {
			value, ok := row[name]
			if !ok {
				continue
			}
			if b.Len() > 1 {
				b.WriteByte(',')
			}
			b.WriteString(difference.Compact(name) + ":")
			if json.Compact(&b, value) != nil {
				b.WriteString("null") // cannot happen: it was decoded from JSON
			}
		}
		b.WriteString("}\n")
		if _, err := w.Write(b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// Summary writes what the rows do not say: errors that are not listed whole, what was left
// out, the cost, hints and notices, and the error of a run that did not succeed.
// Its last line counts rows, Regions, accounts and failures.
func (l *Listing) Summary(w io.Writer, o Options) error {
	var b strings.Builder
	line := func(text string) { b.WriteString(paragraph(clean(text), o.Width, lipgloss.NewStyle())) }
	hidden := l.hidden
	if !slices.Contains(l.columns, columnError) {
		hidden = slices.DeleteFunc(slices.Clone(l.rows), func(row map[string]json.RawMessage) bool { return row[columnError] == nil })
	}
	if l.accounts != nil {
		l.writeGroups(&b, hidden, o)
		hidden = nil
	}
	for _, row := range hidden[:min(len(hidden), maxFailures)] {
		line(cellOf(row[columnRegion]) + "  " + cellOf(row[columnTarget]) + "  " + errorOf(row))
	}
	if more := len(hidden) - maxFailures; more > 0 {
		line(fmt.Sprintf("… and %d more failures (-o csv has them all)", more))
	}
	for _, why := range l.cuts {
		line("note: not all rows: " + why)
	}
	for _, name := range l.unknown {
		line(fmt.Sprintf("note: no row has the column %q; there are %s", name, strings.Join(l.known, ", ")))
	}
	result := l.result
	if l.shown || !slices.Contains(l.columns, columnError) {
		result = withoutShown(result)
	}
	writeNotes(&b, result, o, o.palette())
	counts := l.result.Summary.Regions
	text := fmt.Sprintf("%s from %s", count(l.found, "row", "rows"), count(counts.Total, "Region", "Regions"))
	if l.accounts != nil {
		text += " of " + count(len(l.accounts), "account", "accounts")
	}
	if others := others(counts, false); len(others) > 0 {
		text += " (" + strings.Join(others, ", ") + ")"
	}
	text += " in " + span(l.result.ElapsedMs)
	if carried := generations(l.result); carried != "" {
		text += ", " + carried
	}
	line(text)
	_, err := io.WriteString(w, b.String())
	return err
}

// writeGroups writes errors of accounts that the rows do not show whole, and accounts in
// which all was skipped.
func (l *Listing) writeGroups(b *strings.Builder, hidden []map[string]json.RawMessage, o Options) {
	var gs groups
	for _, row := range hidden {
		gs.addRow(row, slices.Contains(l.known, columnTarget))
	}
	entered := map[account]bool{}
	for _, r := range l.result.Regions {
		entered[accountOf(r)] = entered[accountOf(r)] || r.Status != protocol.StatusSkipped
	}
	for _, r := range l.result.Regions {
		if !entered[accountOf(r)] {
			gs.addOutcome(r)
		}
	}
	gs.write(b, o, o.palette())
}
