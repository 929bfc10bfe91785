package page

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"meridian/internal/report"
	"meridian/pkg/protocol"
)

// A table is one that sorts and filters.
type table struct {
	ID, Caption string
	Columns     []tableColumn
	Rows        []tableRow
}

// A tableColumn is a column of a table. One of numbers is aligned to the right.
type tableColumn struct {
	Name    string
	Numbers bool
}

// A tableRow is a row of a table.
type tableRow struct {
	Failed bool
	Cells  []tableCell
}

// A tableCell is a cell of a table.
type tableCell struct {
	Text    string
	Numbers bool
}

// tableOf returns a table of rows with the columns. failed reports whether a row is about a failure.
func tableOf(id, caption string, columns []string, rows [][]string, failed func(cells []string) bool) table {
	t := table{ID: id, Caption: caption}
	for i, name := range columns {
		numbers := slices.ContainsFunc(rows, func(cells []string) bool { return cells[i] != "" }) &&
			!slices.ContainsFunc(rows, func(cells []string) bool { return cells[i] != "" && !number(cells[i]) })
		t.Columns = append(t.Columns, tableColumn{report.Clean(name), numbers})
	}
	for _, cells := range rows {
		row := tableRow{failed(cells), make([]tableCell, len(cells))}
		for i, text := range cells {
			row.Cells[i] = tableCell{text, t.Columns[i].Numbers}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// number reports whether a text is a decimal number.
func number(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil && strings.Trim(text, "+-.0123456789eE") == ""
}

// rowsOf returns the rows of a result: errors first, then the slowest targets. found counts them without the rows
// of errors.
func rowsOf(r protocol.Result, o Options) (t table, found int) {
	listing := report.List(r, o.Rows, report.Selection{EveryTarget: o.EveryTarget, Times: true})
	columns := listing.Columns()
	cells := listing.Cells()
	elapsed := slices.Index(columns, "elapsedMs")
	failed := elapsed + 1 // the error is beside the time, and not at the end of the row
	columns = moveLast(columns, failed)
	for i := range cells {
		cells[i] = moveLast(cells[i], failed)
	}
	slices.SortStableFunc(cells, func(a, b []string) int {
		if (a[failed] == "") != (b[failed] == "") {
			return cmp.Compare(b[failed], a[failed]) // the empty one is the last
		}
		x, _ := strconv.ParseFloat(a[elapsed], 64)
		y, _ := strconv.ParseFloat(b[elapsed], 64)
		return cmp.Compare(y, x)
	})
	if !slices.ContainsFunc(cells, func(row []string) bool { return row[failed] != "" }) {
		columns = slices.Delete(columns, failed, failed+1)
		for i := range cells {
			cells[i] = slices.Delete(cells[i], failed, failed+1)
		}
		failed = -1
	}
	t = tableOf("rows", "Rows, those of errors first, then those of the slowest targets", columns, cells, func(row []string) bool {
		return failed >= 0 && row[failed] != ""
	})
	return t, listing.Found()
}

// moveLast moves the last text of a list to an index.
func moveLast(list []string, to int) []string {
	last := len(list) - 1
	return slices.Insert(slices.Clone(list[:last]), to, list[last])
}
