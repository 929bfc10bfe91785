package task

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"meridian/internal/awsapi"
)

// A CallOutput is what an operation answered.
type CallOutput struct {
	// Result is the answer, or what the query found in it.
	Result json.RawMessage `json:"result"`

	// Columns are the keys of the result's objects, in the order of the query. Nil means
	// that the query does not end with a hash.
	Columns []string `json:"columns,omitzero"`

	// Pages is how many pages were read.
	Pages int `json:"pages"`

	// Cut says what was left out, and why. Empty means nothing.
	Cut string `json:"cut,omitzero"`
}

// output returns the output of an answer.
func (p *CallParameters) output(answer awsapi.Answer) (CallOutput, error) {
	out := CallOutput{Pages: answer.Pages}
	var cut []string
	switch {
	case answer.TooLong:
		cut = append(cut, fmt.Sprintf("maxBytes %d reached", cmp.Or(p.MaxBytes, awsapi.DefaultMaxBytes)))
	case answer.More:
		cut = append(cut, fmt.Sprintf("maxPages %d reached", answer.Pages))
	}
	var result any = answer.Value
	if p.query != nil {
		var err error
		if result, err = p.query.expression.Search(answer.Value); err != nil {
			return CallOutput{}, &CallError{Name: ErrorCallQuery, Err: fmt.Errorf("query: %w", err)}
		}
		out.Columns = p.query.columns
	}
	if list, ok := result.([]any); ok && p.MaxRows > 0 && len(list) > p.MaxRows {
		result = list[:p.MaxRows]
		cut = append(cut, fmt.Sprintf("maxRows %d reached", p.MaxRows))
	}
	out.Cut = strings.Join(cut, ", ")
	data, err := json.Marshal(result)
	if err != nil {
		return CallOutput{}, fmt.Errorf("encode the result: %w", err)
	}
	out.Result = data
	return out, nil
}

// Rows returns a row for each element of the result. An element that is no object is a
// row with the column "value". A result that is no list is one row, and null is none.
func (o *CallOutput) Rows() (columns []string, rows []map[string]json.RawMessage) {
	var list []json.RawMessage
	if json.Unmarshal(o.Result, &list) != nil {
		list = []json.RawMessage{o.Result}
	}
	for _, element := range list {
		if string(element) == "null" {
			continue
		}
		var row map[string]json.RawMessage
		if json.Unmarshal(element, &row) != nil {
			row = map[string]json.RawMessage{valueColumn: element}
		}
		rows = append(rows, row)
	}
	return o.Columns, rows
}
