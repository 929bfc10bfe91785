package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"meridian/pkg/protocol"
)

// readRequest reads the request from the file and the flags, and returns the source
// of its fields. The values of a request of the right form are not validated yet.
func (c *cli) readRequest(ctx context.Context, f *runFlags, changed func(flag string) bool) (protocol.Request, source, error) {
	from := source{arguments: f.arguments, accounts: &f.accounts, targetPlaces: &f.targetPlaces}
	f.accounts.given = changed
	var request protocol.Request
	if f.file == "" && !f.saysWhatToRun(changed) {
		piped, err := c.hasRequest(ctx)
		if err != nil {
			return request, from, err
		}
		if piped {
			f.file = "-"
		}
	}
	if f.file != "" {
		data, err := c.awaitFile(ctx, "file", f.file)
		if err != nil {
			return request, from, err
		}
		from.file = shownFile(f.file)
		var faults protocol.Faults
		if request, faults = protocol.DecodeRequest(data); faults != nil {
			return request, from, from.explain(f.refusal(request, faults, changed))
		}
	}
	if err := c.readFlagFiles(ctx, f); err != nil {
		return request, from, err
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
	if err := f.worker.check(request, changed); err != nil {
		return request, from, err
	}
	if faults == nil {
		c.printNotes(f)
		return request, from, nil
	}
	if unread["accounts"] || unread["exclude-account"] { // the faults of these say that accounts are missing
		for _, field := range []string{"role", "externalId", "sessionName", "sessionTags"} {
			unread[field] = true
		}
	}
	more := slices.DeleteFunc(request.Validate(), func(fault protocol.Fault) bool { return unread[fieldOf(fault.Path)] })
	return request, from, refuse(append(faults, from.placed(more)...))
}

// refusal returns the error of a file's request with faults. It has the faults of its plan too,
// unless flags have a part of what is planned.
func (f *runFlags) refusal(request protocol.Request, faults protocol.Faults, changed func(flag string) bool) error {
	if f.saysWhatToRun(changed) {
		return faults.Err()
	}
	_, err := planner().PlanDecoded(request, faults, 0)
	return err //nolint:wrapcheck // its caller explains it
}

// printNotes writes to standard error what is assumed of a file of targets, and which fields of
// a file of accounts are not used. There is nowhere to report an error of it.
func (c *cli) printNotes(f *runFlags) {
	for _, note := range f.targetNotes {
		c.note("%s", note)
	}
	if unused := f.accounts.read.notice(); unused != "" {
		c.note("%s: not used: %s", shownFile(f.accounts.file), unused)
	}
}

// saysWhatToRun reports whether a flag says what to run, or where, or reads standard input.
// Then standard input has no request: it may be the rest of a script, or the lines of a
// loop.
func (f *runFlags) saysWhatToRun(changed func(flag string) bool) bool {
	work := []string{"region", "exclude-region", "partition", "target", "task", "parameters", "param", "worker-function"}
	return slices.ContainsFunc(append(work, saysWhere...), changed) || slices.ContainsFunc(f.texts(), func(v flagText) bool { return *v.text == "@-" })
}

// stdinPatience is how long standard input may stay open and empty: longer than a
// command of the AWS command line takes to print.
const stdinPatience = 5 * time.Second

// hasRequest reports whether standard input has a request. A terminal and /dev/null have
// none, and neither does a pipe that is closed without a byte. A pipe that stays open and
// empty is refused: the request that it may bring must not be replaced by the default one,
// and it may never bring any.
func (c *cli) hasRequest(ctx context.Context) (bool, error) {
	if file, ok := c.stdin.(*os.File); ok {
		info, err := file.Stat()
		if err != nil || info.Mode()&os.ModeCharDevice != 0 {
			return false, nil //nolint:nilerr // without a standard input there is no request in it
		}
	}
	input := bufio.NewReader(c.stdin)
	first := make(chan error, 1)
	go func() {
		_, err := input.Peek(1)
		first <- err
	}()
	select {
	case err := <-first:
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		c.stdin = input // reading returns any other error again
		return true, nil
	case <-time.After(stdinPatience):
		return false, usage("standard input is open, and empty after %v", stdinPatience).
			hint("add -f - to wait for a request from it, or </dev/null to run without one")
	case <-ctx.Done():
		return false, failure("read standard input: %v", context.Cause(ctx))
	}
}

// awaitFile returns the contents of the file that a flag names, or fails when ctx ends: a
// terminal or a pipe may never send anything. The read itself cannot be cancelled and goes
// on in its goroutine.
func (c *cli) awaitFile(ctx context.Context, flag, name string) ([]byte, error) {
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
			return nil, usage("--%s: %v", flag, got.err)
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
