package main

import (
	"context"
	"io"
	"os"
	"slices"

	"meridian/pkg/protocol"
)

// readRequest makes the request of the file and the flags, and says which part
// came from where. Its values are not checked yet when its form is right.
func (c *cli) readRequest(ctx context.Context, f *runFlags, changed func(flag string) bool) (protocol.Request, source, error) {
	from := source{}
	var request protocol.Request
	if f.file != "" {
		data, err := c.awaitFile(ctx, f.file)
		if err != nil {
			return request, from, err
		}
		from.file = shownFile(f.file)
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

// awaitFile returns what is in a file. The end of ctx ends the wait for what nobody
// types, or writes into a pipe; the read itself cannot be ended, and is left behind.
func (c *cli) awaitFile(ctx context.Context, name string) ([]byte, error) {
	type content struct {
		data []byte
		err  error
	}
	read := make(chan content, 1)
	go func() {
		data, err := c.readFile(name)
		read <- content{data, err}
	}()
	select {
	case got := <-read:
		if got.err != nil {
			return nil, usage("--file: %v", got.err)
		}
		return got.data, nil
	case <-ctx.Done():
		return nil, failure("read %s: %v", shownFile(name), context.Cause(ctx))
	}
}

// readFile reads a file, or standard input for "-". It stops soon after the longest
// request there can be.
func (c *cli) readFile(name string) ([]byte, error) {
	input := c.stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }() // nothing was written
		input = file
	}
	return io.ReadAll(io.LimitReader(input, protocol.MaxRequestBytes+1))
}

// shownFile returns what to call a file.
func shownFile(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}
