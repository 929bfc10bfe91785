package mcp

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"meridian/pkg/protocol"
)

const (
	// rowBytes bounds the rows of an answer. The rest of MaxAnswerBytes is for what is beside them.
	rowBytes = 38 << 10

	// maxRowBytes bounds one row, and maxMemberBytes a member of a longer one.
	maxRowBytes    = 8 << 10
	maxMemberBytes = 512
)

// A Page is a part of a list of rows.
type Page struct {
	// Rows are JSON objects.
	Rows []json.RawMessage `json:"rows" jsonschema:"the rows, in order"`

	// RowsTotal counts the rows of the whole list, and Offset those before Rows.
	RowsTotal int `json:"rowsTotal" jsonschema:"how many rows the whole list has"`
	Offset    int `json:"offset,omitzero" jsonschema:"how many rows come before the first one here"`

	// Cut says what was left out and how to get it. Empty means that nothing was.
	Cut string `json:"cut,omitzero" jsonschema:"what was left out of this answer, and how to get it"`
}

// pageOf returns at most most rows after an offset, as many as an answer has room for. rest says
// how to get the rows after them; %d in it stands for their offset.
func pageOf(rows []json.RawMessage, offset, most int, rest string) (Page, error) {
	if offset < 0 || offset > 0 && offset >= len(rows) {
		return Page{}, protocol.Faults{protocol.NewFault("offset", offset, fmt.Sprintf("out of range; there are %s, counted from 0", count(len(rows), "row")))}.Err()
	}
	p := Page{Rows: []json.RawMessage{}, RowsTotal: len(rows), Offset: offset}
	size, shortened := 0, 0
	for _, row := range rows[offset:] {
		short, isShort := fitted(row)
		if len(p.Rows) == most || size+len(short)+1 > rowBytes {
			break
		}
		if isShort {
			shortened++
		}
		p.Rows, size = append(p.Rows, short), size+len(short)+1
	}
	var cuts []string
	if next := offset + len(p.Rows); next < len(rows) {
		cuts = append(cuts, fmt.Sprintf("%s of %d are left out: ", count(len(rows)-next, "row"), len(rows))+strings.ReplaceAll(rest, "%d", fmt.Sprint(next)))
	}
	if shortened > 0 {
		cuts = append(cuts, count(shortened, "row")+" of more than 8 KB lack their longest values: select columns, or ask for less")
	}
	p.Cut = strings.Join(cuts, "; ")
	return p, nil
}

// fitted returns a row of at most maxRowBytes, and whether it lacks something. The longest values of
// a longer row are replaced by their lengths, and beyond that all but what says where it is from.
func fitted(row json.RawMessage) (json.RawMessage, bool) {
	var members map[string]json.RawMessage
	if len(row) <= maxRowBytes || json.Unmarshal(row, &members) != nil {
		return row, false
	}
	for name, value := range members {
		if len(value) > maxMemberBytes {
			members[name], _ = protocol.Marshal(fmt.Sprintf("(%d bytes left out)", len(value))) // a string has no error
		}
	}
	short, _ := protocol.Marshal(members) // they were decoded from JSON
	if len(short) > maxRowBytes {
		where := map[string]json.RawMessage{}
		for name, value := range members {
			if slices.Contains([]string{"account", "region", "target", "error"}, name) {
				where[name] = value
			}
		}
		short, _ = protocol.Marshal(where)
	}
	return short, true
}

// Rows returns values as rows.
func Rows[T any](values []T) ([]json.RawMessage, error) {
	rows := make([]json.RawMessage, len(values))
	for i, value := range values {
		row, err := protocol.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("encode a row: %w", err)
		}
		rows[i] = row
	}
	return rows, nil
}

// text returns how many rows there are and what was left out.
func (p Page) text() string {
	return strings.TrimSpace(count(p.RowsTotal, "row") + ". " + p.Cut)
}
