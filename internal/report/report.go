// Package report prints a result: [Text] prints the messages of the task, how long the run
// took, a table of Regions, a summary, and the cost. [Timeline] draws the attempts. [List] lists
// the rows that the task found, as a table, CSV or JSON lines. [Compare] says what changed from
// one result to another.
//
// The command line calls it. Programs read the result itself, as JSON, or its rows.
//
// # What Text promises
//
// Every Region of the result has a row, in the result's order. A failure that does not
// fit into its row has a line below the table. With several accounts, each has a row and
// each Region a column, and every failure is in a line below that names its account, or the
// first of the accounts that share it; with All they are rows again. A trust policy that a
// role lacks is on a line of its own, at any width. Nothing that came from outside reaches
// the terminal as a control sequence. With a width, no row is wider and the summary is
// wrapped; without a width, nothing is cut. With the zero [Options] the same result gives
// the same bytes on every terminal and every machine. A run that continues after this result
// says so, with the command that looks it up.
//
// # What a Listing promises
//
// Every row that the task found is listed, in the result's order or in the order asked
// for. Every target that failed, was not started or still runs has a row that says so, and every
// failure can be read whole: in its row, or in the Summary. A task's column never hides
// the Region, the target or the error. A reader of the CSV gets each cell back, except that
// control characters are dots; JSON lines keep values as they are. With a width, no row of
// the table is wider.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"meridian/pkg/protocol"
)

// Options says how to print a result. The zero Options prints plain text of any
// width.
type Options struct {
	// Width is the width of the terminal in cells. Zero means no limit, and no
	// timeline in a table; to [Timeline] it means 80.
	Width int

	// All says to print every message and every failure, with nothing cut: Width then
	// wraps the summary only. False leaves out messages that the table repeats, and
	// what would scroll away.
	All bool

	// Color says whether to use the terminal's own 16 colors, which suit dark and
	// light backgrounds. False means no escape sequences.
	Color bool

	// Next is the hint for a run that has not ended. Empty means the command that looks up
	// the run.
	Next string
}

// width returns the width of the table and the failures.
func (o Options) width() int {
	if o.All {
		return 0
	}
	return o.Width
}

// maxMessages is the number of messages printed before the table, few enough to scroll
// back over.
const maxMessages = 100

// fewMessages is the number of messages printed although the table repeats them: with
// the table they still fit on a small screen.
const fewMessages = 8

// Text writes r as text. It returns the error of w.
func Text(w io.Writer, r protocol.Result, o Options) error {
	p := o.palette()
	var b strings.Builder
	inMatrix := len(accountsOf(r)) > 1 && !o.All
	writeMessages(&b, r, o.All, inMatrix)
	if r.Message != "" {
		b.WriteString(p.strong.Render(clean(r.Message)) + "\n")
	}
	b.WriteString("\n")
	switch {
	case inMatrix:
		b.WriteString(newMatrix(r).String(o.Width, p) + "\n")
		if groupsOf(r.Regions).write(&b, o, p) {
			b.WriteString("\n")
		}
	case len(r.Regions) > 0:
		table, cut := regionTable(r, o, p)
		b.WriteString(table + "\n")
		writeFailures(&b, r, cut, o, p)
	}
	writeSummary(&b, r, o, p)
	_, err := io.WriteString(w, b.String())
	return err
}

// writeMessages writes the messages of the outputs. Many messages that the table repeats
// are left out unless all are wanted. Beside a matrix there are few.
func writeMessages(b *strings.Builder, r protocol.Result, all, inMatrix bool) {
	var lines, others []string
	for _, region := range r.Regions {
		inTable := len(region.Targets) == 1 || summaries(region) != ""
		for _, target := range region.Targets {
			line := conventionOf(target.Output).Message
			if line == "" {
				continue
			}
			lines = append(lines, line)
			if !inTable {
				others = append(others, line)
			}
		}
	}
	more, most := 0, maxMessages
	if inMatrix {
		most = fewMessages
	}
	if !all {
		if !inMatrix && len(lines)-len(others) > fewMessages {
			lines = others
		}
		more = max(0, len(lines)-most)
	}
	for _, line := range lines[:len(lines)-more] {
		b.WriteString(clean(line) + "\n")
	}
	if more > 0 {
		fmt.Fprintf(b, "… and %d more (-o wide has them all)\n", more)
	}
}

// A convention has the fields of an output that have a meaning for every task, see package
// task. A field is empty when the output has none that is a string.
type convention struct {
	Message string `json:"message"`
	Summary string `json:"summary"`
	Cut     string `json:"cut"`
}

// conventionOf returns the convention of an output.
func conventionOf(output json.RawMessage) (c convention) {
	_ = json.Unmarshal(output, &c) // it reads the other fields if one is no string
	return c
}
