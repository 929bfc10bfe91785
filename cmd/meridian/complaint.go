package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"meridian/pkg/protocol"
)

// The exit statuses. After a signal, the status of signalError replaces exitFailed and
// exitNoResult.
const (
	exitSucceeded = 0
	exitFailed    = 1 // the run has a result, and it is no success
	exitUsage     = 2
	exitNoResult  = 3
)

// A complaintError is an error as it is shown to the user.
type complaintError struct {
	// status is the exit status.
	status int

	// text is the error: one line, then perhaps details, a line each. Empty means
	// that the error has been printed already.
	text string

	// hints are instructions to solve it, a line each.
	hints []string
}

// errRunFailed is the error of a run that did not succeed, after its result has
// been printed.
var errRunFailed = &complaintError{status: exitFailed}

func (e *complaintError) Error() string { return e.text }

// hint adds a hint, formatted as by fmt.Sprintf.
func (e *complaintError) hint(format string, args ...any) *complaintError {
	e.hints = append(e.hints, fmt.Sprintf(format, args...))
	return e
}

// usage returns an error of the command line or the request.
func usage(format string, args ...any) *complaintError {
	return &complaintError{status: exitUsage, text: fmt.Sprintf(format, args...)}
}

// failure returns the error of a valid request without a result, or of a result that could
// not be written.
func failure(format string, args ...any) *complaintError {
	return &complaintError{status: exitNoResult, text: fmt.Sprintf(format, args...)}
}

// faulty returns a usage error that lists faults, on one line when there is only
// one. A list begins with heading: "the request has".
func faulty(heading string, faults []string) *complaintError {
	if len(faults) == 1 {
		return usage("%s", faults[0])
	}
	return usage("%s %d faults\n%s", heading, len(faults), strings.Join(faults, "\n"))
}

// conclude prints the error of cmd under ctx, if there is one, and returns the exit status.
func (c *cli) conclude(ctx context.Context, cmd *cobra.Command, err error) int {
	if err == nil {
		return exitSucceeded
	}
	complaint, ok := errors.AsType[*complaintError](err)
	if !ok { // cobra's, about the command line; a paragraph of suggestions has a heading, then a name on each line
		text, suggestions, _ := strings.Cut(err.Error(), "\n\n")
		hint := "run `" + strings.TrimSuffix(cmd.CommandPath(), " help") + " --help`"
		if _, names, _ := strings.Cut(suggestions, "\n"); names != "" {
			hint = "did you mean " + strings.Join(strings.Fields(names), " or ") + "?"
		}
		complaint = usage("%s", text).hint("%s", hint)
	}
	var b strings.Builder
	if complaint.text != "" {
		b.WriteString("meridian: " + strings.ReplaceAll(printable(complaint.text), "\n", "\n  ") + "\n")
	}
	for _, hint := range complaint.hints {
		b.WriteString("hint: " + printable(hint) + "\n")
	}
	_, _ = c.stderr.Write([]byte(b.String())) // there is nowhere to report an error of standard error
	if s, ok := errors.AsType[*signalError](context.Cause(ctx)); ok && complaint.status != exitUsage {
		return s.status()
	}
	return complaint.status
}

// suggestFlag hints at the flag nearest to an unknown one. Cobra makes suggestions
// for commands only.
func suggestFlag(cmd *cobra.Command, err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok && invalid.GetFlag().Value.Type() == "int" {
		return usage("--%s: %q: want a whole number", invalid.GetFlag().Name, invalid.GetValue()).hint("run `%s --help`", cmd.CommandPath())
	}
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return err
	}
	name := unknown.GetSpecifiedName()
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	near := protocol.Nearest(name, names)
	if output := cmd.Flags().Lookup("output"); output != nil && slices.Contains(output.Value.(*formatFlag).allowed, name) {
		near = "output " + name
	}
	if name == "v" && slices.Contains(names, "version") {
		near = "version"
	}
	if near == "" {
		return err
	}
	return usage("%v", err).hint("did you mean --%s?", near)
}
