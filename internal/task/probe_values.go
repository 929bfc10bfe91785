package task

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/textproto"
	"regexp"
	"regexp/syntax"

	"meridian/internal/probe"
	"meridian/pkg/protocol"
)

// Limits on the parameters of the task "probe". They keep the time that a worker's CPU
// needs for 64 KiB of a body well below a second.
const (
	maxStatuses     = 100
	maxPatterns     = 10
	maxInstructions = 1000 // of a compiled pattern
	maxHeaders      = 50
	maxHeaderBytes  = 16 << 10 // names and values; common limits of servers begin at 8 KiB
	maxRequestBody  = 64 << 10
)

// Statuses are the statuses that an answer may have. In JSON they are one status, one
// class, or an array of these: 200, "2xx", [200, "3xx"].
type Statuses []string

// Kind returns the kinds of JSON value that Statuses read.
func (Statuses) Kind() string { return "a status or an array" }

// UnmarshalJSON implements json.Unmarshaler.
func (s *Statuses) UnmarshalJSON(data []byte) error {
	return eachElement(data, maxStatuses, func(element json.RawMessage) string {
		text := string(bytes.Trim(element, `"`))
		*s = append(*s, text)
		return probe.CheckStatus(text)
	})
}

// Patterns are regular expressions. In JSON they are a string or an array of strings, in
// the syntax of RE2.
type Patterns []*regexp.Regexp

// Kind returns the kinds of JSON value that Patterns read.
func (Patterns) Kind() string { return "a string or an array" }

// UnmarshalJSON implements json.Unmarshaler.
func (p *Patterns) UnmarshalJSON(data []byte) error {
	return eachElement(data, maxPatterns, func(element json.RawMessage) string {
		var text string
		if json.Unmarshal(element, &text) != nil || text == "" {
			return "want a regular expression, as a string"
		}
		parsed, err := syntax.Parse(text, syntax.Perl)
		if err != nil {
			return err.Error()
		}
		if program, err := syntax.Compile(parsed.Simplify()); err != nil || len(program.Inst) > maxInstructions {
			return "is too large a regular expression; want fewer or smaller repetitions"
		}
		*p = append(*p, regexp.MustCompile(text))
		return ""
	})
}

// eachElement calls read for each element of a JSON array, or for data if it is not an
// array. It returns what read says is wrong. More than most elements are not read.
func eachElement(data []byte, most int, read func(element json.RawMessage) (problem string)) error {
	var elements []json.RawMessage
	if data[0] != '[' {
		return faultOf("", data, read(data)).Err()
	}
	if err := json.Unmarshal(data, &elements); err != nil {
		return err
	}
	if len(elements) == 0 {
		return faultOf("", data, "is empty; leave it out").Err()
	}
	if len(elements) > most {
		return protocol.Faults{{Detail: fmt.Sprintf("has %d elements; at most %d", len(elements), most)}}.Err()
	}
	var faults protocol.Faults
	for i, element := range elements {
		faults = faults.And(faultOf(fmt.Sprintf("[%d]", i), element, read(element)))
	}
	return faults.Err()
}

// faultOf returns a problem as a fault, or none.
func faultOf(path string, value json.RawMessage, problem string) protocol.Faults {
	if problem == "" {
		return nil
	}
	return protocol.Faults{protocol.NewFault(path, value, problem)}
}

// Headers are the headers of a request, by canonical name. In JSON they are an object of
// strings. Their values may be secrets: no fault repeats one.
type Headers http.Header

// UnmarshalJSON implements json.Unmarshaler.
func (h *Headers) UnmarshalJSON(data []byte) error {
	refuse := func(path, problem string) error {
		return protocol.Faults{{Path: path, Detail: problem}}.Err()
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if token, _ := d.Token(); token != json.Delim('{') {
		return refuse("", "want an object with a string for each header")
	}
	*h = Headers{}
	size := 0
	for d.More() {
		key, _ := d.Token()
		name, _ := key.(string)
		if !probe.IsHeaderName(name) {
			return refuse("", fmt.Sprintf("name %d is not the name of a header", len(*h)+1))
		}
		var value *string
		if err := d.Decode(&value); err != nil || value == nil {
			return refuse(name, "want a string")
		}
		if problem := probe.CheckHeader(name, *value); problem != "" {
			return refuse(name, problem)
		}
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if (*h)[canonical] != nil {
			return refuse(name, "given twice")
		}
		(*h)[canonical] = []string{*value}
		size += len(name) + len(*value)
	}
	if len(*h) > maxHeaders || size > maxHeaderBytes {
		return refuse("", fmt.Sprintf("want at most %d headers with %d bytes", maxHeaders, maxHeaderBytes))
	}
	return nil
}
