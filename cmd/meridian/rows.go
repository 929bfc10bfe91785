package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"

	"meridian/internal/report"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// checkRows returns the error of the flags that select rows.
func (f *runFlags) checkRows(changed func(flag string) bool) error {
	rows := []format{formatTable, formatCSV, formatJSONL}
	for _, selection := range f.selections() {
		if !changed(selection.flag) {
			continue
		}
		names, err := columnNames(selection.flag, selection.text)
		if err != nil {
			return err
		}
		if !slices.Contains(rows, f.output) {
			return usage("--%s is for rows, not for -o %s", selection.flag, f.output).hint("set -o table, csv or jsonl")
		}
		*selection.into = names
	}
	return nil
}

// columnNames returns the value of a flag with names of columns.
func columnNames(flag, text string) ([]string, error) {
	names, err := parseNames(text)
	if err == nil && len(names) == 0 {
		return nil, usage("--%s: %q: want names of columns with commas between them", flag, text)
	}
	if err != nil {
		return nil, usage("--%s: %q: %v", flag, text, err)
	}
	return names, nil
}

// A selectionFlag is a flag with names of columns.
type selectionFlag struct {
	flag, text string
	into       *[]string
}

func (f *runFlags) selections() []selectionFlag {
	return []selectionFlag{
		{"columns", f.columns, &f.selection.Columns},
		{"sort", f.sort, &f.selection.Sort},
		{"count-by", f.countBy, &f.selection.CountBy},
	}
}

// printResult prints the result of a run. A table has its rows if the task has any and a
// target succeeded, else its Regions.
func (c *cli) printResult(r protocol.Result, request protocol.Request, f *runFlags) error {
	if f.output == formatJSON {
		return c.printJSON(r)
	}
	options := report.Options{Width: width(c.stdout), Color: c.colorful(c.stdout), All: f.output == formatWide, Next: f.next}
	rows, _ := rowsOf(request)
	nothing := !report.Answered(r) || rows == nil && f.selection.Zero()
	var err error
	if f.output == formatLine {
		err = report.Timeline(c.stdout, r, options)
	} else if f.output == formatRegions || f.output == formatWide || f.output == formatTable && nothing {
		err = report.Text(c.stdout, r, options)
	} else {
		err = c.printRows(f.listing(r, request), f.output, options)
	}
	if err != nil {
		return failure("write output: %v", err)
	}
	return nil
}

// listing returns the rows of a result.
func (f *runFlags) listing(r protocol.Result, request protocol.Request) *report.Listing {
	rows, everyTarget := rowsOf(request)
	f.selection.EveryTarget = f.selection.EveryTarget || everyTarget
	return report.List(r, rows, f.selection)
}

// rowsOf returns what lists the outputs of a request as rows, and whether each target has a row.
func rowsOf(request protocol.Request) (rows report.Rows, everyTarget bool) {
	if request.Worker != nil {
		return functionRows, true
	}
	t, _ := task.Builtin().Task(cmp.Or(request.Task, protocol.DefaultTask)) // a newer coordinator may have another one
	return t.Rows, false
}

// functionRows lists the answer of a function: a row for each element of an array of objects,
// one for an object, one without columns for null, and one with the column "output" for anything
// else.
func functionRows(output json.RawMessage) (columns []string, rows []map[string]json.RawMessage) {
	if bytes.HasPrefix(output, []byte("{")) {
		output = slices.Concat([]byte("["), output, []byte("]"))
	}
	if string(output) == "null" {
		return nil, []map[string]json.RawMessage{{}}
	}
	isNull := func(row map[string]json.RawMessage) bool { return row == nil }
	if json.Unmarshal(output, &rows) != nil || rows == nil || slices.ContainsFunc(rows, isNull) {
		return nil, []map[string]json.RawMessage{{"output": output}}
	}
	return nil, rows
}

// printRows prints rows, and to standard error what they do not say.
func (c *cli) printRows(l *report.Listing, f format, o report.Options) error {
	var err error
	switch f {
	case formatCSV:
		err = l.CSV(c.stdout)
	case formatJSONL:
		err = l.JSONLines(escapedWriter{c.stdout})
	default:
		err = l.Table(c.stdout, o)
	}
	if err == nil { // there is nowhere to report an error of standard error
		_ = l.Summary(c.stderr, report.Options{Width: width(c.stderr), Color: c.colorful(c.stderr), Next: o.Next})
	}
	return err
}
