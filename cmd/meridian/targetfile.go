package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"meridian/pkg/protocol"
)

// A targetList is the targets in a value of --target, or in the file that it names.
type targetList struct {
	file    string // as it is shown; empty means the command line
	targets []protocol.Target
	places  []string // of each target, such as "line 2 of items.csv"; empty means a name in a list
	note    string   // what is assumed of CSV, or ""
}

// applyTargets sets the targets of the request.
func (f *runFlags) applyTargets(r *protocol.Request) protocol.Faults {
	r.Targets, f.targetPlaces, f.targetNotes = []protocol.Target{}, nil, nil
	for i := range f.targets {
		var l targetList
		if err := l.read(f.files[&f.targets[i]], f.targets[i]); err != nil {
			return protocol.Faults{{Path: "targets", Detail: err.Error()}}
		}
		r.Targets, f.targetPlaces = append(r.Targets, l.targets...), append(f.targetPlaces, l.places...)
		if l.note != "" {
			f.targetNotes = append(f.targetNotes, l.note)
		}
	}
	if encoded, err := json.Marshal(r.Targets); err == nil && len(encoded) > protocol.MaxRequestBytes {
		return protocol.Faults{{Path: "targets", Detail: fmt.Sprintf(
			"%d bytes as JSON are too many; a request has at most %d (1 MiB): run them in several runs", len(encoded), protocol.MaxRequestBytes)}}
	}
	return nil
}

// read reads the targets from text: the contents of the file at path, of standard input if
// path is "-", or the value on the command line if path is empty. A file is CSV if its name
// ends in .csv, and JSON lines if it ends in .jsonl or .ndjson or if the text begins with "{".
// Text that begins with "[" is a JSON array; on the command line it also ends with "]", and
// text that begins with "{" is one element. A file with a header of several columns, one of
// them name or id, is CSV too. All else is a list of names.
func (l *targetList) read(path, text string) error {
	text = strings.TrimPrefix(text, "\ufeff")
	start, extension := strings.TrimSpace(text), strings.ToLower(filepath.Ext(path))
	isFile := path != ""
	if isFile {
		l.file = shownFile(path)
	}
	switch {
	case isFile && !utf8.ValidString(text):
		return l.malformed(text, "save it as UTF-8")
	case extension == ".csv":
		return l.csv(text)
	case extension == ".jsonl", extension == ".ndjson", isFile && strings.HasPrefix(start, "{"):
		return l.lines(text)
	case strings.HasPrefix(start, "[") && (isFile || strings.HasSuffix(start, "]")):
		var elements []json.RawMessage
		if json.Unmarshal([]byte(text), &elements) != nil {
			return l.malformed(text, "want one JSON array")
		}
		return l.elements(elements)
	case strings.HasPrefix(start, "{"):
		if !json.Valid([]byte(text)) {
			return l.malformed(text, `a name that begins with a brace is quoted: '"{name"'`)
		}
		return l.elements([]json.RawMessage{json.RawMessage(start)})
	case isFile && hasHeader(text):
		return l.csv(text)
	}
	names, err := parseNames(text)
	if err != nil {
		return errors.New(protocol.NewFault("", text, err.Error()).String())
	}
	l.targets, l.places = protocol.Targets(names...), make([]string, len(names))
	return nil
}

// malformed returns the error of text that is not JSON, or not UTF-8, with its line and
// column.
func (l *targetList) malformed(text, fix string) error {
	fault := protocol.DecodeStrict([]byte(text), &protocol.Target{})[0]
	return errors.New(strings.TrimPrefix(l.file+": "+fault.Detail+"; "+fix, ": "))
}

// elements adds the elements of an array: targets in the form of a request, or rows.
func (l *targetList) elements(elements []json.RawMessage) error {
	for i, element := range elements {
		var t protocol.Target
		if protocol.DecodeStrict(element, &t) != nil {
			t = targetOf(element, i+1)
		}
		if err := l.add(t, "element", i+1); err != nil {
			return err
		}
	}
	return nil
}

// lines adds rows that are a line each.
func (l *targetList) lines(text string) error {
	n := 0
	for line := range strings.Lines(text) {
		n++
		row := bytes.TrimSpace([]byte(line))
		if len(row) == 0 {
			continue
		}
		if !json.Valid(row) { // the lines before it are counted in the error
			return l.malformed(strings.Repeat("\n", n-1)+line, "want one JSON value on each line, as jq -c prints them")
		}
		if err := l.add(targetOf(row, n), "line", n); err != nil {
			return err
		}
	}
	return nil
}

// csv adds rows that follow a header. A row is an object of strings.
func (l *targetList) csv(text string) error {
	reader := csv.NewReader(strings.NewReader(text))
	reader.FieldsPerRecord = -1 // the error of the package has no counts
	var header []string
	named := -1 // the column with the names
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w; quote a field with a quote in it, and double the quote", l.file, err)
		}
		line, _ := reader.FieldPos(0)
		if header == nil {
			header = trimmed(record)
			if problem := headerProblem(header); problem != "" {
				return fmt.Errorf("line %d of %s, the header: %s", line, l.file, problem)
			}
			if named = nameColumn(header); named < 0 {
				l.note = fmt.Sprintf("%s: no column name or id: its first line, %s, is the header, and targets are named by their lines",
					l.file, strings.Join(header, ","))
			}
			continue
		}
		if len(record) != len(header) {
			return fmt.Errorf("line %d of %s: has %s, and the header has %d; quote a field with a comma in it", line, l.file, count(len(record), "field"), len(header))
		}
		row := map[string]string{}
		for i, column := range header {
			row[column] = record[i]
		}
		t := protocol.Target{Name: strconv.Itoa(line), Input: rowOf(row)}
		if named >= 0 {
			t.Name = record[named]
		}
		if err := l.add(t, "line", line); err != nil {
			return err
		}
	}
	if l.targets == nil {
		return fmt.Errorf("%s: has no rows; want a header, and a line for each target", l.file)
	}
	return nil
}

// headerProblem returns what is wrong with the header of CSV, or "".
func headerProblem(header []string) string {
	switch sorted := slices.Sorted(slices.Values(header)); {
	case sorted[0] == "":
		return "a column has no name; the first line has the names of the columns"
	case len(slices.Compact(sorted)) < len(header):
		return "two columns have the same name; rename one"
	case len(header) == 1 && strings.ContainsAny(header[0], ";\t"):
		return "want commas between the columns"
	}
	return ""
}

// hasHeader reports whether CSV begins with a header of several columns, one of them name
// or id.
func hasHeader(text string) bool {
	header, err := csv.NewReader(strings.NewReader(text)).Read()
	return err == nil && len(header) > 1 && nameColumn(trimmed(header)) >= 0
}

// nameColumn returns the index of the column name of a header, or else id, in whatever case,
// or -1.
func nameColumn(header []string) int {
	for _, field := range []string{"name", "id"} {
		if i := slices.IndexFunc(header, func(column string) bool { return strings.EqualFold(column, field) }); i >= 0 {
			return i
		}
	}
	return -1
}

// trimmed returns the names of columns without the blanks around them.
func trimmed(header []string) []string {
	names := make([]string, len(header))
	for i, name := range header {
		names[i] = strings.TrimSpace(name)
	}
	return names
}

// rowOf returns a row of CSV as JSON, without escapes for HTML: a payload may show them.
func rowOf(row map[string]string) json.RawMessage {
	data, _ := protocol.Marshal(row) // strings have no error
	return data
}

// targetOf returns the target of a row, which is its input. Its name is the row's name, or
// else its id, if that is a string or a number, or else the number of the row.
func targetOf(row json.RawMessage, number int) protocol.Target {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(row, &members) // what is no object has no members
	for _, field := range []string{"name", "id"} {
		var text string
		var digits json.Number
		switch value := members[field]; {
		case string(value) == "null":
		case json.Unmarshal(value, &text) == nil:
			return protocol.Target{Name: text, Input: row}
		case json.Unmarshal(value, &digits) == nil:
			return protocol.Target{Name: digits.String(), Input: row}
		}
	}
	return protocol.Target{Name: strconv.Itoa(number), Input: row}
}

// add adds a target with its place.
func (l *targetList) add(t protocol.Target, unit string, number int) error {
	place := ""
	if l.file != "" {
		place = fmt.Sprintf("%s %d of %s", unit, number, l.file)
	}
	if string(t.Input) == "null" {
		return errors.New(strings.TrimPrefix(place+": null is no target; leave it out", ": "))
	}
	l.targets, l.places = append(l.targets, t), append(l.places, place)
	return nil
}
