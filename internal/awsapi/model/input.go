package model

import (
	"bytes"
	"encoding/json"
	"strconv"

	"meridian/pkg/protocol"
)

// ParseInput reads an input from JSON. It is nil when the JSON is no object. A member that
// is given twice is a fault, as in the rest of a request. A number is a json.Number, so that
// it stays exact.
func ParseInput(data []byte) (map[string]any, protocol.Faults) {
	if !json.Valid(data) {
		return nil, nil
	}
	p := inputParser{Decoder: json.NewDecoder(bytes.NewReader(data))}
	p.UseNumber()
	input, _ := p.value("").(map[string]any)
	return input, p.faults
}

// An inputParser parses valid JSON.
type inputParser struct {
	*json.Decoder

	faults protocol.Faults
}

// value parses the next value, which is at a path.
func (p *inputParser) value(path string) any {
	switch token, _ := p.Token(); token {
	case json.Delim('{'):
		object := map[string]any{}
		for p.More() {
			key, _ := p.Token()
			name, _ := key.(string)
			at := child(path, name)
			_, twice := object[name]
			object[name] = p.value(at)
			if twice {
				p.faults = p.faults.And(protocol.Faults{protocol.NewFault(at, object[name], "given twice")})
			}
		}
		_, _ = p.Token()
		return object
	case json.Delim('['):
		list := []any{}
		for p.More() {
			list = append(list, p.value(path+"["+strconv.Itoa(len(list))+"]"))
		}
		_, _ = p.Token()
		return list
	default:
		return token
	}
}
