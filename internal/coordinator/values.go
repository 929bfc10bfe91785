package coordinator

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"meridian/pkg/protocol"
)

// values are what an invocation of a function puts into its template.
type values struct {
	region, account, run string // account is "" without accounts
	attempt              int
	targets              []string
	inputs               protocol.Inputs
}

// of returns the value of a placeholder: as JSON, or as it stands in a JSON string.
func (v values) of(u use) []byte {
	value := v.json(u.value)
	switch {
	case !u.text:
		return value
	case value[0] == '"':
		return value[1 : len(value)-1]
	}
	return inString(string(value))
}

// json returns the value of a placeholder as JSON.
func (v values) json(p placeholder) []byte {
	switch p {
	case theRegion:
		return quote(v.region)
	case theRun:
		return quote(v.run)
	case theAttempt:
		return strconv.AppendInt(nil, int64(v.attempt), 10)
	case theAccount:
		if v.account == "" {
			return []byte("null")
		}
		return quote(v.account)
	case theTarget:
		return quote(v.targets[0])
	case theInput:
		return v.input(v.targets[0])
	case theTargets:
	default:
		member, _ := memberOf(v.inputs[v.targets[0]], p) // missingValues has found it
		return member
	}
	list := []byte{'['}
	for i, target := range v.targets {
		if i > 0 {
			list = append(list, ',')
		}
		list = append(list, v.element(target)...)
	}
	return append(list, ']')
}

// element returns a target as an element of {targets}.
func (v values) element(target string) []byte {
	element := append([]byte(`{"target":`), quote(target)...)
	element = append(element, `,"input":`...)
	element = append(element, v.input(target)...)
	return append(element, '}')
}

// input returns the input of a target as compact JSON, or null.
func (v values) input(target string) []byte {
	input, ok := v.inputs[target]
	if !ok {
		return []byte("null")
	}
	return compact(input)
}

// memberOf returns the member of an input that a placeholder stands for as compact JSON, and
// false if the input has none.
func memberOf(input json.RawMessage, p placeholder) (member []byte, ok bool) {
	for name := range strings.SplitSeq(strings.TrimPrefix(string(p), ofInput), ".") {
		var members map[string]json.RawMessage
		if json.Unmarshal(input, &members) != nil {
			return nil, false
		}
		if input, ok = members[name]; !ok {
			return nil, false
		}
	}
	return compact(input), true
}

// compact returns JSON without white space.
func compact(data json.RawMessage) []byte {
	var b bytes.Buffer
	_ = json.Compact(&b, data) // it was read as JSON
	return b.Bytes()
}
