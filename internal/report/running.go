package report

import (
	"fmt"
	"strings"

	"meridian/pkg/protocol"
)

// whileRunning says what the result of a run that has not ended is, or "" if it has.
func whileRunning(r protocol.Result) string {
	if r.Status != protocol.StatusRunning {
		return ""
	}
	return "the run continues after this result"
}

// lookUp returns the command that looks up a run that has not ended, or "" if it has. An
// invalid id may have come from anywhere, and is left out of the command.
func lookUp(r protocol.Result) string {
	switch {
	case r.Status != protocol.StatusRunning:
		return ""
	case protocol.ValidRunID(r.RunID):
		return fmt.Sprintf("run `meridian show %s` to look up the run", r.RunID)
	}
	return "run `meridian show` with the id of the run to look it up"
}

// generations says over how many coordinator invocations a run went, and how many of them
// were redrives. It returns "" for a run of one generation.
func generations(r protocol.Result) string {
	var parts []string
	if r.Generations > 1 {
		parts = append(parts, "over "+count(r.Generations, "generation", "generations"))
	}
	if r.Redrives > 0 {
		parts = append(parts, count(r.Redrives, "redrive", "redrives"))
	}
	return strings.Join(parts, ", ")
}
