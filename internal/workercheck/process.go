package workercheck

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"meridian/internal/invoke"
	"meridian/pkg/protocol"
)

// A Process is a worker that is a program: each invocation starts it, with the request on
// standard input and the answer on standard output. An error is an answer with errorType and
// errorMessage, as Lambda tells it.
type Process struct {
	// Command is the program and its arguments. Required.
	Command []string

	// Stderr gets what the program writes to standard error. Nil means nothing does.
	Stderr io.Writer
}

// Invoke starts the program once.
func (p Process) Invoke(ctx context.Context, _ string, payload []byte) ([]byte, protocol.Attempt, error) {
	command := exec.CommandContext(ctx, p.Command[0], p.Command[1:]...)
	command.Stdin, command.Stderr = bytes.NewReader(payload), p.Stderr
	command.WaitDelay = time.Second // for a child that keeps its output open
	answer, err := command.Output()
	var attempt protocol.Attempt
	if ctx.Err() != nil {
		return nil, attempt, context.Cause(ctx) //nolint:wrapcheck // Invoke's error is the context's
	}
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case err != nil && !exited && command.Process == nil:
		return nil, attempt, &invoke.Error{Name: "Runtime.InvalidEntrypoint", Message: err.Error(), Err: err}
	case len(answer) > protocol.MaxPayloadBytes:
		return nil, attempt, &invoke.Error{
			Name: protocol.ErrorResponseSizeTooLarge, FunctionError: invoke.Unhandled,
			Message: fmt.Sprintf("%d bytes are too many; at most %d", len(answer), protocol.MaxPayloadBytes),
		}
	case err != nil && len(answer) == 0: // an answer beside an exit status is one
		said := ""
		if exited && p.Stderr == nil {
			said = lastLine(exit.Stderr)
		}
		return nil, attempt, &invoke.Error{
			Name: "Runtime.ExitError", Message: strings.TrimSuffix(fmt.Sprintf("%v: %s", err, said), ": "), FunctionError: invoke.Unhandled, Err: err,
		}
	}
	return answer, attempt, nil
}

// lastLine returns the last line of what a program wrote to standard error, which says what
// was wrong in most languages.
func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return cmp.Or(strings.TrimSpace(lines[len(lines)-1]), "it wrote nothing to standard error")
}
