// Package report draws a result for a person: the lines that the task has to
// say, how long it took, a table of Regions, one line that sums it up, and one that
// says what it cost.
//
// The command line calls it. What a machine reads is the result itself, as JSON.
//
// # What Text promises
//
// Every Region of the result has a row, in the result's order. Nothing that came
// from outside reaches the terminal as a control sequence. With a width, no row
// is wider and what sums up is wrapped; without one, nothing is cut. The zero
// [Options] gives the same bytes for the same result wherever they are written.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"meridian/pkg/protocol"
)

// Options says how a result is drawn. The zero Options is plain text of any
// width.
type Options struct {
	// Width is how many cells a line may take: the terminal's. Zero means as
	// many as it needs, and no timeline.
	Width int

	// Color says whether to use the terminal's own 16 colors, which suit a dark
	// and a light background alike. False means no escape sequence at all.
	Color bool
}

// maxMessages is how many message lines are shown before the table: more than
// the Regions there are, and few enough to scroll back over.
const maxMessages = 100

// Text writes r as text. The error is w's.
func Text(w io.Writer, r protocol.Result, o Options) error {
	p := plain()
	if o.Color {
		p = colored()
	}
	var b strings.Builder
	writeMessages(&b, r)
	if r.Message != "" {
		b.WriteString(p.strong.Render(clean(r.Message)) + "\n")
	}
	b.WriteString("\n")
	if len(r.Regions) > 0 {
		b.WriteString(regionTable(r, o.Width, p) + "\n")
	}
	writeSummary(&b, r, o.Width, p)
	_, err := io.WriteString(w, b.String())
	return err
}

// writeMessages writes the lines that the outputs have for a person.
func writeMessages(b *strings.Builder, r protocol.Result) {
	n := 0
	for _, region := range r.Regions {
		for _, target := range region.Targets {
			line := message(target.Output)
			if line == "" {
				continue
			}
			if n++; n <= maxMessages {
				b.WriteString(clean(line) + "\n")
			}
		}
	}
	if more := n - maxMessages; more > 0 {
		fmt.Fprintf(b, "… and %d more (-o json has them all)\n", more)
	}
}

// message returns the field "message" of an output, when it has one that is a
// string.
func message(output json.RawMessage) string {
	var fields struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(output, &fields) != nil {
		return ""
	}
	return fields.Message
}
