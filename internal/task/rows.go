package task

import "encoding/json"

// valueColumn is the column of a row that is not an object.
const valueColumn = "value"

// rowsOf returns the field Rows of a task with results of type R.
func rowsOf[R any]() func(json.RawMessage) ([]string, []map[string]json.RawMessage) {
	if _, ok := any(new(R)).(Lister); !ok {
		return nil
	}
	return func(output json.RawMessage) ([]string, []map[string]json.RawMessage) {
		r := new(R)
		if json.Unmarshal(output, r) != nil { // from a worker of another version
			return nil, []map[string]json.RawMessage{{valueColumn: output}}
		}
		return any(r).(Lister).Rows() //nolint:forcetypeassert // checked above
	}
}

// oneRow returns a row with those members of v, encoded as JSON, that are named and
// there, and their names.
func oneRow(v any, names ...string) (columns []string, rows []map[string]json.RawMessage) {
	row := map[string]json.RawMessage{}
	all := map[string]json.RawMessage{}
	if data, err := json.Marshal(v); err == nil {
		_ = json.Unmarshal(data, &all) // v is a struct
	}
	for _, name := range names {
		if value, ok := all[name]; ok {
			columns, row[name] = append(columns, name), value
		}
	}
	return columns, []map[string]json.RawMessage{row}
}
