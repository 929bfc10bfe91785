package main

import (
	"io"
	"os"
	"slices"

	"meridian/pkg/protocol"
)

// readRequest makes the request of the file and the flags, and says which part
// came from where. Its values are not checked yet when its form is right.
func (c *cli) readRequest(f *runFlags, changed func(flag string) bool) (protocol.Request, source, error) {
	from := source{}
	var request protocol.Request
	if f.file != "" {
		data, name, err := c.readFile(f.file)
		if err != nil {
			return request, from, usage("--file: %v", err)
		}
		from.file = name
		var faults protocol.Faults
		if request, faults = protocol.DecodeRequest(data); faults != nil {
			return request, from, from.explain(faults.Err())
		}
	}
	from.flags = map[string]string{}
	var faults protocol.Faults
	unread := map[string]bool{} // fields of which the value could not be read
	for _, s := range f.settings() {
		if !changed(s.flag) {
			continue
		}
		from.flags[s.field] = s.flag
		if wrong := s.apply(&request); wrong != nil {
			faults = append(faults, from.placed(wrong)...)
			unread[s.field] = true
		}
	}
	if faults == nil {
		return request, from, nil
	}
	more := slices.DeleteFunc(request.Validate(), func(fault protocol.Fault) bool { return unread[fieldOf(fault.Path)] })
	return request, from, refuse(append(faults, from.placed(more)...))
}

// readFile reads a file, or standard input for "-", and returns what to call it.
// It stops soon after the longest request there can be.
func (c *cli) readFile(name string) (data []byte, shown string, err error) {
	input, shown := c.stdin, "standard input"
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, name, err
		}
		defer func() { _ = file.Close() }() // nothing was written
		input, shown = file, name
	}
	data, err = io.ReadAll(io.LimitReader(input, protocol.MaxRequestBytes+1))
	return data, shown, err
}
