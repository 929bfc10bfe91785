package difference

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"meridian/pkg/protocol"
)

// Rows lists an output as rows, see the field Rows of a task. The columns are in order, and need
// not be all.
type Rows func(output json.RawMessage) (columns []string, rows []map[string]json.RawMessage)

// Members lists an output as one row: an object with its members, and anything else as a
// value.
func Members(output json.RawMessage) ([]string, []map[string]json.RawMessage) {
	var row map[string]json.RawMessage
	if json.Unmarshal(output, &row) != nil || row == nil {
		return nil, []map[string]json.RawMessage{{"value": output}}
	}
	return nil, []map[string]json.RawMessage{row}
}

// Compact returns v as JSON on one line, without escaping <, > and &. A nil [json.RawMessage] is null.
func Compact(v any) string {
	data, _ := protocol.Marshal(v)
	return string(data)
}

// rows compares the rows of a target that succeeded in both results. Rows with the same key are
// matched in their order.
func (d *comparing) rows(before, after item) {
	was, is := d.rowsOf(before.target), d.rowsOf(after.target)
	earlier := map[string][]map[string]json.RawMessage{}
	for _, row := range was {
		key := d.keyOf(row)
		earlier[key] = append(earlier[key], row)
	}
	for _, row := range is {
		key := d.keyOf(row)
		if len(earlier[key]) == 0 {
			d.row(after, ChangeRowCame, row, nil)
			continue
		}
		old := earlier[key][0]
		earlier[key] = earlier[key][1:]
		if was := changed(old, row); len(was) > 0 {
			d.row(after, ChangeRowChanged, row, was)
		}
	}
	left := map[string]int{}
	for key, rows := range earlier {
		left[key] = len(rows)
	}
	for _, row := range slices.Backward(was) { // of rows with the same key the last ones went
		if key := d.keyOf(row); left[key] > 0 {
			left[key]--
			d.row(before, ChangeRowWent, row, nil)
		}
	}
}

// row adds a finding of a row.
func (d *comparing) row(i item, change Change, row, before map[string]json.RawMessage) {
	f := Finding{Change: change, Row: row, Before: before}
	f.Account, f.AccountName, f.Region, f.Target = i.region.Account, i.region.AccountName, i.region.Region, i.target.Target
	d.Findings = append(d.Findings, f)
}

// rowsOf returns the rows of an output, and notes their columns.
func (d *comparing) rowsOf(t *protocol.TargetOutcome) []map[string]json.RawMessage {
	list := d.Rows
	if list == nil {
		list = Members
	}
	if t.Output == nil {
		return nil
	}
	columns, rows := list(t.Output)
	for _, name := range columns {
		d.columns[name] = true
	}
	for _, row := range rows {
		for name := range row {
			d.columns[name] = true
		}
	}
	return rows
}

// keyOf returns the key of a row as text.
func (d *comparing) keyOf(row map[string]json.RawMessage) string {
	names := d.Comparison.Key
	if names == nil {
		names = comparedColumns(row)
	}
	var b strings.Builder
	for _, name := range names {
		if value := row[name]; value != nil {
			b.WriteString(name + "\x00" + Compact(value) + "\x00")
		}
	}
	return b.String()
}

// comparedColumns returns the columns of a row that are compared, in alphabetical order.
func comparedColumns(row map[string]json.RawMessage) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(row)), func(name string) bool { return strings.HasSuffix(name, "Ms") })
}

// changed returns the earlier values of the columns that differ. A column that a row lacks is null.
func changed(before, after map[string]json.RawMessage) map[string]json.RawMessage {
	changed := map[string]json.RawMessage{}
	for _, name := range slices.Concat(comparedColumns(before), comparedColumns(after)) {
		if was, is := Compact(before[name]), Compact(after[name]); was != is {
			changed[name] = json.RawMessage(was)
		}
	}
	return changed
}
