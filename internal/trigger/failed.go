package trigger

import (
	"cmp"
	"fmt"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"meridian/pkg/protocol"
)

// errorRunFailed is the name of the error of a run that has none of its own.
const errorRunFailed = "Meridian.RunFailed"

// A failedRunError is the function error of a run that ended without success.
type failedRunError struct {
	result resultHead
	kept   bool
}

// failed returns the error of an answer whose run ended without success, or nil.
func (h *Handler) failed(answer []byte) error {
	if !h.FailedRunIsError {
		return nil
	}
	return h.failedRun(head(answer))
}

// failedRun returns the error of a run that ended without success, or nil.
func (h *Handler) failedRun(r resultHead) error {
	switch r.status {
	case protocol.StatusFailed, protocol.StatusTimedOut, protocol.StatusAborted:
		return &failedRunError{result: r, kept: h.Keeper != nil}
	case protocol.StatusSucceeded, protocol.StatusRunning, protocol.StatusNotStarted, protocol.StatusSkipped:
	}
	return nil
}

// Error says how the run ended, and how to see its result.
func (e *failedRunError) Error() string {
	text := fmt.Sprintf("run %s ended with status %s", e.result.runID, e.result.status)
	if cause := e.result.cause; cause != "" {
		text += ": " + cause
	}
	if !e.kept {
		return text + "; its result is not kept: deploy the coordinator with store=ENABLED"
	}
	return text + fmt.Sprintf("; see its result with `meridian show %s --function %s`", e.result.runID, cmp.Or(lambdacontext.FunctionName, "NAME"))
}

// ErrorName returns the name of the run's error.
func (e *failedRunError) ErrorName() string { return cmp.Or(e.result.error, errorRunFailed) }
