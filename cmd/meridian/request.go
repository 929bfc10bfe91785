package main

import (
	"context"
	"io"
	"os"
	"slices"

	"meridian/pkg/protocol"
)

// readRequest reads the request from the file and the flags, and returns the source
// of its fields. The values of a request of the right form are not validated yet.
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
	unread := map[string]bool{} // fields whose value could not be read
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

// awaitFile returns the contents of a file, or fails when ctx ends: a terminal or a
// pipe may never send anything. The read itself cannot be cancelled and goes on in
// its goroutine.
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

// readFile reads a file, or standard input for "-", up to one byte more than a
// request may have.
func (c *cli) readFile(name string) ([]byte, error) {
	input := c.stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }() // only read
		input = file
	}
	return io.ReadAll(io.LimitReader(input, protocol.MaxRequestBytes+1))
}

// shownFile returns the name to show for a file.
func shownFile(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}
