package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// The formats of what goes to standard output.
const (
	formatTable   format = "table"
	formatCSV     format = "csv"      // of a result: its rows
	formatJSONL   format = "jsonl"    // of a result: its rows, a JSON object each
	formatRegions format = "regions"  // of a result: a row for each Region
	formatWide    format = "wide"     // of a result: every message and every failure, nothing cut
	formatLine    format = "timeline" // of a result: its attempts as bars on one time axis
	formatEvents  format = "events"   // of a run: its events as they happen, a JSON object each
	formatJSON    format = "json"
)

// A format is a way to print.
type format string

// A formatFlag is the value of the flag --output.
type formatFlag struct {
	format  *format
	allowed []string
}

// String, Set and Type implement pflag.Value.
func (f *formatFlag) String() string {
	if f.format == nil {
		return "" // pflag asks a zero value
	}
	return string(*f.format)
}

// Set takes one of the formats.
func (f *formatFlag) Set(value string) error {
	if !slices.Contains(f.allowed, value) {
		return fmt.Errorf("want %s", oneOf(f.allowed))
	}
	*f.format = format(value)
	return nil
}

// oneOf lists what there is to choose from: "table, wide or json".
func oneOf(choices []string) string {
	last := len(choices) - 1
	return strings.Join(choices[:last], ", ") + " or " + choices[last]
}

// Type names the value in the help.
func (*formatFlag) Type() string { return "format" }

// addOutput gives a command the flag --output, with the formats table and json and more.
func addOutput(cmd *cobra.Command, f *format, more ...format) {
	*f = formatTable
	allowed := []string{string(formatTable), string(formatJSON)}
	for i, m := range more {
		allowed = slices.Insert(allowed, i+1, string(m))
	}
	cmd.Flags().VarP(&formatFlag{f, allowed}, "output", "o", "the `format` to print: "+oneOf(allowed))
	complete(cmd, "output", func(string) []cobra.Completion { return allowed })
}

// print writes to standard output, formatted as by fmt.Sprintf, without characters that a
// terminal would interpret.
func (c *cli) print(format string, args ...any) error {
	if _, err := io.WriteString(c.stdout, printable(fmt.Sprintf(format, args...))); err != nil {
		return failure("write output: %v", err)
	}
	return nil
}

// printColumns writes rows in columns that are as wide as their widest cell.
func (c *cli) printColumns(rows [][]string) error {
	var table, lines strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		_, _ = fmt.Fprintln(w, strings.Join(row, "\t")) // a strings.Builder has no errors
	}
	_ = w.Flush()
	for line := range strings.Lines(table.String()) {
		lines.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return c.print("%s", lines.String())
}

// printJSON writes v to standard output, indented.
func (c *cli) printJSON(v any) error {
	e := json.NewEncoder(escapedWriter{c.stdout})
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return failure("write output: %v", err)
	}
	return nil
}
