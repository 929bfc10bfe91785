package task

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"meridian/internal/awsapi"
	"meridian/pkg/protocol"
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

// output returns the output of an answer in its room. The query has a budget.
func (p *CallParameters) output(answer awsapi.Answer, r *room, b *budget) (CallOutput, error) {
	out := CallOutput{Pages: answer.Pages}
	var cut []string
	switch {
	case answer.TooLong:
		cut = append(cut, r.reached())
	case answer.More && answer.Pages == 1 && p.MaxPages != 1:
		cut = append(cut, "there are more pages than the one that the input asks for")
	case answer.More:
		cut = append(cut, fmt.Sprintf("maxPages %d reached", answer.Pages))
	}
	var result any = answer.Value
	if p.query != nil {
		var err error
		if result, err = p.query.search(answer.Value, b); err != nil {
			return CallOutput{}, err
		}
		out.Columns = p.query.columns
	}
	if list, ok := result.([]any); ok && p.MaxRows > 0 && len(list) > p.MaxRows {
		result = list[:p.MaxRows]
		cut = append(cut, fmt.Sprintf("maxRows %d reached", p.MaxRows))
	}
	out.Cut = strings.Join(cut, ", ")
	var err error
	out.Result, err = encode(result, b)
	return out, err
}

// encode returns a result as JSON, if it fits into what a worker can answer. Its bytes
// count for the budget, too.
func encode(result any, b *budget) (json.RawMessage, error) {
	long := jsonSize(result, protocol.MaxPayloadBytes)
	if err := b.take(min(long, max(0, b.most-b.used))); err != nil {
		return nil, err // of waiting for the turn
	}
	var data []byte
	var err error
	if long <= protocol.MaxPayloadBytes {
		data, err = json.Marshal(result)
		long = len(data)
	}
	if _, ok := errors.AsType[*json.UnsupportedValueError](err); ok {
		return nil, &CallError{Name: ErrorCallQuery, Err: errors.New("query: " + notJSON)}
	}
	if _, ok := errors.AsType[*json.UnsupportedTypeError](err); ok {
		return nil, &CallError{Name: ErrorCallQuery, Err: errors.New("query: its result is an expression, such as &Name, and no value")}
	}
	if err != nil {
		return nil, fmt.Errorf("encode the result: %w", err)
	}
	if long > protocol.MaxPayloadBytes {
		return nil, &CallError{Name: ErrorCallTooLarge, Err: fmt.Errorf(
			"the result is longer than %d bytes: take less of the answer with a query, or set maxRows", protocol.MaxPayloadBytes)}
	}
	return data, nil
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
