// Package figure turns measurements into the tables of the result files.
package figure

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Median returns the median of a figure of some measurements, or -1 without any.
func Median[M any](measurements []M, figureOf func(M) float64) float64 {
	if len(measurements) == 0 {
		return -1
	}
	all := make([]float64, len(measurements))
	for i, m := range measurements {
		all[i] = figureOf(m)
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// Milliseconds returns a duration in milliseconds.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Thousands formats a number below a million with a comma before its last three
// digits.
func Thousands(n int) string {
	s := strconv.Itoa(n)
	if len(s) > 3 {
		return s[:len(s)-3] + "," + s[len(s)-3:]
	}
	return s
}

// Mebibytes formats an amount of memory. Less than 0 means that it is not known.
func Mebibytes(n float64) string {
	if n < 0 {
		return "?"
	}
	return fmt.Sprintf("%.0f MiB", n)
}

// A Table is a table of a result file. Other documents include it by its name, so
// it is written between two markers.
type Table struct {
	Name string
	head string
	rows []string
}

// NewTable returns an empty table. The name may have any characters; of other than
// letters and digits it keeps hyphens.
func NewTable(name string, columns ...string) *Table {
	name = regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(strings.ReplaceAll(name, ",", "")), "-")
	head := "| " + strings.Join(columns, " | ") + " |\n|---|" + strings.Repeat("--:|", len(columns)-1) + "\n"
	return &Table{Name: strings.Trim(name, "-"), head: head}
}

// Add adds a row. Its format has a "|" between the cells.
func (t *Table) Add(format string, args ...any) {
	t.rows = append(t.rows, "| "+fmt.Sprintf(format, args...)+" |\n")
}

// Write writes the table.
func (t *Table) Write(w io.Writer) {
	_, _ = fmt.Fprintf(w, "\n<!-- table: %s -->\n%s%s<!-- /table -->\n", t.Name, t.head, strings.Join(t.rows, ""))
}

// A Target is a limit that a figure must keep.
type Target struct {
	What    string
	Limit   float64
	AtLeast bool // otherwise at most
}

// Holds reports whether a figure keeps the limit.
func (t Target) Holds(got float64) bool {
	if t.AtLeast {
		return got >= t.Limit
	}
	return got <= t.Limit
}

// Verdict formats what was measured, the limit, and whether it holds, as three
// cells.
func (t Target) Verdict(got float64) string {
	bound, verdict := "at most", "**missed**"
	if t.AtLeast {
		bound = "at least"
	}
	switch {
	case got < 0:
		verdict = "not known"
	case t.Holds(got):
		verdict = "holds"
	}
	return fmt.Sprintf("%.2f | %s %g | %s", got, bound, t.Limit, verdict)
}

// Save writes a result file: its title, the command that writes it, the machine,
// and the text.
func Save(file, title, command string, text []byte) error {
	var b bytes.Buffer
	_, _ = fmt.Fprintf(&b, "# %s\n\nWritten by `%s`, with %s on %d CPUs (%s/%s); the servers run on the same CPUs.\n",
		title, command, runtime.Version(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	b.Write(text)
	return os.WriteFile(file, b.Bytes(), 0o644) //nolint:gosec // it is to be read
}
