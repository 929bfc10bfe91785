package report

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"meridian/internal/difference"
	"meridian/pkg/protocol"
)

// answer returns the line for a Region: the output or error of a single target, or
// how many of several succeeded and the first failure.
func answer(r protocol.RegionOutcome) string {
	var text string
	switch len(r.Targets) {
	case 0:
		text = reason(r.Error, r.Cause)
	case 1:
		text = answerOfOne(r)
	default:
		text = answerOfMany(r)
	}
	return clean(text)
}

func answerOfOne(r protocol.RegionOutcome) string {
	t := r.Targets[0]
	switch {
	case outputLost(t) && r.Truncated:
		return "(left out: too large)"
	case t.Status == protocol.StatusSucceeded:
		return short(t.Output)
	case t.Cause != "":
		return reason(t.Error, t.Cause)
	}
	return reason(r.Error, r.Cause) // the whole invocation was lost; the Region has the reason
}

// outputLost reports whether a target of a truncated Region lost its output: every
// target that succeeded had one.
func outputLost(t protocol.TargetOutcome) bool {
	return t.Status == protocol.StatusSucceeded && t.Output == nil
}

func answerOfMany(r protocol.RegionOutcome) string {
	var counts protocol.Counts
	for _, t := range r.Targets {
		counts.Add(t.Status)
	}
	if counts.NotStarted == counts.Total {
		return reason(r.Error, r.Cause)
	}
	if text := summaries(r); text != "" {
		return text
	}
	text := fmt.Sprintf("%d of %d targets", counts.Succeeded, counts.Total)
	if counts.Skipped > 0 {
		text += fmt.Sprintf(", %d skipped", counts.Skipped)
	}
	if r.Truncated && slices.ContainsFunc(r.Targets, outputLost) {
		text += ", outputs left out: too large"
	}
	if len(failures(r)) > 1 { // each has a line below the table
		for _, s := range []protocol.Status{protocol.StatusFailed, protocol.StatusTimedOut, protocol.StatusAborted} {
			if n := counts.Of(s); n > 0 {
				text += ", " + inWords(n, s)
			}
		}
		return text
	}
	if why := firstFault(r); why != "" {
		text += "; " + why
	}
	return text
}

// fewTargets is the number of summaries that fit into a row of a usual width.
const fewTargets = 4

// summaries returns the summaries of a few targets, or "" when there are more targets
// or one has no summary: it failed, or its task makes none.
func summaries(r protocol.RegionOutcome) string {
	if len(r.Targets) > fewTargets {
		return ""
	}
	texts := make([]string, len(r.Targets))
	for i, t := range r.Targets {
		summary := conventionOf(t.Output).Summary
		if summary == "" {
			return ""
		}
		texts[i] = t.Target + " " + summary
	}
	return strings.Join(texts, ", ")
}

// firstFault returns the error of the first target that failed, or the Region's when
// no target has one: then the whole invocation was lost.
func firstFault(r protocol.RegionOutcome) string {
	if own := ownFailures(r); len(own) > 0 {
		return own[0].Target + ": " + reason(own[0].Error, own[0].Cause)
	}
	return reason(r.Error, r.Cause)
}

// reason returns an error's name and its cause, without a trust policy: writePolicies has it.
func reason(name, cause string) string {
	rest, _ := cutPolicy(wholeReason(name, cause))
	return rest
}

// wholeReason joins an error's name and its cause. Either can be missing. The cause of an
// exceeded tolerance says what its name says.
func wholeReason(name, cause string) string {
	if name == protocol.ErrorExceedToleratedFailureThreshold && cause != "" {
		return cause
	}
	if name != "" && cause != "" {
		return name + ": " + cause
	}
	return name + cause
}

// short returns the short form of an output: a string itself, an object's summary or
// else its host, and of anything else compact JSON. The message is left out: it has a
// line of its own.
func short(output json.RawMessage) string {
	var text string
	if json.Unmarshal(output, &text) == nil { // null gives ""
		return text
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(output, &fields) == nil {
		for _, field := range []string{"summary", "host"} {
			if json.Unmarshal(fields[field], &text) == nil && text != "" {
				return text
			}
		}
		if line := conventionOf(output).Message; line != "" && len(fields) == 1 {
			return line
		}
		delete(fields, "message")
		return difference.Compact(fields)
	}
	return difference.Compact(output)
}
