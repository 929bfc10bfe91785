package report

import (
	"cmp"
	"slices"
	"strings"

	"meridian/pkg/protocol"
)

// marks are the statuses in the cells of a matrix. They need no color.
//
//nolint:gochecknoglobals // a constant
var marks = map[protocol.Status]string{
	protocol.StatusSucceeded:  "ok",
	protocol.StatusFailed:     "FAILED",
	protocol.StatusTimedOut:   "TIMEOUT",
	protocol.StatusAborted:    "ABORTED",
	protocol.StatusNotStarted: "not run",
	protocol.StatusSkipped:    "skip",
	protocol.StatusRunning:    "running",
}

// A matrix shows the outcomes of several accounts: a line for each account, a column for
// each Region.
type matrix struct {
	accounts []account
	regions  []string
	statuses map[account]map[string]protocol.Status
}

// newMatrix returns the matrix of a result.
func newMatrix(r protocol.Result) matrix {
	m := matrix{accounts: accountsOf(r), statuses: map[account]map[string]protocol.Status{}}
	seen := map[string]bool{}
	for _, region := range r.Regions {
		a := accountOf(region)
		if m.statuses[a] == nil {
			m.statuses[a] = map[string]protocol.Status{}
		}
		m.statuses[a][region.Region] = region.Status
		if !seen[region.Region] {
			seen[region.Region] = true
			m.regions = append(m.regions, region.Region)
		}
	}
	return m
}

// leastLabel is the least width of the column of accounts when it is cut.
const leastLabel = 12

// String returns the matrix. If it is wider than width, the Regions' names take two lines;
// if it still is, their columns follow each other in several blocks. A width of 0 means no
// limit.
func (m matrix) String(width int, p palette) string {
	columns := m.columns(width, 1, p)
	if width > 0 && total(columns) > width {
		columns = m.columns(width, 2, p)
	}
	first, rest := columns[0], columns[1:]
	var blocks []string
	for len(rest) > 0 {
		n := 1
		for n < len(rest) && (width == 0 || total(slices.Concat([]column{first}, rest[:n+1])) <= width) {
			n++
		}
		blocks = append(blocks, join(slices.Concat([]column{first}, rest[:n]), nil))
		rest = rest[n:]
	}
	return strings.Join(blocks, "\n")
}

// columns returns the columns of the matrix, with the Regions' names on one line, or on
// two: eu- above west-1.
func (m matrix) columns(width, lines int, p palette) []column {
	short := labels(m.accounts)
	first := column{cells: append(make([]string, lines-1), p.quiet.Render("ACCOUNT"))}
	for _, a := range m.accounts {
		label := clean(short[a])
		if width > 0 {
			label = cut(label, max(leastLabel, width/3))
		}
		first.cells = append(first.cells, label)
	}
	columns := []column{first}
	for _, region := range m.regions {
		var c column
		above, below, found := strings.Cut(region, "-")
		switch {
		case lines == 1:
			c.cells = []string{p.quiet.Render(clean(region))}
		case found:
			c.cells = []string{p.quiet.Render(clean(above + "-")), p.quiet.Render(clean(below))}
		default:
			c.cells = []string{"", p.quiet.Render(clean(region))}
		}
		for _, a := range m.accounts {
			c.cells = append(c.cells, m.cell(a, region, p))
		}
		columns = append(columns, c)
	}
	return columns
}

// cell returns the mark of an account in a Region, or "" if it has none there.
func (m matrix) cell(a account, region string, p palette) string {
	status := m.statuses[a][region]
	return p.status[status].Render(cmp.Or(marks[status], clean(string(status)))) // a newer coordinator has other statuses
}
