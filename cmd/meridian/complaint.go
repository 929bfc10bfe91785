package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"meridian/pkg/protocol"
)

// The exit statuses.
const (
	exitSucceeded = 0
	exitFailed    = 1
	exitUsage     = 2
)

// A complaintError is an error as the user gets to see it.
type complaintError struct {
	// status is the exit status.
	status int

	// text is what is wrong. Its first line is the error, further ones belong to
	// it. Empty means that it has been said already.
	text string

	// hints say what to do about it, a line each.
	hints []string
}

// errRunFailed ends the command when the result, printed already, says that the
// run did not succeed.
var errRunFailed = &complaintError{status: exitFailed}

func (e *complaintError) Error() string { return e.text }

// hint adds a hint, formatted as by fmt.Sprintf.
func (e *complaintError) hint(format string, args ...any) *complaintError {
	e.hints = append(e.hints, fmt.Sprintf(format, args...))
	return e
}

// usage complains about the command line or the request.
func usage(format string, args ...any) *complaintError {
	return &complaintError{status: exitUsage, text: fmt.Sprintf(format, args...)}
}

// failure complains about something that went wrong with a good request.
func failure(format string, args ...any) *complaintError {
	return &complaintError{status: exitFailed, text: fmt.Sprintf(format, args...)}
}

// conclude prints what is wrong, if anything is, and returns the exit status. An
// error that is no complaint comes from cobra, about the command line.
func (c *cli) conclude(err error) int {
	if err == nil {
		return exitSucceeded
	}
	complaint, ok := errors.AsType[*complaintError](err)
	if !ok {
		complaint = usage("%v", err)
	}
	var b strings.Builder
	if complaint.text != "" {
		b.WriteString("meridian: " + strings.ReplaceAll(printable(complaint.text), "\n", "\n  ") + "\n")
	}
	for _, hint := range complaint.hints {
		b.WriteString("hint: " + printable(hint) + "\n")
	}
	_, _ = c.stderr.Write([]byte(b.String())) // there is nowhere left to say that this went wrong
	return complaint.status
}

// flagError makes one style of pflag's several.
func flagError(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return unknownFlag(cmd, unknown)
	}
	if bad, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		want := bad.Unwrap().Error()
		switch bad.GetFlag().Value.Type() {
		case "int":
			want = "want a whole number"
		case "float64":
			want = "want a number"
		case "bool":
			want = "want true or false"
		}
		return usage("--%s: %q: %s", bad.GetFlag().Name, bad.GetValue(), want)
	}
	if missing, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return usage("--%s needs a value", missing.GetFlag().Name)
	}
	return usage("%v", err)
}

// unknownFlag names the flag that comes nearest.
func unknownFlag(cmd *cobra.Command, unknown *pflag.NotExistError) error {
	name := unknown.GetSpecifiedName()
	if unknown.GetSpecifiedShortnames() != "" {
		return usage("unknown flag -%s", name).hint("%s --help lists the flags", cmd.CommandPath())
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	err := usage("unknown flag --%s", name)
	if cmd.Flags().Lookup("output") != nil && slices.Contains(formats(), name) {
		return err.hint("did you mean --output %s?", name)
	}
	if near := protocol.Nearest(name, names); near != "" {
		return err.hint("did you mean --%s?", near)
	}
	return err.hint("%s --help lists the flags", cmd.CommandPath())
}
