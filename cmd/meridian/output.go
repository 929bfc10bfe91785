package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// The formats of what goes to standard output.
const (
	formatTable format = "table"
	formatJSON  format = "json"
)

// A format is the value of the flag --output.
type format string

func formats() []string { return []string{string(formatTable), string(formatJSON)} }

// String, Set and Type implement pflag.Value.
func (f *format) String() string { return string(*f) }

// Set takes one of the formats.
func (f *format) Set(value string) error {
	if !slices.Contains(formats(), value) {
		return fmt.Errorf("want %s", strings.Join(formats(), " or "))
	}
	*f = format(value)
	return nil
}

// Type names the value in the help.
func (*format) Type() string { return "format" }

// addOutput gives a command the flag --output.
func addOutput(cmd *cobra.Command, f *format) {
	*f = formatTable
	cmd.Flags().VarP(f, "output", "o", "the `format` to print: table or json")
	complete(cmd, "output", func(string) []cobra.Completion { return formats() })
}

// print writes to standard output.
func (c *cli) print(format string, args ...any) error {
	if _, err := fmt.Fprintf(c.stdout, format, args...); err != nil {
		return failure("write output: %v", err)
	}
	return nil
}

// printColumns writes rows, the first of which has the headings, in columns as
// wide as what is in them.
func (c *cli) printColumns(rows [][]string) error {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			fmt.Fprintf(&line, "%-*s  ", widths[i], cell)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return c.print("%s", b.String())
}

// printJSON writes v to standard output, indented.
func (c *cli) printJSON(v any) error {
	e := json.NewEncoder(c.stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return failure("write output: %v", err)
	}
	return nil
}
