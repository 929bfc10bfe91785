package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

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

// print writes to standard output, formatted as by fmt.Sprintf.
func (c *cli) print(format string, args ...any) error {
	if _, err := fmt.Fprintf(c.stdout, format, args...); err != nil {
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
	e := json.NewEncoder(c.stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return failure("write output: %v", err)
	}
	return nil
}
