package page

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"meridian/internal/report"
	"meridian/pkg/protocol"
)

// The largest matrix that a browser shows without delay.
const (
	shownCells   = 12_000
	shownColumns = 1000
)

// levels is the number of shades of a matrix.
const levels = 5

// A matrix has an outcome in each cell: of a Region and a target, or of an account and a Region.
type matrix struct {
	Of          string   // what its lines are: Region or account
	Columns     []string // with the first of the whole line if there is one
	Lines       []line
	Legend      []shade
	Statuses    []protocol.Status // of cells, other than success
	MoreLines   int
	MoreColumns int
}

// A line is a line of a matrix.
type line struct {
	Label string
	Cells []cell
}

// A cell is an outcome. The zero cell is blank.
type cell struct {
	Class      string // of its status, and of the shade of its time
	Mark, Word string // its status; one that succeeded has no word, and no mark beside a time
	Text       string // its time
	Title      string // what the text and the status do not say
}

// A shade is an entry of the legend: the longest time that has it.
type shade struct {
	Level int
	Text  string
}

// A spot is where an outcome is in a matrix: the nth column with its name.
type spot struct {
	name string
	n    int
}

// An entry is an outcome in a line of a matrix.
type entry struct {
	at        spot
	status    protocol.Status
	elapsedMs float64
	attempts  int
	done, of  int // targets, if the entry has several
	why       string
}

// A row has the entries of a line.
type row struct {
	label     string
	status    protocol.Status
	elapsedMs float64
	entries   []entry
}

// matrixOf returns the matrix of a result. Lines and columns with failures come first, then the
// slowest.
func matrixOf(r protocol.Result) matrix {
	m, rows := matrix{Of: "Region"}, rowsByRegion(r)
	if r.Summary.Accounts != nil {
		m.Of, rows = "account", rowsByAccount(r)
	}
	slices.SortStableFunc(rows, func(a, b row) int { return worstFirst(a.status, b.status, a.elapsedMs, b.elapsedMs) })
	columns := columnsOf(rows)
	if m.MoreColumns = len(columns) - shownColumns; m.MoreColumns > 0 {
		columns = columns[:shownColumns]
	}
	if most := max(1, shownCells/max(1, len(columns))); len(rows) > most {
		m.MoreLines, rows = len(rows)-most, rows[:most]
	}
	bounds := boundsOf(rows)
	for i, ms := range bounds {
		m.Legend = append(m.Legend, shade{i + 1, span(ms)})
	}
	m.Columns = []string{"all"}
	for _, c := range columns {
		m.Columns = append(m.Columns, report.Clean(c.name))
	}
	var statuses []protocol.Status
	for _, row := range rows {
		whole := entry{status: row.status, elapsedMs: row.elapsedMs}
		statuses = append(statuses, row.status)
		l := line{report.Clean(row.label), []cell{whole.cell(nil)}}
		at := map[spot]entry{}
		for _, e := range row.entries {
			at[e.at] = e
			statuses = append(statuses, e.status)
		}
		for _, c := range columns {
			l.Cells = append(l.Cells, at[c].cell(bounds))
		}
		m.Lines = append(m.Lines, l)
	}
	m.Statuses = statusesOf(statuses)
	return m
}

// statusesOf returns the statuses that occur, each once, without success.
func statusesOf(all []protocol.Status) []protocol.Status {
	used := map[protocol.Status]bool{"": true, protocol.StatusSucceeded: true}
	var statuses []protocol.Status
	for _, s := range all {
		if !used[s] {
			used[s] = true
			statuses = append(statuses, s)
		}
	}
	slices.SortFunc(statuses, func(a, b protocol.Status) int { return cmp.Compare(rank(a), rank(b)) })
	return statuses
}

// rowsByRegion returns a row for each Region, with an entry for each target.
func rowsByRegion(r protocol.Result) []row {
	var rows []row
	account := report.AccountLabels(r)
	for _, region := range r.Regions {
		line := row{label: region.Region, status: region.Status, elapsedMs: region.ElapsedMs}
		if name := account(region); name != "" {
			line.label = name + " " + region.Region
		}
		times := map[string]int{}
		for _, t := range region.Targets {
			e := entry{at: spot{t.Target, times[t.Target]}, status: t.Status, elapsedMs: t.ElapsedMs, attempts: len(t.Attempts)}
			times[t.Target]++
			if t.Status != protocol.StatusSucceeded {
				e.why = reason(t.Error, t.Cause)
				if t.Cause == "" {
					e.why = reason(region.Error, region.Cause)
				}
			}
			line.entries = append(line.entries, e)
		}
		rows = append(rows, line)
	}
	return rows
}

// rowsByAccount returns a row for each account, with an entry for each Region. Its status is the worst
// of them, and its time the longest.
func rowsByAccount(r protocol.Result) []row {
	var rows []row
	index, account := map[string]int{}, report.AccountLabels(r)
	for _, region := range r.Regions {
		name := account(region)
		i, known := index[name]
		if !known {
			i = len(rows)
			index[name], rows = i, append(rows, row{label: name, status: region.Status})
		}
		e := entry{
			at: spot{name: region.Region}, status: region.Status, elapsedMs: region.ElapsedMs, attempts: len(region.Attempts),
			of: len(region.Targets),
		}
		for _, t := range region.Targets {
			if t.Status == protocol.StatusSucceeded {
				e.done++
			}
		}
		if region.Status != protocol.StatusSucceeded {
			e.why = reason(region.Error, region.Cause)
		}
		rows[i].entries = append(rows[i].entries, e)
		rows[i].elapsedMs = max(rows[i].elapsedMs, region.ElapsedMs)
		if rank(region.Status) < rank(rows[i].status) {
			rows[i].status = region.Status
		}
	}
	return rows
}

// columnsOf returns the columns of rows: those with the most failures first, then the slowest.
func columnsOf(rows []row) []spot {
	var columns []spot
	failures, slowest := map[spot]int{}, map[spot]float64{}
	for _, r := range rows {
		for _, e := range r.entries {
			if _, known := failures[e.at]; !known {
				columns = append(columns, e.at)
				failures[e.at] = 0
			}
			if report.Failed(e.status) {
				failures[e.at]++
			}
			slowest[e.at] = max(slowest[e.at], e.elapsedMs)
		}
	}
	slices.SortStableFunc(columns, func(a, b spot) int {
		return cmp.Or(cmp.Compare(failures[b], failures[a]), cmp.Compare(slowest[b], slowest[a]))
	})
	return columns
}

// boundsOf returns the longest time of each shade. All shades have about the same number of the
// outcomes that succeeded.
// Nil means that there are too few times for shades.
func boundsOf(rows []row) []float64 {
	times := map[float64]int{}
	n := 0
	for _, r := range rows {
		for _, e := range r.entries {
			if e.status == protocol.StatusSucceeded && e.elapsedMs > 0 {
				times[e.elapsedMs]++
				n++
			}
		}
	}
	if len(times) < levels {
		return nil
	}
	var bounds []float64
	seen := 0
	for _, ms := range slices.Sorted(maps.Keys(times)) {
		seen += times[ms]
		if seen*levels >= n*(len(bounds)+1) {
			bounds = append(bounds, ms)
		}
	}
	return bounds
}

// cell returns the cell of an entry.
func (e entry) cell(bounds []float64) cell {
	if e.status == "" {
		return cell{}
	}
	c := statusCell(e.status)
	if e.elapsedMs > 0 {
		if e.status == protocol.StatusSucceeded {
			c.Mark = ""
		}
		c.Text = strings.TrimSuffix(span(e.elapsedMs), " ms") // to save room
	}
	if e.status == protocol.StatusSucceeded && e.elapsedMs > 0 && bounds != nil {
		level, _ := slices.BinarySearch(bounds, e.elapsedMs)
		c.Class += fmt.Sprint(" l", level+1)
	}
	if e.attempts > 1 {
		c.Title = fmt.Sprintf("%d attempts", e.attempts)
	}
	if e.of > 1 && e.done < e.of {
		c.Title += fmt.Sprintf(" %d of %d targets succeeded", e.done, e.of)
	}
	if e.why != "" {
		c.Title += " " + e.why
	}
	c.Title = cut(report.Clean(c.Title), shownCause)
	return c
}

// statusCell returns the cell of a status.
func statusCell(s protocol.Status) cell {
	if s == "" {
		return cell{}
	}
	c := cell{Class: class(s), Mark: mark(s)}
	if s != protocol.StatusSucceeded {
		c.Word = words(s)
	}
	return c
}

// reason joins an error's name and its cause. Either can be missing.
func reason(name, cause string) string {
	if name != "" && cause != "" {
		return name + ": " + cause
	}
	return name + cause
}
